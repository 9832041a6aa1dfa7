"""Calls through the whole engine: a date that versions hand on, whatever the order in which they arrive."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.e2e.trial import Trial, without
from tests.oracle import compare

ONE, TWO, THREE, FOUR = (date(2024, 3, day) for day in range(1, 5))
HEADER = "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status,call_date"
LINEAGE = (
    "_version_at", "_source_file", "_file_modified", "_row_number", "_delivery", "_logical_date", "_load_time",
    "_ingested_at", "_run_id",
)  # fmt: skip


def call(
    key: int | str, start: str = "10:00:00", end: str = "10:05:00", status: str = "COMPLETED", on: str = ""
) -> str:
    """One record; `on` is the call_date that the source gives."""
    return f"{key},42,501,{start},{end},{status},{on}"


def load(
    trial: Trial, day: date, *records: str, with_gold: bool = False, modified: datetime | None = None
) -> dict[str, int]:
    """Deliver a day and load it; its figures other than 0, without the number read."""
    trial.deliver(day, *records, dataset="calls", header=HEADER, modified=modified)
    assert trial.run(with_gold=with_gold, start=day, end=day, dataset="calls").exit_code == 0
    return {name: n for name, n in trial.figures("calls")[day].items() if n and name != "read"}


def silver(trial: Trial, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of Silver's calls as text, by call."""
    rows = sorted(trial.rows("silver/calls"), key=lambda row: (row["call_id"], row["call_date"]))
    return [tuple(str(row[name]) for name in columns) for row in rows]


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Day 3, then days 1 and 2 late, then day 4 and a correction of day 1; each call is a story of its own."""
    trial = Trial(spark, tmp_path_factory.mktemp("told"))
    dropped, over_midnight = {"status": "DROPPED"}, {"start": "23:50:00", "end": "00:10:00"}
    full_end = {"start": "23:50:00", "end": "2024-03-02 00:10:00"}
    trial.classes = [  # type: ignore[attr-defined]
        load(
            trial, THREE, call(1, **dropped), call(2), call(3, **dropped), call(5), call(6), call(9),
            call(10, on="2024-02-20"), call(10), call(11),
        ),
        load(trial, ONE, call(2, on="2024-03-03"), call(6), call(7, on="2024-02-20"), call(8, on="2024-02-20")),
        load(
            trial, TWO, call(1), call(2), call(3, on="2024-02-20"), call(4, **over_midnight), call(6), call(7), call(8),
            call(9, start="2024-02-25 09:00:00"), call(11, status="LOST", on="2024-02-20"), call(12),
            call(13, **full_end),
        ),
        load(
            trial, FOUR, call(4, status="FAILED", **over_midnight), call(5, on="2024-02-20"),
            call(13, status="FAILED", **full_end),
        ),
        load(trial, ONE, call(3, on="2024-02-10"), call(7, on="2024-02-21"), call(8)),
    ]  # fmt: skip
    return trial


class TestTheDateOfACall:
    """Given by call_date or by a full start, else the earliest delivery's day: over all versions, late ones too."""

    @staticmethod
    def row(told: Trial, key: int) -> dict[str, str]:
        """What Silver holds of a call in the end, as text."""
        (row,) = [row for row in told.rows("silver/calls") if row["call_id"] == key]
        return {name: str(value) for name, value in row.items()}

    def test_every_record_is_in_one_class(self, told: Trial) -> None:
        """A late version that changes Silver's row is updated, not stale; the correction of day 1 lacks two calls."""
        assert told.classes == [  # type: ignore[attr-defined]
            {"inserted": 8, "duplicates": 1},
            {"inserted": 2, "updated": 1, "stale": 1},
            {"inserted": 3, "updated": 3, "stale": 2, "unchanged": 2, "rejected": 1},
            {"updated": 3},
            {"updated": 1, "stale": 2, "absent": 2},
        ]

    def test_an_earlier_day_that_comes_late_moves_what_was_assumed_and_nothing_else(self, told: Trial) -> None:
        """The instants move along; the newest version's status and lineage stay."""
        row = self.row(told, 1)
        assert (row["call_date"], row["call_started_at"]) == ("2024-03-02", "2024-03-02 10:00:00+00:00")
        assert (row["call_status"], row["_logical_date"]) == ("DROPPED", "2024-03-03")

    def test_that_a_date_is_given_is_kept_where_it_is_the_same_as_assumed(self, told: Trial) -> None:
        """Day 1 said that the call is of day 3, which day 3 had assumed: what day 2 assumes changes nothing."""
        assert self.row(told, 2)["call_date"] == "2024-03-03"
        assert self.row(told, 2)["_call_date_since"] == "None"

    def test_a_date_that_comes_late_holds_and_an_older_one_after_it_does_not(self, told: Trial) -> None:
        """Day 2 gave one, then day 1 another; day 3, the newest, has none."""
        assert (self.row(told, 3)["call_date"], self.row(told, 3)["call_status"]) == ("2024-02-20", "DROPPED")

    def test_a_later_version_keeps_the_day_over_midnight_too(self, told: Trial) -> None:
        """Only the status is day 4's."""
        row = self.row(told, 4)
        assert (row["call_date"], row["call_ended_at"]) == ("2024-03-02", "2024-03-03 00:10:00+00:00")
        assert (row["duration_seconds"], row["call_status"]) == ("1200", "FAILED")

    def test_a_full_end_gives_the_date_of_its_bare_start_whenever_it_is_delivered(self, told: Trial) -> None:
        """Days 2 and 4 both have the call that ended in the night before day 2."""
        row = self.row(told, 13)
        assert (row["call_date"], row["call_started_at"]) == ("2024-03-01", "2024-03-01 23:50:00+00:00")
        assert (row["call_status"], row["duration_seconds"]) == ("FAILED", "1200")

    def test_a_given_date_takes_the_place_of_an_assumed_one(self, told: Trial) -> None:
        """In order, day 3 and day 4."""
        assert self.row(told, 5)["call_started_at"] == "2024-02-20 10:00:00+00:00"

    def test_the_earliest_assumed_day_holds(self, told: Trial) -> None:
        """Days 3, 1, 2."""
        assert (self.row(told, 6)["call_date"], self.row(told, 6)["_call_date_since"]) == ("2024-03-01", "2024-03-01")

    def test_a_correction_takes_the_place_of_what_its_day_gave_where_it_gives_a_date(self, told: Trial) -> None:
        """Otherwise the earlier content's stays: that was a version, too."""
        assert (self.row(told, 7)["call_date"], self.row(told, 8)["call_date"]) == ("2024-02-21", "2024-02-20")

    def test_a_full_start_gives_the_date_of_a_newer_bare_one(self, told: Trial) -> None:
        """The time is the newest version's, the day the older one's."""
        row = self.row(told, 9)
        assert (row["call_start_time"], row["call_started_at"]) == ("10:00:00", "2024-02-25 10:00:00+00:00")

    def test_duplicates_and_rejected_records_give_none(self, told: Trial) -> None:
        """They were never versions of the call."""
        assert (self.row(told, 10)["call_date"], self.row(told, 11)["call_date"]) == ("2024-03-03", "2024-03-03")


@pytest.mark.engine
def test_a_correction_that_is_older_than_what_it_corrects_gives_no_date(trial: Trial) -> None:
    """Versions of a day are ordered by their files' times, not by when they came."""
    load(trial, ONE, call(1, on="2024-02-20"))
    load(trial, TWO, call(1, status="DROPPED"))

    assert load(trial, ONE, call(1, on="2024-02-10"), modified=datetime(2024, 3, 2, tzinfo=UTC)) == {"stale": 1}
    assert [row["call_date"] for row in trial.rows("silver/calls")] == [date(2024, 2, 20)]


def test_gold_follows_a_call_to_its_day_and_a_repeated_or_rebuilt_day_changes_nothing(trial: Trial) -> None:
    """Both days are computed again; a second run of the late day commits nothing."""
    load(trial, THREE, call(1), call(2), with_gold=True)
    load(trial, TWO, call(1), with_gold=True)

    days = [(row["call_date"], row["total_calls"]) for row in trial.rows("gold/call_daily_summary")]
    assert sorted(days) == [(TWO, 1), (THREE, 1)]
    before, rows = trial.versions(), without(trial.rows("silver/calls"), LINEAGE)
    trial.redeliver(TWO, "calls")
    trial.load(start=TWO, end=TWO, force=True, dataset="calls")
    assert trial.versions() == before
    trial.rebuild(silver="calls")
    assert compare("silver", rows, without(trial.rows("silver/calls"), LINEAGE), ["call_id"]) == []


@pytest.mark.engine
def test_a_call_may_be_known_by_its_number_and_its_date(new_trial: Any, tmp_path: Path) -> None:
    """A contract of one's own: the same number on another day is another call, and no date is handed on."""
    (tmp_path / "calls.odcs.yaml").write_text(
        "kind: DataContract\napiVersion: v3.1.0\nid: mine\nversion: 1.0.0\nstatus: active\n"
        "customProperties:\n  - {property: extends, value: builtin}\nschema:\n  - name: calls\n    properties:\n"
        "      - {name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}\n"
    )
    trial = new_trial("own", contracts=str(tmp_path))
    load(trial, ONE, call(1), call(1, on="2024-02-29"), call(1, on="2024-02-29", status="FAILED"))
    assert load(trial, TWO, call(1), call(1, on="2024-03-01", status="DROPPED"), with_gold=True) == {
        "inserted": 1,
        "updated": 1,
    }
    expected = [("2024-02-29", "FAILED"), ("2024-03-01", "DROPPED"), ("2024-03-02", "COMPLETED")]
    assert silver(trial, "call_date", "call_status") == expected
    assert "_call_date_since" not in trial.rows("silver/calls")[0]
    days = [(row["call_date"], row["total_calls"]) for row in trial.rows("gold/call_daily_summary")]
    assert sorted(days) == [(date(2024, 2, 29), 1), (ONE, 1), (TWO, 1)]

    trial.rebuild(silver="calls")

    assert silver(trial, "call_date", "call_status") == expected


@dataclass(frozen=True)
class Version:
    """A call in a delivery: which day's, which of the day's contents, and what it says."""

    day: date
    content: int
    start: str
    status: str
    on: date | None

    @property
    def given(self) -> date | None:
        """The date that it gives."""
        return self.on or (date.fromisoformat(self.start[:10]) if len(self.start) > 8 else None)


@dataclass
class Plain:
    """The same in plain Python: the versions of each call that were accepted, and what a further one comes to."""

    versions: dict[int, list[Version]] = field(default_factory=dict)

    def row(self, key: int) -> dict[str, Any] | None:
        """Silver's row of a call."""
        found = sorted(self.versions.get(key, []), key=lambda v: (v.day, v.content))
        if not found:
            return None
        given = [v.given for v in found if v.given]
        newest, on = found[-1], given[-1] if given else found[0].day
        started = newest.start if len(newest.start) > 8 else f"{on} {newest.start}"
        return {
            "call_id": key,
            "call_start_time": newest.start,
            "call_status": newest.status,
            "call_date": on,
            "call_started_at": datetime.fromisoformat(f"{started}+00:00"),
            "_call_date_since": None if given else found[0].day,
        }

    def take(self, key: int, version: Version) -> str:
        """Accept one more version and name its class."""
        before = self.row(key)
        self.versions.setdefault(key, []).append(version)
        after = self.row(key)
        assert after is not None
        is_newest = version == max(self.versions[key], key=lambda v: (v.day, v.content))
        if before is None:
            return "inserted"
        if before | {"_call_date_since": None} != after | {"_call_date_since": None}:
            return "updated"
        return "unchanged" if is_newest else "stale"


KEYS = range(1, 151)
Contents = dict[tuple[date, int], dict[int, Version]]


def drawn(chance: random.Random) -> Contents:
    """Deliveries of four days, some with a correction, of calls that mostly have no date."""
    days = (ONE, TWO, THREE, FOUR)
    made: Contents = {}
    for day, content in [(d, n) for d in days for n in range(chance.choice((1, 1, 2)))]:
        made[day, content] = {}
        for key in KEYS:
            if chance.random() < 0.6:
                start = chance.choice(("10:00:00", "10:00:00", "10:00:00", f"{chance.choice(days)} 10:00:00"))
                on = chance.choice((None, None, None, chance.choice(days) - timedelta(days=chance.choice((0, 1)))))
                status = chance.choice(("COMPLETED", "COMPLETED", "DROPPED"))
                made[day, content][key] = Version(day, content, start, status, on)
    return made


def arrivals(chance: random.Random, contents: Contents) -> list[list[tuple[date, int]]]:
    """In which runs the deliveries come: in any order, but a correction after what it corrects."""
    order = sorted(contents)
    chance.shuffle(order)
    runs: list[list[tuple[date, int]]] = []
    seen: dict[date, int] = {}
    for day, _ in order:
        if not runs or any(day == other for other, _ in runs[-1]) or chance.random() < 0.4:
            runs.append([])
        runs[-1].append((day, seen.get(day, 0)))
        seen[day] = seen.get(day, 0) + 1
    return [sorted(run) for run in runs]


def figures_of(names: Sequence[str]) -> dict[str, int]:
    """How many of each class."""
    return {name: names.count(name) for name in ("inserted", "updated", "unchanged", "stale")}


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.engine)])
def test_any_order_of_arrival_gives_what_plain_python_gives(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    """150 calls in random deliveries: figures of each run's days, Silver after each run, and Silver rebuilt."""
    chance = random.Random(seed)
    contents = drawn(chance)
    trial, plain = Trial(spark, tmp_path), Plain()
    for run in arrivals(chance, contents):
        for place in run:
            records = [call(k, v.start, "10:05:00", v.status, str(v.on or "")) for k, v in contents[place].items()]
            trial.deliver(place[0], *records, dataset="calls", header=HEADER)
        trial.backfill(chance.choice((1, 2, 100)), with_gold=False, start=ONE, end=FOUR)
        found = trial.figures("calls")
        for place in run:
            names = [plain.take(key, version) for key, version in contents[place].items()]
            figures = {name: found[place[0]][name] for name in figures_of(names)}
            assert (place, figures) == (place, figures_of(names))
        _same(trial, plain)
    before = without(trial.rows("silver/calls"), LINEAGE)

    trial.rebuild(silver="calls")

    assert compare("rebuilt", before, without(trial.rows("silver/calls"), LINEAGE), ["call_id"]) == []


def _same(trial: Trial, plain: Plain) -> None:
    rows = trial.rows("silver/calls")
    expected = [row for key in KEYS if (row := plain.row(key)) is not None]
    columns = list(expected[0])
    assert compare("silver", expected, [{c: row[c] for c in columns} for row in rows], ["call_id"]) == []

"""Calls through the whole engine: a date that versions hand on, whatever the order in which they arrive."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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


def load(trial: Trial, day: date, *records: str, with_gold: bool = False) -> dict[str, int]:
    """Deliver a day and load it; its figures other than 0, without the number read."""
    trial.deliver(day, *records, dataset="calls", header=HEADER)
    assert trial.run(with_gold=with_gold, start=day, end=day, dataset="calls").exit_code == 0
    return {name: n for name, n in trial.figures("calls")[day].items() if n and name != "read"}


def silver(trial: Trial, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of Silver's calls as text, by call."""
    rows = sorted(trial.rows("silver/calls"), key=lambda row: (row["call_id"], row["call_date"]))
    return [tuple(str(row[name]) for name in columns) for row in rows]


class TestTheDateOfACallWithoutOne:
    """Bare times and no call_date: the day of the delivery that had the call first, also where that comes late."""

    def test_later_versions_keep_it(self, trial: Trial) -> None:
        """Over midnight: the instants stay, too; a version with another status changes only that."""
        assert load(trial, ONE, call(1, "23:50:00", "00:10:00")) == {"inserted": 1}
        assert load(trial, TWO, call(1, "23:50:00", "00:10:00")) == {"unchanged": 1}
        assert load(trial, THREE, call(1, "23:50:00", "00:10:00", "DROPPED")) == {"updated": 1}

        assert silver(trial, "call_date", "call_ended_at", "duration_seconds", "call_status", "_call_date_since") == [
            ("2024-03-01", "2024-03-02 00:10:00+00:00", "1200", "DROPPED", "2024-03-01")
        ]

    def test_an_earlier_delivery_that_comes_late_moves_it_and_nothing_else(self, trial: Trial) -> None:
        """The newest version's columns and lineage stay; Gold's old and new day follow."""
        load(trial, THREE, call(1, status="DROPPED"), call(2), with_gold=True)

        assert load(trial, TWO, call(1), with_gold=True) == {"updated": 1}

        assert silver(trial, "call_id", "call_date", "call_started_at", "call_status", "_logical_date") == [
            ("1", "2024-03-02", "2024-03-02 10:00:00+00:00", "DROPPED", "2024-03-03"),
            ("2", "2024-03-03", "2024-03-03 10:00:00+00:00", "COMPLETED", "2024-03-03"),
        ]
        days = [(row["call_date"], row["total_calls"]) for row in trial.rows("gold/call_daily_summary")]
        assert sorted(days) == [(TWO, 1), (THREE, 1)]
        before = trial.versions()
        trial.rebuild(silver="calls")
        trial.redeliver(TWO, "calls")
        trial.load(start=TWO, end=TWO, force=True, dataset="calls")
        assert trial.versions() == before | {"silver/calls": before["silver/calls"] + 1}

    def test_a_later_one_that_comes_late_does_not(self, trial: Trial) -> None:
        """It is stale, and Silver has no new version."""
        load(trial, ONE, call(1))
        load(trial, THREE, call(1))
        before = trial.versions()["silver/calls"]

        assert load(trial, TWO, call(1, status="DROPPED")) == {"stale": 1}
        assert trial.versions()["silver/calls"] == before
        assert silver(trial, "call_date", "call_status") == [("2024-03-01", "COMPLETED")]


class TestADateThatIsGiven:
    """By call_date or by a full start: the newest that is given holds, over whatever wasn't."""

    def test_it_holds_for_later_versions_without_one(self, trial: Trial) -> None:
        """And for the version that had made do with its delivery's day."""
        load(trial, ONE, call(1))
        assert load(trial, TWO, call(1, on="2024-02-20")) == {"updated": 1}
        assert load(trial, THREE, call(1, status="FAILED")) == {"updated": 1}

        assert silver(trial, "call_date", "call_started_at", "_call_date_since") == [
            ("2024-02-20", "2024-02-20 10:00:00+00:00", "None")
        ]

    def test_it_holds_where_it_comes_late(self, trial: Trial) -> None:
        """A stale version gives the date; of two the newer's holds, in whatever order they come."""
        load(trial, FOUR, call(1, status="DROPPED"))
        assert load(trial, TWO, call(1, on="2024-02-20")) == {"updated": 1}
        assert load(trial, ONE, call(1, on="2024-02-10")) == {"stale": 1}
        assert silver(trial, "call_date", "call_status") == [("2024-02-20", "DROPPED")]

        assert load(trial, THREE, call(1, "2024-02-25 09:00:00")) == {"updated": 1}
        assert silver(trial, "call_date", "call_start_time", "call_started_at") == [
            ("2024-02-25", "10:00:00", "2024-02-25 10:00:00+00:00")
        ]

    def test_a_correction_of_its_day_takes_its_place(self, trial: Trial) -> None:
        """The earlier content was a version, too: where the correction has no date, that one's stays."""
        load(trial, ONE, call(1, on="2024-02-20"), call(2, on="2024-02-20"))
        load(trial, TWO, call(1), call(2))
        assert load(trial, ONE, call(1, on="2024-02-21"), call(2)) == {"updated": 1, "stale": 1}
        assert silver(trial, "call_id", "call_date") == [("1", "2024-02-21"), ("2", "2024-02-20")]

    def test_that_it_is_given_is_kept_where_the_date_is_the_same(self, trial: Trial) -> None:
        """Day 1 says that the call is of day 3, which day 3 had assumed; what day 2 assumes changes nothing."""
        load(trial, THREE, call(1))
        assert load(trial, ONE, call(1, on="2024-03-03")) == {"stale": 1}
        assert load(trial, TWO, call(1)) == {"stale": 1}
        assert silver(trial, "call_date", "_call_date_since") == [("2024-03-03", "None")]

    def test_a_duplicate_in_a_delivery_gives_none(self, trial: Trial) -> None:
        """It was never a version: the delivery's last record of the call is."""
        assert load(trial, ONE, call(1, on="2024-02-20"), call(1)) == {"inserted": 1, "duplicates": 1}
        assert silver(trial, "call_date") == [("2024-03-01",)]

    def test_a_rejected_record_gives_none(self, trial: Trial) -> None:
        """Its date says nothing of a call that wasn't accepted."""
        load(trial, ONE, *(call(n) for n in range(1, 10)))
        assert load(trial, TWO, call(1, status="LOST", on="2024-02-20"), *(call(n) for n in range(2, 11))) == {
            "inserted": 1,
            "unchanged": 8,
            "rejected": 1,
        }
        assert silver(trial, "call_date")[0] == ("2024-03-01",)


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


@pytest.mark.parametrize("seed", [1, 2, 3])
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

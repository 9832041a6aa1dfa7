from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from state.landing import Delivery
from state.ledger import DayState, Figures, Ledger, Status, _row
from state.tables import INGESTION_STATE, open_or_create, swap
from tests.state.processes import begin, end, hear, say

DAY = date(2024, 3, 5)
NOON = datetime(2024, 3, 6, 12, tzinfo=UTC)
FULL = DayState(
    dataset="tickets",
    logical_date=DAY,
    status=Status.SUCCEEDED,
    attempt=2,
    run_id="r-1",
    figures=Figures(9, 1, 2, 3, 1, 1, 1, 4, 5, {"resolution_hours_off": 7}),
    deliveries=(Delivery("/l/a.csv", 12, "ab" * 32, NOON - timedelta(microseconds=1)), Delivery("/l/b", 0, "c", NOON)),
    loaded=("abababababab", "0123456789ab"),
    silver_version=17,
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2.5),
    ingestion_timestamp=NOON + timedelta(seconds=2),
    error_class="DataError",
    error_message='it\'s "quoted"\nand broken',
    accepted_rejects=True,
    gold_pending=True,
    replayed=("cdcdcdcdcdcd",),
)


def test_a_day_comes_back_as_it_was_put(tmp_path: Path) -> None:
    """No field is lost or changed on the way through the table, microseconds and quotes included."""
    Ledger(str(tmp_path)).put(FULL)

    assert Ledger(str(tmp_path)).days() == [FULL]


def test_a_day_of_which_little_is_known_comes_back_so(tmp_path: Path) -> None:
    """A pending day has no figures, which isn't the same as figures of 0."""
    pending = DayState("tickets", DAY, Status.PENDING)
    Ledger(str(tmp_path)).put(pending, DayState("calls", DAY, Status.RUNNING, figures=Figures()))

    assert Ledger(str(tmp_path)).days("tickets") == [pending]
    assert Ledger(str(tmp_path)).days("calls")[0].figures == Figures()


def test_a_ledger_made_before_replays_were_is_read_and_added_to(tmp_path: Path) -> None:
    """Its days have no replayed deliveries; the first put brings the column, and both days are there after it."""
    before = replace(FULL, replayed=(), logical_date=DAY - timedelta(1))
    of_old = replace(INGESTION_STATE, columns=tuple(c for c in INGESTION_STATE.columns if c.name != "replayed"))
    rows = [{name: value for name, value in _row(before).items() if name != "replayed"}]
    assert swap(open_or_create(str(tmp_path), of_old), of_old, rows)
    assert Ledger(str(tmp_path)).days() == [before]

    Ledger(str(tmp_path)).put(FULL)
    Ledger(str(tmp_path)).put(replace(before, logical_date=DAY - timedelta(2)))

    assert Ledger(str(tmp_path)).days() == [replace(before, logical_date=DAY - timedelta(2)), before, FULL]


def test_a_put_replaces_the_same_day_only(tmp_path: Path) -> None:
    """The key is dataset and logical date."""
    ledger = Ledger(str(tmp_path))
    other_day, other_set = replace(FULL, logical_date=DAY + timedelta(1)), replace(FULL, dataset="calls")
    ledger.put(FULL, other_day, other_set)

    ledger.put(replace(FULL, status=Status.FAILED))

    assert ledger.days() == [other_set, replace(FULL, status=Status.FAILED), other_day]


def test_many_days_are_one_version_and_no_days_none(tmp_path: Path) -> None:
    """One put is one commit, so that readers see a batch whole or not at all."""
    ledger = Ledger(str(tmp_path))
    ledger.put(FULL)
    before = ledger.version

    ledger.put(*(replace(FULL, logical_date=DAY + timedelta(n)) for n in range(365)))
    ledger.put()

    assert before is not None
    assert ledger.version == before + 1
    assert len(ledger.days()) == 365


def test_days_are_chosen_by_dataset_dates_and_status(tmp_path: Path) -> None:
    """Both ends of the dates are included."""
    ledger = Ledger(str(tmp_path))
    days = [
        replace(FULL, logical_date=DAY + timedelta(n), status=Status.FAILED if n % 2 else FULL.status) for n in range(6)
    ]
    ledger.put(*days, replace(FULL, dataset="o'clock"))

    assert ledger.days("tickets", start=days[1].logical_date, end=days[3].logical_date) == days[1:4]
    assert ledger.days("tickets", statuses=[Status.FAILED]) == days[1::2]
    assert [d.dataset for d in ledger.days("o'clock")] == ["o'clock"]
    assert ledger.days(statuses=[]) == []


def test_reading_a_lake_without_a_ledger_creates_nothing(tmp_path: Path) -> None:
    """`plan` and `status` change nothing, not even by making a table."""
    ledger = Ledger(str(tmp_path / "lake"))

    assert ledger.days() == []
    assert ledger.version is None
    assert not (tmp_path / "lake").exists()


def test_the_ledger_keeps_to_what_every_reader_reads(tmp_path: Path) -> None:
    """Reader version 1 and no timestamp without a zone, after changes and checkpoints too."""
    ledger = Ledger(str(tmp_path))
    for attempt in range(40):
        ledger.put(replace(FULL, attempt=attempt))
    table = DeltaTable(f"{tmp_path}/state/ingestion_state")

    assert table.protocol().min_reader_version == 1
    assert "ntz" not in table.schema().to_json()
    assert ledger.days() == [replace(FULL, attempt=39)]


def test_a_table_of_many_small_commits_stays_few_files(tmp_path: Path) -> None:
    """A day a commit would be a file a day: the ledger compacts itself."""
    ledger = Ledger(str(tmp_path))
    for n in range(70):
        ledger.put(replace(FULL, logical_date=DAY + timedelta(n)))

    assert len(DeltaTable(f"{tmp_path}/state/ingestion_state").file_uris()) < 40
    assert [d.logical_date for d in ledger.days()] == [DAY + timedelta(n) for n in range(70)]


@pytest.mark.parametrize(("read", "balanced"), [(21, True), (20, False), (66, False)])
def test_figures_balance_when_the_six_classes_add_up(read: int, balanced: bool) -> None:
    """Absent and deleted rows and warnings aren't records that were read."""
    assert Figures(read, 1, 2, 3, 4, 5, 6, 20, 25, {"w": 1}).balanced is balanced


def test_figures_go_through_json_unchanged() -> None:
    """The dict has every class under its name."""
    figures = Figures(read=1, rejected=1, warnings={"w": 2})

    assert figures.to_json()["rejected"] == 1
    assert Figures.from_json(figures.to_json()) == figures


WRITER = """
import sys
from datetime import date, timedelta
from state.ledger import DayState, Ledger, Status
lake, dataset = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
ledger = Ledger(lake)
for n in range(6):
    ledger.put(DayState(dataset, date(2024, 1, 1) + timedelta(n), Status.SUCCEEDED))
print(len(ledger.days(dataset)), flush=True)
"""


def test_eight_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """They make the table together, write 48 days between them, and each ends well."""
    writers = [begin(WRITER, str(tmp_path), f"dataset_{n}") for n in range(8)]
    for writer in writers:
        say(writer)

    assert [hear(writer) for writer in writers] == ["6"] * 8
    assert [end(writer) for writer in writers] == [(0, "")] * 8
    assert len(Ledger(str(tmp_path)).days()) == 48


def test_one_dataset_of_a_ledger_of_13000_rows_is_read_fast(tmp_path: Path) -> None:
    """`status` over five years of seven datasets answers under a second; here one dataset of them."""
    ledger = Ledger(str(tmp_path))
    first = date(2019, 1, 1)
    for dataset in ("a", "b", "c", "d", "e", "f", "tickets"):
        ledger.put(*(replace(FULL, dataset=dataset, logical_date=first + timedelta(n)) for n in range(1_860)))

    started = time.perf_counter()
    days = ledger.days("tickets", start=date(2024, 1, 1))

    assert time.perf_counter() - started < 0.5
    assert len(days) == (first + timedelta(1_859) - date(2024, 1, 1)).days + 1


def test_days_are_read_from_a_date_of_each_dataset_on(tmp_path: Path) -> None:
    """In one look; a dataset that isn't named isn't read."""
    ledger = Ledger(str(tmp_path))
    assert ledger.since({"tickets": date(2026, 3, 1)}) == []
    days = [
        DayState(name, date(2026, 3, day), Status.SUCCEEDED)
        for day in (1, 2, 3)
        for name in ("agents", "calls", "tickets")
    ]
    ledger.put(*days)

    found = ledger.since({"tickets": date(2026, 3, 3), "calls": date(2026, 3, 2)})

    assert [(d.dataset, d.logical_date.day) for d in found] == [("calls", 2), ("calls", 3), ("tickets", 3)]
    assert ledger.since({}) == []


def test_an_outline_says_how_every_day_stands(tmp_path: Path) -> None:
    """In order, and without the rest of a day."""
    ledger = Ledger(str(tmp_path))
    assert ledger.outline() == []
    ledger.put(
        DayState("tickets", date(2026, 3, 2), Status.FAILED, 2, error_class="SourceError"),
        DayState("tickets", date(2026, 3, 1), Status.SUCCEEDED, 1),
        DayState("calls", date(2026, 3, 1), Status.PENDING),
    )

    assert ledger.outline() == [
        ("calls", date(2026, 3, 1), Status.PENDING, 0, None),
        ("tickets", date(2026, 3, 1), Status.SUCCEEDED, 1, None),
        ("tickets", date(2026, 3, 2), Status.FAILED, 2, "SourceError"),
    ]
    assert [day.status for day in ledger.outline("calls")] == [Status.PENDING]

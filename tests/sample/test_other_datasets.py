"""Calls, agent events and agent identity of the sample, against the independent calculation and by themselves."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.errors import UsageError
from spark_jobs.sample import DATASETS, Correction, Truth, write_sample
from tests.oracle import LakeTruth, LandedDelivery, classify
from tests.oracle.model import SilverRow

START = date(2025, 1, 6)
UNORDERED = ("calls", "agent_events")
NEW = (*UNORDERED, "agent_identity")
REASONS = {
    "calls": {
        "malformed_record", "missing_call_id", "non_numeric_call_id", "missing_caller_id", "non_numeric_caller_id",
        "missing_agent_id", "non_numeric_agent_id", "invalid_call_start_time", "invalid_call_end_time",
        "unknown_call_status", "invalid_call_date", "call_ended_before_start", "call_too_long",
    },
    "agent_events": {
        "malformed_record", "missing_done_on", "invalid_done_on", "missing_extension", "unknown_action",
    },
    "agent_identity": {"missing_agent_id"},
}  # fmt: skip
TICKETS_SHA256 = "6ed699cf1e476de59f5ca2870e7a4140637947ee2b88e851741661ae70ca94f8"
"""Of the eighth day's tickets as they were before the sample had other datasets."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Thirty dirty days, made once."""
    return write_sample(tmp_path_factory.mktemp("landing"), start=START, days=30, tickets_per_day=120, seed=5)


def files(root: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def landed(truth: Truth, dataset: str) -> list[LandedDelivery]:
    """The dataset's files in the order of their days."""
    return [LandedDelivery(dataset, day.logical_date, truth.root / day.path) for day in truth.days(dataset)]


def calculated(truth: Truth, dataset: str, zone: str = "UTC") -> LakeTruth:
    """What the independent calculation makes of the dataset's files."""
    return classify(landed(truth, dataset), dataset, zone=zone, source_zone=zone)


def as_text(row: SilverRow, *, lineage: bool) -> dict[str, str]:
    """A calculated row as the truth's files have it."""
    found = {
        name: value.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(value, datetime)
        else str(value).lower()
        if isinstance(value, bool)
        else ""
        if value is None
        else str(value)
        for name, value in asdict(row.content).items()
    }
    origin = {"logical_date": str(row.version.logical_date), "row_number": str(row.version.row_number)}
    return found | (origin if lineage else {})


def assert_truth_holds(truth: Truth, dataset: str, zone: str = "UTC") -> None:
    """Figures, the reasons of each record, duplicates, and final rows with their origin."""
    found = calculated(truth, dataset, zone)
    assert found.held_back == {}
    rejects = {(each.logical_date, each.row_number): list(each.reasons) for each in found.rejects}
    duplicates = [(each.logical_date, each.row_number) for each in found.duplicates]
    days = list(truth.days(dataset))
    for day in days:
        figures = {"read": day.read, **day.classes(), "deleted": day.deleted, "absent": 0}
        assert asdict(found.figures[day.logical_date]) == figures, day.logical_date
    assert rejects == {(day.logical_date, row): why for day in days for row, why in day.records.items()}
    assert duplicates == [(day.logical_date, row) for day in days for row in day.duplicate_rows]
    rows = [as_text(row, lineage=dataset in UNORDERED) for row in found.silver.values()]
    assert in_order(rows) == in_order(list(truth.rows(dataset)))


def in_order(rows: Sequence[dict[str, str]]) -> list[list[tuple[str, str]]]:
    """Rows in an order of their own."""
    return sorted(sorted(row.items()) for row in rows)


@pytest.mark.parametrize("dataset", NEW)
def test_an_independent_calculation_finds_what_the_truth_says(sample: Truth, dataset: str) -> None:
    """Classes by day, reasons by record, losing duplicates, and every final row with its origin."""
    assert_truth_holds(sample, dataset)


@pytest.mark.parametrize("dataset", UNORDERED)
@pytest.mark.parametrize("start", [date(2025, 3, 24), date(2025, 10, 20)])
def test_the_truth_holds_where_the_clocks_change(tmp_path: Path, start: date, dataset: str) -> None:
    """Texts in local time, days of the zone, instants of the truth in UTC."""
    asked: dict[str, Any] = {"start": start, "days": 12, "tickets_per_day": 150, "seed": 8, "zone": "Europe/Berlin"}
    assert_truth_holds(write_sample(tmp_path, datasets=[dataset], **asked), dataset, "Europe/Berlin")


@pytest.mark.parametrize("dataset", NEW)
def test_every_reason_comes_and_some_records_have_several(sample: Truth, dataset: str) -> None:
    """Thirty days hold every reason of the specification."""
    days = list(sample.days(dataset))
    assert {reason for day in days for reason in day.reasons} == REASONS[dataset]
    most = max(len(reasons) for day in days for reasons in day.records.values())
    assert most >= (3 if dataset in UNORDERED else 1)


@pytest.mark.parametrize("dataset", UNORDERED)
def test_every_kind_of_dirt_comes(sample: Truth, dataset: str) -> None:
    """Late rows and files, repeated and corrected ones; an event can't be updated, for it is its own key."""
    days = list(sample.days(dataset))
    sums = {name: sum(day.classes()[name] for day in days) for name in days[0].classes()}
    assert {name for name, count in sums.items() if not count} == {"stale"} | (
        {"updated"} if dataset == "agent_events" else set()
    )
    assert sum(len(day.late_rows) for day in days) > 0
    features = {feature for day in days for feature in day.features}
    assert features >= {"late_file", "corrected", "other_header", "gzip", "bom", "crlf", "mixed_line_ends"}
    assert features >= (
        {"full_times", "iso_times", "decimal_ids", "call_date"}
        if dataset == "calls"
        else {"minutes", "american", "plain_times", "iso_times"}
    )


@pytest.mark.parametrize("dataset", UNORDERED)
def test_a_corrected_day_delivered_twice_ends_in_the_same_rows(sample: Truth, dataset: str) -> None:
    """Earlier content first, then the landing's own: the figures of both, the absent keys, and the final rows."""
    corrections = {each.logical_date: each for each in sample.corrections(dataset)}
    assert len(corrections) >= 4
    assert sum(each.absent for each in corrections.values()) > 0
    series: list[LandedDelivery] = []
    for delivery in landed(sample, dataset):
        found = corrections.get(delivery.logical_date)
        if found is not None:
            series.append(LandedDelivery(dataset, found.logical_date, sample.root / found.earlier_path))
            assert_first_try(found, classify(series, dataset))
        series.append(delivery)
        if found is not None:
            figures = asdict(classify(series, dataset).figures[found.logical_date])
            assert {name: figures[name] for name in found.corrected} == found.corrected
            assert figures["absent"] == found.absent
    final = [as_text(row, lineage=False) for row in classify(series, dataset).silver.values()]
    told = [
        {name: value for name, value in row.items() if name not in ("logical_date", "row_number")}
        for row in sample.rows(dataset)
    ]
    assert in_order(final) == in_order(told)


def assert_first_try(correction: Correction, found: LakeTruth) -> None:
    """The figures of a day's first delivery, when it is the last one that came."""
    figures, earlier = asdict(found.figures[correction.logical_date]), correction.earlier
    assert {name: figures[name] for name in ("read", *earlier.classes())} == {"read": earlier.read, **earlier.classes()}


def test_calls_cross_midnight_and_some_are_late_without_a_date(sample: Truth) -> None:
    """A bare end before its start is of the next day; a late call without a date is of the day of its delivery."""
    rows = list(sample.rows("calls"))
    assert sum(row["call_end_time"] < row["call_start_time"] and len(row["call_end_time"]) == 8 for row in rows) > 5
    late = {(str(d.logical_date), str(n)) for d in sample.days("calls") for n in d.late_rows}
    kept = [row for row in rows if (row["logical_date"], row["row_number"]) in late]
    assert any(row["call_date"] == row["logical_date"] for row in kept)
    assert any(row["call_date"] < row["logical_date"] for row in kept)


def test_the_date_of_calls_is_delivered_from_the_second_half_on(sample: Truth) -> None:
    """The older feed had no such column."""
    given = ["call_date" in day.features for day in sample.days("calls")]
    assert given == [False] * 15 + [True] * 15
    assert [day.missing_columns for day in sample.days("calls")] == [["call_date"]] * 15 + [[]] * 15


def test_calls_fall_into_the_time_in_which_their_agent_is_on_line(tmp_path: Path) -> None:
    """Ids go through agent_identity; a call begins after an event that brought its agent on line."""
    truth = write_sample(tmp_path, start=START, days=6, tickets_per_day=60, seed=3, dirt=False)
    extensions = {row["call_agent_id"]: row["extension"] for row in truth.rows("agent_identity")}
    extensions["537"] = "2037"  # whom the list doesn't know
    events: dict[str, list[tuple[str, str]]] = {}
    for row in truth.rows("agent_events"):
        events.setdefault(row["extension"], []).append((row["done_on"], row["action"]))
    calls = list(truth.rows("calls"))
    for call in calls:
        before = [event for event in events[extensions[call["agent_id"]]] if event[0] <= call["call_started_at"]]
        assert max(before)[1] in ("ONLINE", "REMVCEON"), call
    assert len(calls) == sum(day.read for day in truth.days("calls"))


def test_shifts_are_those_of_people(sample: Truth) -> None:
    """About ten events a shift, remote work, the back office, breaks, and here and there no log-off."""
    by_day: dict[tuple[str, str], list[str]] = {}
    for row in sample.rows("agent_events"):
        by_day.setdefault((row["extension"], row["ops_date"]), []).append(row["action"] + row["details"].lower())
    told = [what for day in by_day.values() for what in day]
    assert {"ONLINE", "REMVCEON", "OFFLINEbackoffice", "REMVCEOFFlunch", "OFFLINEend of shift"} <= set(told)
    begun, ended = told.count("ONLINEauto"), sum(what.endswith("end of shift") for what in told)
    assert begun > 0
    shifts = sum(what.endswith("lunch") for what in told)
    assert 0.93 * shifts < ended < shifts
    assert 8 <= len(told) / shifts <= 11


def test_volume_follows_the_tickets(sample: Truth) -> None:
    """Half as many calls again as new tickets."""
    tickets, calls = (sample.totals()["totals"][name]["inserted"] for name in ("tickets", "calls"))
    assert 1.35 < calls / tickets < 1.65


def test_the_lists_name_the_agents_of_the_other_datasets(sample: Truth) -> None:
    """Every agent of a call but one is known; ids are claimed once."""
    rows = list(sample.rows("agent_identity"))
    assert {row["agent_id"] for row in rows} < {row["agent_id"] for row in sample.rows("agents_master")}
    for column in ("extension", "call_agent_id", "complaint_agent_id", "assignee"):
        values = [row[column] for row in rows if row[column]]
        assert len(values) == len(set(values))
    known = {row["call_agent_id"] for row in rows}
    assert {row["agent_id"] for row in sample.rows("calls")} - known == {"537"}


@pytest.mark.parametrize("dataset", UNORDERED)
def test_without_dirt_every_record_is_taken(tmp_path: Path, dataset: str) -> None:
    """Only inserted rows, plain files, one per day."""
    truth = write_sample(tmp_path, start=START, days=10, tickets_per_day=50, seed=4, dirt=False, datasets=[dataset])
    assert_truth_holds(truth, dataset)
    assert all(day.read == day.inserted and day.path.endswith(".csv") for day in truth.days(dataset))
    assert {feature for day in truth.days(dataset) for feature in day.features} <= {"call_date"}
    assert list(truth.corrections(dataset)) == []


@pytest.mark.parametrize("dataset", UNORDERED)
def test_a_skipped_day_has_no_file_and_its_rows_come_on_the_next_one(tmp_path: Path, dataset: str) -> None:
    """Nothing is lost over a gap."""
    gap = START + timedelta(days=3)
    truth = write_sample(tmp_path, start=START, days=8, tickets_per_day=80, seed=6, skip=[gap], datasets=[dataset])
    assert gap not in {day.logical_date for day in truth.days(dataset)}
    assert truth.day(gap + timedelta(days=1), dataset).read > 1.7 * truth.day(gap - timedelta(days=1), dataset).read
    assert_truth_holds(truth, dataset)


@pytest.mark.parametrize("tickets", [1, 5, 40])
def test_dirt_never_makes_a_day_fail(tmp_path: Path, tickets: int) -> None:
    """Rejected records stay below a tenth of each day, in first tries too, however few rows it has."""
    truth = write_sample(tmp_path, start=START, days=30, tickets_per_day=tickets, seed=2, datasets=UNORDERED)
    for dataset in UNORDERED:
        assert_truth_holds(truth, dataset)
        days = [*truth.days(dataset), *(each.earlier for each in truth.corrections(dataset))]
        assert all(day.rejected <= 0.08 * day.read for day in days)


def test_a_dataset_does_not_depend_on_the_others(tmp_path: Path) -> None:
    """Asked for alone or with all the others, its files are the same byte for byte, and nobody else's are there."""
    whole, alone = tmp_path / "whole", tmp_path / "alone"
    asked: dict[str, Any] = {"start": START, "days": 8, "tickets_per_day": 20, "seed": 3}
    write_sample(whole, datasets=DATASETS, **asked)
    of_one: dict[str, bytes] = {}
    for dataset in DATASETS:
        write_sample(alone / dataset, datasets=[dataset], **asked)
        own = {name: content for name, content in files(alone / dataset).items() if not name.startswith("_truth/")}
        assert own
        assert not own.keys() & of_one.keys()
        of_one |= own
    assert of_one == {name: content for name, content in files(whole).items() if not name.startswith("_truth/")}


def test_the_files_of_tickets_are_what_they_always_were(tmp_path: Path) -> None:
    """Byte for byte: the other datasets draw their own random numbers."""
    write_sample(tmp_path, start=START, days=16, tickets_per_day=40, seed=5)
    content = (tmp_path / "tickets/2025/01/2025-01-13.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == TICKETS_SHA256


def test_late_files_are_two_days_younger(sample: Truth) -> None:
    """By their modification time; everything else arrives on the morning after its day."""
    for day in sample.days("calls"):
        modified = datetime.fromtimestamp((sample.root / day.path).stat().st_mtime, UTC).date()
        assert (modified - day.logical_date).days == (3 if "late_file" in day.features else 1)


def test_headers_change(sample: Truth) -> None:
    """Other spellings, another order of columns, and a column that wasn't there before."""
    headers = set()
    for day in sample.days("calls"):
        if day.path.endswith(".csv"):
            with (sample.root / day.path).open(newline="", encoding="utf-8-sig", errors="replace") as file:
                headers.add(tuple(next(csv.reader(file))))
    assert len(headers) >= 4


def test_an_unknown_dataset_is_refused(tmp_path: Path) -> None:
    """By its name, with those that there are."""
    with pytest.raises(UsageError, match="fax"):
        write_sample(tmp_path, start=START, days=1, tickets_per_day=5, seed=1, datasets=["fax"])

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from spark_jobs.errors import UsageError
from spark_jobs.sample import Truth, write_sample
from tests.sample.reading import Lake, malformed, raw_records, typed

START = date(2025, 1, 6)
EVERY_REASON = {
    "malformed_record", "invalid_version", "version_in_future", "missing_ticket_id", "missing_created_at",
    "invalid_created_at", "implausible_date", "created_in_future", "resolved_in_future", "invalid_resolved_at",
    "resolved_before_created", "resolved_without_timestamp", "timestamp_without_resolution", "invalid_sla_hours",
    "unknown_priority", "unknown_status",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Thirty dirty days, made once."""
    return write_sample(tmp_path_factory.mktemp("landing"), start=START, days=30, tickets_per_day=120, seed=5)


def files(root: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def assert_truth_holds(truth: Truth, zone: str = "UTC") -> None:
    """Day by day, an independent reading finds the figures, reasons and final rows that the truth states."""
    lake = Lake(zone)
    for day in truth.days():
        found = lake.deliver(truth.root / day.path, day.logical_date)
        assert found.classes == day.classes(), day.logical_date
        assert found.rejected == day.records, day.logical_date
        assert found.duplicates == day.duplicate_rows, day.logical_date
    final = {row["ticket_id"]: row for row in truth.rows()}
    assert {key: typed(row) for key, row in final.items()} == {key: values for key, (_, values) in lake.rows.items()}
    origin = {key: (str(version[1]), str(version[3])) for key, (version, _) in lake.rows.items()}
    assert {key: (row["logical_date"], row["row_number"]) for key, row in final.items()} == origin


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """Every file, truth included, is the same byte for byte."""
    for name in ("one", "two"):
        write_sample(tmp_path / name, start=START, days=16, tickets_per_day=30, seed=3)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_another_seed_gives_other_tickets(tmp_path: Path) -> None:
    """The seed matters from the first day on."""
    for seed in (1, 2):
        write_sample(tmp_path / str(seed), start=START, days=1, tickets_per_day=30, seed=seed)
    assert (
        files(tmp_path / "1")["tickets/2025/01/2025-01-06.csv"]
        != files(tmp_path / "2")["tickets/2025/01/2025-01-06.csv"]
    )


def test_an_independent_reading_finds_what_the_truth_says(sample: Truth) -> None:
    """Classes, reasons per record, losing duplicates, and every final row with its origin."""
    assert_truth_holds(sample)


@pytest.mark.parametrize("start", [date(2025, 3, 24), date(2025, 10, 20)])
def test_the_truth_holds_where_the_clocks_change(tmp_path: Path, start: date) -> None:
    """Texts in local time, days of the zone, instants of the truth in UTC."""
    truth = write_sample(tmp_path, start=start, days=12, tickets_per_day=150, seed=8, zone="Europe/Berlin")
    assert_truth_holds(truth, "Europe/Berlin")


def test_the_figures_equal_what_csv_reads(sample: Truth) -> None:
    """Records read and malformed ones, counted by Python's csv alone."""
    for day in sample.days():
        header, records = raw_records(sample.root / day.path)
        assert len(records) == day.read
        assert sum(malformed(header, record) for record in records) == day.reasons.get("malformed_record", 0)


def test_every_reason_comes_and_some_records_have_several(sample: Truth) -> None:
    """Thirty days of 120 tickets hold every reason of the specification."""
    days = list(sample.days())
    assert {reason for day in days for reason in day.reasons} == EVERY_REASON
    assert max(len(reasons) for day in days for reasons in day.records.values()) >= 3


def test_every_class_and_every_kind_of_file_comes(sample: Truth) -> None:
    """Late, stale, unchanged and duplicate rows, and each trait of a file."""
    days = list(sample.days())
    assert all(sum(day.classes()[name] for day in days) > 0 for name in days[0].classes())
    assert sum(len(day.late_rows) for day in days) > 0
    assert sum(len(day.hours_off_rows) for day in days) > 0
    traits = {
        "bom", "crlf", "mixed_line_ends", "gzip", "scrambled_header", "subject", "corrected", "header_only",
        "iso_times", "blank_lines", "no_resolution_hours", "no_final_newline",
    }  # fmt: skip
    assert {feature for day in days for feature in day.features} == traits


@pytest.mark.parametrize("tickets", [1, 5, 40])
def test_dirt_never_makes_a_day_fail(tmp_path: Path, tickets: int) -> None:
    """Rejected records stay below a tenth of each day, however few rows it has."""
    truth = write_sample(tmp_path, start=START, days=40, tickets_per_day=tickets, seed=2)
    assert_truth_holds(truth)
    assert all(day.rejected <= 0.08 * day.read for day in truth.days())
    assert tickets == 1 or sum(day.rejected for day in truth.days()) > 0


def test_a_corrected_day_delivered_twice_ends_in_the_same_rows(sample: Truth) -> None:
    """Earlier content first, then the landing's own: the figures of both, the absent keys, and the final rows."""
    lake, corrections = Lake(), {c.logical_date: c for c in sample.corrections()}
    assert len(corrections) == 4
    assert sum(c.absent for c in corrections.values()) > 0
    for day in sample.days():
        expected, earlier = day.classes(), set()
        if day.logical_date in corrections:
            correction = corrections[day.logical_date]
            expected = correction.corrected
            first = lake.deliver(sample.root / correction.earlier_path, day.logical_date)
            assert (first.classes, first.rejected) == (correction.earlier.classes(), correction.earlier.records)
            assert first.classes["rejected"] <= 0.1 * correction.earlier.read
            earlier = first.accepted
        second = lake.deliver(sample.root / day.path, day.logical_date)
        assert second.classes == expected
        if earlier:
            assert len(earlier - second.accepted) == correction.absent
    assert {row["ticket_id"]: typed(row) for row in sample.rows()} == {
        k: values for k, (_, values) in lake.rows.items()
    }


def test_some_tickets_move_by_months(sample: Truth) -> None:
    """A correction of created_at puts a ticket into a month before the sample's first day."""
    assert min(row["created_at"] for row in sample.rows()) < "2024-12-07"


def test_hours_are_rounded_half_up_from_the_two_instants(sample: Truth) -> None:
    """resolution_hours of the truth is what Decimal makes of the instants."""
    for row in sample.rows():
        values = typed(row)
        if row["resolved_at"]:
            seconds = Decimal((values[1] - values[0]).total_seconds())  # type: ignore[operator]
            assert Decimal(row["resolution_hours"]) == (seconds / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        else:
            assert row["resolution_hours"] == ""


def test_without_dirt_every_record_is_taken(tmp_path: Path) -> None:
    """Only inserted and updated rows, plain files, one per day."""
    truth = write_sample(tmp_path, start=START, days=20, tickets_per_day=50, seed=4, dirt=False)
    assert_truth_holds(truth)
    for day in truth.days():
        assert day.read == day.inserted + day.updated
        assert (day.features, day.path.endswith(".csv")) == ([], True)


def test_a_skipped_day_has_no_file_and_its_tickets_come_on_the_next_one(tmp_path: Path) -> None:
    """Nothing is lost over a gap."""
    gap = START + timedelta(days=7)
    truth = write_sample(tmp_path, start=START, days=12, tickets_per_day=80, seed=6, skip=[gap])
    assert gap not in {day.logical_date for day in truth.days()}
    assert not (tmp_path / "tickets/2025/01/2025-01-13.csv").exists()
    assert truth.day(gap + timedelta(days=1)).inserted > 120
    assert_truth_holds(truth)


def test_agents_come_first_whole_and_later_changed(sample: Truth) -> None:
    """The second delivery's figures, against a comparison of the two files."""
    first, second = sample.days("agents_master")
    old, new = (
        {tuple(row) for row in csv.reader((sample.root / day.path).open(newline=""))} for day in (first, second)
    )
    gone = {row[0] for row in old} - {row[0] for row in new}
    assert (first.read, first.inserted) == (41, 41)
    assert (len(gone), second.deleted) == (1, 1)
    assert second.unchanged == len(old & new) - 1  # the header
    assert second.updated == len({row[0] for row in new - old} & {row[0] for row in old})
    assert sum(second.classes().values()) == second.read
    final = {tuple(row.values()) for row in sample.rows("agents_master")}
    assert final == {row for row in new if row[0].startswith("A0")}


def test_every_agent_of_a_ticket_is_in_the_reference(sample: Truth) -> None:
    """Apart from the unassigned one."""
    known = {row["agent_id"] for row in sample.rows("agents_master")}
    assert {row["agent_id"] for row in sample.rows()} - known == {"-1"}


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    """No days, and a zone that doesn't exist."""
    with pytest.raises(UsageError, match="days"):
        write_sample(tmp_path, start=START, days=0, tickets_per_day=5, seed=1)
    with pytest.raises(UsageError, match="Europe/Atlantis"):
        write_sample(tmp_path, start=START, days=1, tickets_per_day=5, seed=1, zone="Europe/Atlantis")


def test_the_small_sample_is_what_its_truth_says() -> None:
    """data/landing, written by hand, against the independent reading."""
    assert_truth_holds(Truth(Path(__file__).parents[2] / "data" / "landing"))

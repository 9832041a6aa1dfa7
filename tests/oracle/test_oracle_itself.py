"""The independent calculation against cases that a reader can check by eye."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from tests.oracle import Figures, HeldBack, LakeTruth, LandedDelivery, classify, compare

HEADER = "ticket_id,created_at,resolved_at,sla_hours,priority,status,agent_id,updated_at"
DAY = date(2024, 3, 1)
NEXT = date(2024, 3, 2)


def line(
    key: str = "T1",
    created: str = "2024-03-01 08:00:00",
    resolved: str = "",
    sla: str = "8",
    priority: str = "High",
    status: str = "Open",
    agent: str = "a1",
    updated: str = "",
) -> str:
    """One record of HEADER, a good one unless told otherwise."""
    return ",".join((key, created, resolved, sla, priority, status, agent, updated))


class Landing:
    """Deliveries in the order in which they are made, each in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[LandedDelivery] = []

    def deliver(self, day: date, *lines: str, header: str = HEADER) -> Landing:
        """One more delivery of a day."""
        path = self.folder / f"{len(self.made)}.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        self.made.append(LandedDelivery("tickets", day, path, source_file=f"{day}.csv"))
        return self

    def truth(self, zone: str = "UTC", max_reject_ratio: str = "1") -> LakeTruth:
        """The lake after all of them; by default no reject ratio holds a day back."""
        return classify(self.made, zone=zone, max_reject_ratio=max_reject_ratio)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """An empty landing folder."""
    return Landing(tmp_path)


@pytest.mark.parametrize(
    ("record", "reasons"),
    [
        (line(), None),
        ("T1,2024-03-01 08:00:00", ("malformed_record",)),
        (line(updated="soon"), ("invalid_version",)),
        (line(updated="2024-03-03 00:00:00"), None),
        (line(updated="2024-03-03 00:00:01"), ("version_in_future",)),
        (line(key=" N/A "), ("missing_ticket_id",)),
        (line(created="?"), ("missing_created_at",)),
        (line(created="13/1/24 8:00"), ("invalid_created_at",)),
        (line(created="1999-12-31 23:59:59"), ("implausible_date",)),
        (line(created="2000-01-01 00:00:00"), None),
        (line(created="2024-03-03 00:00:00"), None),
        (line(created="2024-03-03 00:00:01"), ("created_in_future",)),
        (line(resolved="2024-03-03 00:00:01", status="Closed"), ("resolved_in_future",)),
        (line(resolved="done", status="Closed"), ("invalid_resolved_at",)),
        (line(resolved="2024-03-01 07:59:59", status="Closed"), ("resolved_before_created",)),
        (line(resolved="2024-03-01 08:00:00", status="closed"), None),
        (line(status="Resolved"), ("resolved_without_timestamp",)),
        (line(resolved="2024-03-01 09:00:00", status="pending"), ("timestamp_without_resolution",)),
        (line(sla="0"), ("invalid_sla_hours",)),
        (line(sla="eight"), ("invalid_sla_hours",)),
        (line(sla=""), ("invalid_sla_hours",)),
        (line(priority="Urgent"), ("unknown_priority",)),
        (line(status=""), ("unknown_status",)),
        (
            line(key="", created="x", sla="-1", priority="", status="Done", updated="y"),
            (
                *("invalid_version", "missing_ticket_id", "invalid_created_at"),
                *("invalid_sla_hours", "unknown_priority", "unknown_status"),
            ),
        ),
    ],
)
def test_every_reason_that_applies_is_given(landing: Landing, record: str, reasons: tuple[str, ...] | None) -> None:
    """One record alone in its delivery, with the reasons against it, or in Silver."""
    truth = landing.deliver(DAY, record).truth()
    assert [reject.reasons for reject in truth.rejects] == ([reasons] if reasons else [])
    assert len(truth.silver) == (0 if reasons else 1)


def test_silver_has_values_in_their_types(landing: Landing) -> None:
    """Enumerations in the contract's spelling, a missing agent as -1, durations computed, dates in business time."""
    record = line(resolved="3/1/24 23:31", sla="15.505", priority="hIGH", status="closed", agent="-")
    ticket = landing.deliver(DAY, record).truth(zone="Europe/Berlin").silver["T1"].content
    assert (ticket.priority, ticket.status, ticket.agent_id, ticket.category) == ("High", "Closed", "-1", None)
    assert (ticket.resolution_hours, ticket.sla_hours) == (D("15.5167"), D("15.51"))
    assert (ticket.created_date, ticket.resolved_date) == (DAY, NEXT)
    assert ticket.sla_due_at == datetime(2024, 3, 1, 23, 30, 36, tzinfo=UTC)
    assert ticket.sla_due_date == NEXT


def test_the_largest_version_of_a_delivery_wins_and_the_others_are_duplicates(landing: Landing) -> None:
    """By updated_at, then by record number; the end of the day stands for a missing updated_at."""
    truth = landing.deliver(
        DAY,
        line("T1", updated="2024-03-01 10:00:00", agent="a1"),
        line("T1", updated="2024-03-01 09:00:00", agent="a2"),
        line("T2", agent="a1"),
        line("T2", agent="a2"),
    ).truth()
    assert {key: row.content.agent_id for key, row in truth.silver.items()} == {"T1": "a1", "T2": "a2"}
    assert [(each.row_number, each.reasons) for each in truth.duplicates] == [
        (2, ("duplicate_in_batch",)),
        (3, ("duplicate_in_batch",)),
    ]
    assert truth.figures[DAY] == Figures(read=4, inserted=2, duplicates=2)


def test_each_record_falls_into_one_class(landing: Landing) -> None:
    """A day with one of each; the sum of the classes is what was read."""
    landing.deliver(DAY, line("T1"), line("T2"), line("T3", updated="2024-03-02 12:00:00"))
    truth = landing.deliver(
        NEXT,
        line("T1"),
        line("T2", agent="a2"),
        line("T3", agent="a2", updated="2024-03-02 11:00:00"),
        line("T4"),
        line("T4"),
        line("T5", sla="0"),
    ).truth()
    assert truth.figures[NEXT] == Figures(
        read=6, inserted=1, updated=1, unchanged=1, stale=1, duplicates=1, rejected=1, absent=0
    )
    assert truth.silver["T1"].version.logical_date == DAY
    assert truth.silver["T2"].version.logical_date == NEXT


def test_a_version_that_equalled_silver_makes_older_ones_stale(landing: Landing) -> None:
    """Day 3 confirms day 1; day 2, which comes last, is older than day 3 and doesn't win."""
    third = NEXT + timedelta(days=1)
    truth = landing.deliver(DAY, line()).deliver(third, line()).deliver(NEXT, line(agent="a2")).truth()
    assert truth.figures[third].unchanged == 1
    assert truth.figures[NEXT].stale == 1
    assert truth.silver["T1"].content.agent_id == "a1"
    assert truth.horizon == third


def test_the_same_delivery_again_is_unchanged(landing: Landing) -> None:
    """A file that is the very same, modification time included, is neither stale nor an update."""
    landing.deliver(DAY, line("T1"), line("T2"))
    once = replace(landing.made[0], modified=datetime(2024, 3, 2, tzinfo=UTC))
    assert classify([once, once]).figures[DAY] == Figures(read=2, unchanged=2)


def test_updated_at_is_content(landing: Landing) -> None:
    """A row that differs in nothing but updated_at is an update."""
    landing.deliver(DAY, line(updated="2024-03-01 09:00:00"))
    assert landing.deliver(NEXT, line(updated="2024-03-01 10:00:00")).truth().figures[NEXT].updated == 1


def test_a_corrected_delivery_replaces_the_days_figures_and_counts_what_is_gone(landing: Landing) -> None:
    """T2 is gone from the correction, stays in Silver and is absent; the first delivery's reject is superseded."""
    landing.deliver(DAY, line("T1"), line("T2"), line("T3", sla="0"))
    truth = landing.deliver(DAY, line("T1", agent="a9"), line("T3")).truth()
    assert truth.figures[DAY] == Figures(read=2, inserted=1, updated=1, absent=1)
    assert truth.rejects == []
    assert sorted(truth.silver) == ["T1", "T2", "T3"]


def test_more_rejects_than_allowed_hold_the_day_back(landing: Landing) -> None:
    """One of ten is a tenth and passes; two of ten leave Silver and horizon alone, and stay on the exception path."""
    good = [line(f"T{n}") for n in range(8)]
    landing.deliver(DAY, *good, line("T8"), line("T9", sla="0"))
    landing.deliver(NEXT, *good, line("T8", sla="0"), line("T9", sla="0"))
    truth = landing.truth(max_reject_ratio="0.1")
    assert list(truth.figures) == [DAY]
    assert truth.held_back == {NEXT: HeldBack("reject_ratio", read=10, rejected=2)}
    assert len(truth.rejects) == 3
    assert truth.horizon == DAY


@pytest.mark.parametrize(
    ("header", "reason"),
    [("", "no_header"), (HEADER + ",Agent ID", "ambiguous_header"), ("ticket_id,created_at", "missing_column")],
)
def test_a_delivery_that_cannot_be_taken_as_a_whole_is_held_back(landing: Landing, header: str, reason: str) -> None:
    """No header, two headers for one column, a required column missing."""
    assert landing.deliver(DAY, header=header).truth().held_back == {DAY: HeldBack(reason)}


def test_compare_shows_both_sides() -> None:
    """A changed value, a missing row, a row too many and a type that is another one."""
    expected: list[dict[str, object]] = [{"k": 1, "n": D("1.50")}, {"k": 2, "n": D(2)}, {"k": 4, "n": 1}]
    actual: list[dict[str, object]] = [{"k": 1, "n": D("1.6")}, {"k": 3, "n": D(2)}, {"k": 4, "n": True}]
    assert compare("t", expected, actual, ["k"]) == [
        "t: k=1: n: expected Decimal('1.50'), actual Decimal('1.6')",
        "t: k=2: missing, expected {'k': '2', 'n': '2'}",
        "t: k=3: not expected, actual {'k': '3', 'n': '2'}",
        "t: k=4: n: expected 1, actual True",
    ]


def test_compare_finds_no_difference_in_scale_or_in_the_way_an_instant_is_written() -> None:
    """1.5 is 1.50, and a naive instant is the same one in UTC; an extra lineage column is let pass."""
    expected: list[dict[str, object]] = [{"k": datetime(2024, 3, 1, tzinfo=UTC), "n": D("1.5")}]
    actual: list[dict[str, object]] = [{"k": datetime(2024, 3, 1), "n": D("1.50"), "_run_id": "r"}]
    assert compare("t", expected, actual, ["k"]) == []


def test_compare_finds_repeated_rows_and_columns_too_many() -> None:
    """A key that occurs twice isn't hidden by the last of its rows."""
    expected: list[dict[str, object]] = [{"k": 1}]
    assert compare("t", expected, [{"k": 1, "x": 0}, {"k": 1, "x": 0}], ["k"]) == [
        "t: columns: expected ['k'], actual also ['x']",
        "t: k=1: 2 rows in actual",
    ]


def test_the_calculation_imports_neither_the_engine_nor_spark() -> None:
    """What it is compared with must not be what it is made of."""
    roots = {
        name.split(".")[0]
        for path in Path(__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert roots.isdisjoint({"spark_jobs", "state", "trigger_function", "pyspark", "delta", "deltalake"})

"""Calls whose fate and Gold were worked out on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Figures, LakeTruth, LandedDelivery, classify, gold_of_calls
from tests.oracle.model import SilverCall

HEADER = "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status,call_date"
FIRST, SECOND, THIRD = (date(2024, 3, day) for day in (1, 2, 3))


def line(
    call: str = "1",
    start: str = "10:00:00",
    end: str = "10:05:00",
    day: str = "",
    *,
    caller: str = "77",
    agent: str = "501",
    status: str = "COMPLETED",
) -> str:
    """One record of HEADER, a good one unless told otherwise."""
    return ",".join((call, caller, agent, start, end, status, day))


def after(folder: Path, *deliveries: tuple[date, Sequence[str]], **settings: Any) -> LakeTruth:
    """The lake after these deliveries, in this order; no reject ratio holds a day back."""
    made = []
    for number, (day, lines) in enumerate(deliveries):
        path = folder / f"{number}.csv"
        path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        made.append(LandedDelivery("calls", day, path))
    return classify(made, "calls", max_reject_ratio="1", **settings)


def only(truth: LakeTruth) -> SilverCall:
    """The only call that there is."""
    (row,) = truth.silver.values()
    content: SilverCall = row.content
    return content


@pytest.mark.parametrize(
    ("record", "reasons"),
    [
        (line(), None),
        ("1,77,501", ("malformed_record",)),
        (line(call="-"), ("missing_call_id",)),
        (line(call="12.0", caller="3.000"), None),
        (line(call="12.5"), ("non_numeric_call_id",)),
        (line(call="-12"), ("non_numeric_call_id",)),
        (line(call="1" * 18), None),
        (line(call="1" * 19), ("non_numeric_call_id",)),
        (line(caller=""), ("missing_caller_id",)),
        (line(caller="Bob"), ("non_numeric_caller_id",)),
        (line(agent="n/a"), ("missing_agent_id",)),
        (line(agent="A1"), ("non_numeric_agent_id",)),
        (line(start="9:05:00"), ("invalid_call_start_time",)),
        (line(start="24:00:00"), ("invalid_call_start_time",)),
        (line(start=""), ("invalid_call_start_time",)),
        (line(start="2024-03-01"), ("invalid_call_start_time",)),
        (line(end="10:60:00"), ("invalid_call_end_time",)),
        (line(end="2024-02-30 10:00:00"), ("invalid_call_end_time",)),
        (line(status="dropped"), None),
        (line(status=""), ("unknown_call_status",)),
        (line(day="2024-02-30"), ("invalid_call_date",)),
        (line(start="10:00:00", end="09:59:59"), ("call_too_long",)),
        (line(start="22:00:00", end="02:00:00"), None),
        (line(start="22:00:00", end="02:00:01"), ("call_too_long",)),
        (line(start="2024-03-01 10:00:00", end="2024-03-01 09:59:59"), ("call_ended_before_start",)),
        (line(start="10:00:00", end="2024-03-01T09:59:59Z", day="2024-03-01"), ("call_ended_before_start",)),
        (line(start="10:00:00", end="2024-03-01T09:59:59Z"), ("call_too_long",)),
        (line(start="23:50:00", end="2024-02-20T00:10:00Z"), None),
        (line(start="2024-03-01 23:59:00", end="00:10:00"), None),
        (
            line(call="", caller="x", agent="", start="", end="?", status="BUSY", day="soon"),
            (
                *("missing_call_id", "non_numeric_caller_id", "missing_agent_id", "invalid_call_start_time"),
                *("invalid_call_end_time", "unknown_call_status", "invalid_call_date"),
            ),
        ),
    ],
)
def test_every_reason_that_applies_is_given(tmp_path: Path, record: str, reasons: tuple[str, ...] | None) -> None:
    """One record alone in its delivery, with the reasons against it, or in Silver."""
    truth = after(tmp_path, (FIRST, [record]))
    assert [each.reasons for each in truth.rejects] == ([reasons] if reasons else [])
    assert len(truth.silver) == (0 if reasons else 1)


def test_the_longest_call_is_a_setting(tmp_path: Path) -> None:
    """Five hours pass where six are allowed."""
    record = line(start="10:00:00", end="15:00:00")
    assert len(after(tmp_path, (FIRST, [record]), max_call_hours="6").silver) == 1


def test_a_call_over_midnight_ends_on_the_next_day(tmp_path: Path) -> None:
    """Bare times are kept as they are; the instants follow from the call's date."""
    call = only(after(tmp_path, (FIRST, [line(start="23:50:00", end="00:10:30")])))
    assert (call.call_start_time, call.call_end_time, call.call_date) == ("23:50:00", "00:10:30", FIRST)
    assert call.call_started_at == datetime(2024, 3, 1, 23, 50, tzinfo=UTC)
    assert call.call_ended_at == datetime(2024, 3, 2, 0, 10, 30, tzinfo=UTC)
    assert call.duration_seconds == 1230


@pytest.mark.parametrize(
    ("start", "given", "expected"),
    [
        ("10:00:00", "", THIRD),
        ("10:00:00", "2024-03-02", SECOND),
        ("2024-03-01 10:00:00", "", FIRST),
        ("2024-03-01 10:00:00", "2024-03-02", SECOND),
        ("2024-03-01T23:30:00Z", "", SECOND),
    ],
)
def test_the_date_is_the_given_one_or_the_starts_or_the_days(
    tmp_path: Path, start: str, given: str, expected: date
) -> None:
    """A delivery of the third, in Berlin's business time: half past eleven in UTC is the next day there."""
    truth = after(
        tmp_path, (THIRD, [line(start=start, end="10:30:00", day=given)]), zone="Europe/Berlin", max_call_hours=24
    )
    assert only(truth).call_date == expected


def test_bare_times_are_those_of_the_contracts_zone(tmp_path: Path) -> None:
    """Ten o'clock in New York is three in the afternoon in UTC."""
    call = only(after(tmp_path, (FIRST, [line()]), source_zone="America/New_York"))
    assert call.call_started_at == datetime(2024, 3, 1, 15, tzinfo=UTC)


def test_later_versions_keep_the_date_that_the_first_one_got(tmp_path: Path) -> None:
    """The same call again changes nothing; with another status it is updated and stays on its day."""
    truth = after(tmp_path, (FIRST, [line()]), (SECOND, [line()]), (THIRD, [line(status="FAILED")]))
    assert truth.figures[SECOND] == Figures(read=1, unchanged=1)
    assert truth.figures[THIRD] == Figures(read=1, updated=1)
    assert (only(truth).call_date, only(truth).call_status) == (FIRST, "FAILED")
    assert only(truth).call_started_at == datetime(2024, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_the_date_does_not_depend_on_the_order_of_arrival(tmp_path: Path, order: tuple[int, ...]) -> None:
    """The second day's version gives a date: it holds although the third day's, which gives none, is newer."""
    deliveries = [
        (FIRST, [line()]),
        (SECOND, [line(day="2024-02-28")]),
        (THIRD, [line(status="DROPPED")]),
    ]
    call = only(after(tmp_path, *(deliveries[place] for place in order)))
    assert (call.call_date, call.call_status) == (date(2024, 2, 28), "DROPPED")


def test_a_late_older_version_that_tells_the_first_day_is_an_update(tmp_path: Path) -> None:
    """Where nobody gives a date, it is the earliest day on which the call was delivered; the rest isn't taken."""
    truth = after(tmp_path, (SECOND, [line()]), (FIRST, [line(status="FAILED")]))
    assert truth.figures[FIRST] == Figures(read=1, updated=1)
    assert (only(truth).call_date, only(truth).call_status) == (FIRST, "COMPLETED")
    assert truth.silver[1].version.logical_date == SECOND


def test_a_late_older_version_that_tells_nothing_new_is_stale(tmp_path: Path) -> None:
    """The date was given by the newer one."""
    truth = after(tmp_path, (SECOND, [line(day="2024-03-01")]), (FIRST, [line(status="FAILED")]))
    assert truth.figures[FIRST] == Figures(read=1, stale=1)


def test_a_version_that_confirms_the_date_is_unchanged_and_becomes_the_rows_origin(tmp_path: Path) -> None:
    """From then on the date is a given one, by that version; a repetition after it leaves the row alone."""
    given = line(day="2024-03-01")
    truth = after(tmp_path, (FIRST, [line()]), (SECOND, [given]), (THIRD, [given]))
    assert (truth.figures[SECOND], truth.figures[THIRD]) == (Figures(read=1, unchanged=1), Figures(read=1, unchanged=1))
    assert truth.silver[1].version.logical_date == SECOND


def row(agent: int, day: date, status: str, seconds: int) -> dict[str, Any]:
    """A Silver call with what Gold reads of it."""
    start = datetime(2024, 3, 1, 10, tzinfo=UTC)
    end = datetime.fromtimestamp(start.timestamp() + seconds, UTC)
    return {
        "agent_id": agent,
        "call_date": day,
        "call_status": status,
        "call_started_at": start,
        "call_ended_at": end,
    }


ROWS = [
    row(501, FIRST, "COMPLETED", 100),
    row(501, FIRST, "COMPLETED", 200),
    row(502, FIRST, "COMPLETED", 301),
    row(502, FIRST, "DROPPED", 9),
    row(502, FIRST, "FAILED", 0),
    row(502, FIRST, "FAILED", 1),
    row(502, SECOND, "DROPPED", 30),
    row(501, THIRD, "COMPLETED", 5),
]


def cells(table: str) -> list[tuple[object, ...]]:
    """A table's rows up to the second day, as tuples."""
    return [tuple(each.values()) for each in gold_of_calls(ROWS, SECOND)[table]]


def test_a_days_calls_are_counted_by_how_they_ended() -> None:
    """3 of 6 completed; nothing of the third day, which lies beyond the horizon."""
    assert cells("call_daily_summary") == [
        (FIRST, 6, 3, 1, 2, D("50.00")),
        (SECOND, 1, 0, 1, 0, D("0.00")),
    ]


def test_an_agents_calls_are_counted_alone() -> None:
    """One of four is a quarter."""
    assert cells("call_agent_performance") == [
        (501, FIRST, 2, 2, 0, 0, D("100.00")),
        (502, FIRST, 4, 1, 1, 2, D("25.00")),
        (502, SECOND, 1, 0, 1, 0, D("0.00")),
    ]


def test_durations_are_of_completed_calls() -> None:
    """601 / 3 = 200.3333; the 90th percentile is 200 + 0.8 · 101; a day without a completed call has no figures."""
    assert cells("call_duration_metrics") == [
        (FIRST, D("200.3333"), 100, 301, D("200"), D("280.8"), 601),
        (SECOND, None, None, None, None, None, 0),
    ]

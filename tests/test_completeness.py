"""Windows of half hours in business time, and what is missing in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from spark_jobs.completeness import check_completeness, present_moment, window_of_day, window_of_hours
from spark_jobs.settings import Settings
from tests.cli.tables import write_intervals

HALF_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", date(2026, 3, 4), 48),
        ("Europe/Berlin", date(2026, 3, 29), 46),
        ("Europe/Berlin", date(2026, 10, 25), 50),
        ("Australia/Lord_Howe", date(2026, 10, 4), 47),
        ("Australia/Lord_Howe", date(2026, 4, 5), 49),
        ("Asia/Kathmandu", date(2026, 3, 4), 48),
        ("America/Sao_Paulo", date(2018, 11, 4), 46),  # its midnight didn't exist
        ("America/Havana", date(2026, 11, 1), 50),  # its midnight occurs twice
        ("Pacific/Apia", date(2011, 12, 30), 0),  # the day didn't exist
    ],
)
def test_a_day_has_as_many_half_hours_as_its_clocks_give_it(zone: str, day: date, expected: int) -> None:
    """48 as a rule, 46 and 50 where an hour is skipped or repeated, 47 and 49 where it is half an hour."""
    assert len(window_of_day(day, ZoneInfo(zone)).starts) == expected


def test_half_hours_are_cut_in_business_time() -> None:
    """In Kathmandu, 5:45 ahead, the day begins at 18:15 UTC."""
    window = window_of_day(date(2026, 3, 4), ZoneInfo("Asia/Kathmandu"))

    assert window.starts[0] == datetime(2026, 3, 3, 18, 15, tzinfo=UTC)
    assert window.starts[-1] == datetime(2026, 3, 4, 17, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        ("UTC", datetime(2026, 3, 4, 10, 59, 59, tzinfo=UTC), datetime(2026, 3, 4, 10, 30, tzinfo=UTC)),
        ("UTC", datetime(2026, 3, 4, 10, 30, tzinfo=UTC), datetime(2026, 3, 4, 10, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 3, 4, 10, 30, tzinfo=UTC), datetime(2026, 3, 4, 10, 15, tzinfo=UTC)),
        # 02:40 in Berlin for the second time: the half hour that is over ended at 02:30 of the same offset
        ("Europe/Berlin", datetime(2026, 10, 25, 1, 40, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_last_hours_end_with_the_last_whole_half_hour(zone: str, now: datetime, end: datetime) -> None:
    """Of business time; the window is as long as was asked for."""
    window = window_of_hours(24, now, ZoneInfo(zone))

    assert window.end == end
    assert window.start == end - timedelta(hours=24)
    assert len(window.starts) == 48


def test_a_set_date_stands_at_its_beginning() -> None:
    """So that the last 24 hours are the day before it."""
    moment = present_moment(Settings(today=date(2026, 3, 5), business_timezone="Asia/Kolkata"))

    assert moment.astimezone(UTC) == datetime(2026, 3, 4, 18, 30, tzinfo=UTC)


def test_a_table_that_is_not_there_has_no_interval(tmp_path: Path) -> None:
    """A load that never came counts as 0."""
    found = check_completeness(str(tmp_path), window_of_day(date(2026, 3, 4), ZoneInfo("UTC")))

    assert (found.expected, found.present, found.is_complete) == (48, 0, False)
    assert found.labels[0] == "00:00"
    assert found.labels[-1] == "23:30"


def test_a_half_hour_is_there_once_any_extension_has_a_row(tmp_path: Path) -> None:
    """Two extensions in the same half hour are one; rows of the days beside it don't count."""
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    day = [midnight + n * HALF_HOUR for n in range(48) if n not in (19, 20)]
    write_intervals(tmp_path, "2001", "UTC", day)
    write_intervals(tmp_path, "2002", "UTC", [midnight - HALF_HOUR, midnight, midnight + 48 * HALF_HOUR])

    found = check_completeness(str(tmp_path), window_of_day(date(2026, 3, 4), ZoneInfo("UTC")))

    assert (found.expected, found.present) == (48, 46)
    assert found.labels == ("09:30", "10:00")
    assert found.missing == (midnight + 19 * HALF_HOUR, midnight + 20 * HALF_HOUR)


def test_an_hour_that_occurs_twice_is_asked_for_twice(tmp_path: Path) -> None:
    """Berlin on 2026-10-25: 02:00 and 02:30 come first at UTC 00:00 and again at 01:00; only the second are missing."""
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    second = {datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)}
    there = [start + n * HALF_HOUR for n in range(50)]
    write_intervals(tmp_path, "2001", "Europe/Berlin", [t for t in there if t not in second])

    found = check_completeness(str(tmp_path), window_of_day(date(2026, 10, 25), ZoneInfo("Europe/Berlin")))

    assert (found.expected, found.present, found.labels) == (50, 48, ("02:00", "02:30"))


def test_the_last_hours_reach_over_midnight(tmp_path: Path) -> None:
    """Labels stand under their own business dates."""
    write_intervals(tmp_path, "2001", "UTC", [datetime(2026, 3, 3, 23, 30, tzinfo=UTC)])
    window = window_of_hours(1, datetime(2026, 3, 4, 0, 35, tzinfo=UTC), ZoneInfo("UTC"))

    assert check_completeness(str(tmp_path), window).by_day == {date(2026, 3, 4): ["00:00"]}

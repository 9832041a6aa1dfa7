"""Days as slices: weeks, months, and the days that some hours before or after a business day touch."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.gold import Period
from spark_jobs.periods import days_after, days_before, days_of, first_day


@pytest.mark.parametrize(
    ("period", "day", "first", "last", "number"),
    [
        ("day", date(2024, 2, 29), date(2024, 2, 29), date(2024, 2, 29), 1),
        ("week", date(2024, 3, 4), date(2024, 3, 4), date(2024, 3, 10), 7),
        ("week", date(2023, 1, 1), date(2022, 12, 26), date(2023, 1, 1), 7),
        ("month", date(2024, 2, 29), date(2024, 2, 1), date(2024, 2, 29), 29),
        ("month", date(2023, 12, 31), date(2023, 12, 1), date(2023, 12, 31), 31),
    ],
)
def test_a_day_belongs_to_one_period(period: Period, day: date, first: date, last: date, number: int) -> None:
    """A week is called by its Monday, a month by its first day."""
    assert first_day(day, period) == first
    found = days_of(first, period)
    assert (found[0], found[-1], len(found)) == (first, last, number)


@pytest.mark.parametrize(
    ("hours", "before", "after"),
    [
        (0, [], []),
        (0.5, [9], [11]),
        (12, [9], [11]),
        (24, [9], [11]),
        (25, [8, 9], [11, 12]),
        (49, [7, 8, 9], [11, 12, 13]),
    ],
)
def test_hours_are_days_rounded_up(hours: float, before: list[int], after: list[int]) -> None:
    """In UTC a day has 24 hours."""
    assert [day.day for day in days_before(date(2024, 1, 10), hours, "UTC")] == before
    assert [day.day for day in days_after(date(2024, 1, 10), hours, "UTC")] == after


def test_a_day_of_23_hours_is_no_24_hours() -> None:
    """New York, 2024-03-10: what lasts 24 hours from the evening of the 9th reaches into the 11th."""
    zone = "America/New_York"
    assert days_before(date(2024, 3, 11), 24, zone) == [date(2024, 3, 9), date(2024, 3, 10)]
    assert days_after(date(2024, 3, 9), 24, zone) == [date(2024, 3, 10), date(2024, 3, 11)]
    assert days_before(date(2024, 3, 11), 23, zone) == [date(2024, 3, 10)]


def test_a_day_that_a_zone_left_out_takes_no_time() -> None:
    """Samoa went from the 29th of December 2011 to the 31st."""
    assert days_before(date(2011, 12, 31), 1, "Pacific/Apia") == [date(2011, 12, 29), date(2011, 12, 30)]

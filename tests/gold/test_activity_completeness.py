"""activity_completeness: half hours that a day should have, has, and lacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.activity_completeness import activity_completeness
from tests.gold.activity import Event
from tests.gold.frames import shown, typed

TYPES = {"interval_start": "timestamp", "ops_date": "date"}


def complete(spark: SparkSession, *rows: Event, horizon: date, zone: str = "UTC") -> DataFrame:
    """The days of (interval_start, ops_date)."""
    return activity_completeness(typed(spark, TYPES, list(rows)), horizon=horizon, zone=zone)


def half_hours(first: str, number: int, day: str) -> list[Event]:
    """So many half hours from a UTC instant on, all of one business date."""
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    return [(f"{start + timedelta(minutes=30 * n):%Y-%m-%d %H:%M:%S}", day) for n in range(number)]


def test_a_day_lacks_what_no_extension_has(spark: SparkSession) -> None:
    """Two extensions share 08:00; 00:00 and 23:30 are missing, in the order of the day."""
    rows = [*half_hours("2024-05-06 00:30:00", 46, "2024-05-06"), ("2024-05-06 08:00:00", "2024-05-06")]

    found = complete(spark, *rows, horizon=date(2024, 5, 6))

    assert [f"{name} {kind}" for name, kind in found.dtypes] == [
        "ops_date date", "intervals_expected int", "intervals_present int", "missing_intervals array<string>",
        "is_complete boolean",
    ]  # fmt: skip
    assert shown(found) == [("2024-05-06", "48", "46", "[00:00, 23:30]", "false")]


def test_days_without_any_event_have_a_row_up_to_the_horizon(spark: SparkSession) -> None:
    """Between days with rows, and after the last one; not before the first, nor past the horizon."""
    rows = [
        *half_hours("2024-05-02 00:00:00", 48, "2024-05-02"),
        *half_hours("2024-05-04 00:00:00", 1, "2024-05-04"),
        *half_hours("2024-05-07 00:00:00", 1, "2024-05-07"),
    ]

    found = complete(spark, *rows, horizon=date(2024, 5, 6))

    assert shown(found, "ops_date", "intervals_present", "is_complete") == [
        ("2024-05-02", "48", "true"),
        ("2024-05-03", "0", "false"),
        ("2024-05-04", "1", "false"),
        ("2024-05-05", "0", "false"),
        ("2024-05-06", "0", "false"),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "first", "number"),
    [
        ("America/New_York", "2024-03-10", "2024-03-10 05:00:00", 46),
        ("America/New_York", "2024-11-03", "2024-11-03 04:00:00", 50),
        ("Australia/Lord_Howe", "2024-10-06", "2024-10-05 13:30:00", 47),
        ("Australia/Lord_Howe", "2024-04-07", "2024-04-06 13:00:00", 49),
        ("Asia/Kathmandu", "2024-05-06", "2024-05-05 18:15:00", 48),
        ("Pacific/Chatham", "2024-09-29", "2024-09-28 11:15:00", 46),
        ("Asia/Beirut", "2024-03-31", "2024-03-30 22:00:00", 46),
    ],
)
def test_a_day_has_as_many_half_hours_as_it_is_long(
    spark: SparkSession, zone: str, day: str, first: str, number: int
) -> None:
    """With all of them from the day's first on it is complete, also in Beirut where midnight is skipped."""
    found = complete(spark, *half_hours(first, number, day), horizon=date.fromisoformat(day), zone=zone)

    assert shown(found, "intervals_expected", "intervals_present", "is_complete") == [
        (str(number), str(number), "true")
    ]


def test_a_label_that_occurs_twice_may_be_missing_twice(spark: SparkSession) -> None:
    """New York's long night: of both 01:00 and both 01:30 only the first 01:00 is there."""
    rows = [
        *half_hours("2024-11-03 04:00:00", 3, "2024-11-03"),
        *half_hours("2024-11-03 07:00:00", 44, "2024-11-03"),
    ]

    found = complete(spark, *rows, horizon=date(2024, 11, 3), zone="America/New_York")

    assert shown(found, "intervals_present", "missing_intervals") == [("47", "[01:30, 01:00, 01:30]")]

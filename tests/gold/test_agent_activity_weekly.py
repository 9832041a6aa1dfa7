"""agent_activity_weekly: ISO weeks from half hours and events."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.agent_activity_weekly import agent_activity_weekly
from tests.gold.activity import Event, event, events
from tests.gold.frames import shown, typed

INTERVAL_TYPES = {"extension": "string", "ops_date": "date", "productive_seconds": "bigint"}


def weekly(spark: SparkSession, intervals: list[Event], *rows: Event, horizon: date) -> DataFrame:
    """The weeks of (extension, ops_date, productive_seconds) and of events."""
    return agent_activity_weekly(typed(spark, INTERVAL_TYPES, intervals), events(spark, *rows), horizon=horizon)


def test_a_week_belongs_to_the_year_of_its_thursday(spark: SparkSession) -> None:
    """Sunday the 1st of January 2023 is in week 52 of 2022, the Monday after it begins week 1."""
    intervals: list[Event] = [
        ("2001", "2022-12-31", "0"),
        ("2001", "2023-01-01", "1800"),
        ("2001", "2023-01-02", "900"),
    ]

    found = weekly(spark, intervals, horizon=date(2023, 1, 2))

    assert shown(found, "week_start", "iso_year", "iso_week", "productive_hours", "active_days") == [
        ("2022-12-26", "2022", "52", "0.5000", "1"),
        ("2023-01-02", "2023", "1", "0.2500", "1"),
    ]


def test_hours_come_from_summed_seconds_and_their_average_from_active_days(spark: SparkSession) -> None:
    """1,000 s on Monday in two half hours and 1,001 s on Tuesday: 2,001 s are 0.5558 h, 0.2779 a day; on Wednesday
    there was only an event."""
    intervals: list[Event] = [
        ("2001", "2024-05-06", "400"),
        ("2001", "2024-05-06", "600"),
        ("2001", "2024-05-07", "1001"),
        ("2001", "2024-05-08", "0"),
    ]
    rows = (
        event("2024-05-06 09:00:00"),
        event("2024-05-07 09:00:00.5"),
        event("2024-05-08 18:00:00", "OFFLINE"),
    )

    found = weekly(spark, intervals, *rows, horizon=date(2024, 5, 31))

    assert [f"{name} {kind}" for name, kind in found.dtypes] == [
        "extension string", "week_start date", "iso_year int", "iso_week int", "productive_hours decimal(18,4)",
        "active_days bigint", "avg_hours_per_active_day decimal(18,4)", "first_event timestamp", "last_event timestamp",
    ]  # fmt: skip
    assert shown(found) == [
        ("2001", "2024-05-06", "2024", "19", "0.5558", "2", "0.2779", "2024-05-06 09:00:00", "2024-05-08 18:00:00")
    ]


def test_a_week_without_productive_time_has_no_average(spark: SparkSession) -> None:
    """An extension that only logged off: a row of zero hours."""
    found = weekly(
        spark, [("2001", "2024-05-06", "0")], event("2024-05-06 09:00:00", "OFFLINE"), horizon=date(2024, 5, 6)
    )

    assert shown(found, "productive_hours", "active_days", "avg_hours_per_active_day") == [("0.0000", "0", None)]


def test_a_week_into_which_work_only_reaches_has_no_events(spark: SparkSession) -> None:
    """A night shift over Sunday's midnight, forgotten until the limit."""
    found = weekly(spark, [("2001", "2024-05-13", "1800")], horizon=date(2024, 5, 13))

    assert shown(found, "active_days", "first_event", "last_event") == [("1", None, None)]


def test_the_last_week_goes_up_to_the_horizon(spark: SparkSession) -> None:
    """Neither half hours nor events beyond it count."""
    intervals: list[Event] = [("2001", "2024-05-06", "60"), ("2001", "2024-05-07", "60")]
    rows = (event("2024-05-06 09:00:00"), event("2024-05-07 09:00:00"))

    found = weekly(spark, intervals, *rows, horizon=date(2024, 5, 6))

    assert shown(found, "productive_hours", "last_event") == [("0.0167", "2024-05-06 09:00:00")]

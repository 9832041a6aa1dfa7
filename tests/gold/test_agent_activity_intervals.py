"""agent_activity_intervals: productive time by half hours, counted by hand."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.agent_activity_intervals import agent_activity_intervals
from tests.gold.activity import Event, event, events, identity
from tests.gold.frames import shown

MAY = date(2024, 5, 6)


def spread(spark: SparkSession, *rows: Event, horizon: date = MAY, zone: str = "UTC", limit: float = 12) -> DataFrame:
    """The intervals of some events, with two agents known."""
    known = identity(spark, A001="2001", A002="2002")
    return agent_activity_intervals(events(spark, *rows), known, horizon=horizon, zone=zone, max_state_hours=limit)


def seconds(frame: DataFrame) -> list[tuple[str | None, ...]]:
    """UTC start, label, seconds and events of every row."""
    return shown(frame, "interval_start", "interval_label", "productive_seconds", "events")


def test_a_state_is_spread_over_every_half_hour_that_it_touches(spark: SparkSession) -> None:
    """09:10 to 10:40: 20, 30, 30 and 10 minutes; the log-off counts where it happened and starts no time."""
    found = spread(spark, event("2024-05-06 09:10:00"), event("2024-05-06 10:40:00", "OFFLINE"))

    assert [f"{name} {kind}" for name, kind in found.dtypes] == [
        "extension string", "interval_start timestamp", "ops_date date", "interval_label string",
        "productive_seconds bigint", "productive_hours decimal(6,4)", "events bigint", "agent_id string",
    ]  # fmt: skip
    assert shown(found) == [
        ("2001", "2024-05-06 09:00:00", "2024-05-06", "09:00", "1200", "0.3333", "1", "A001"),
        ("2001", "2024-05-06 09:30:00", "2024-05-06", "09:30", "1800", "0.5000", "0", "A001"),
        ("2001", "2024-05-06 10:00:00", "2024-05-06", "10:00", "1800", "0.5000", "0", "A001"),
        ("2001", "2024-05-06 10:30:00", "2024-05-06", "10:30", "600", "0.1667", "1", "A001"),
    ]


def test_an_unknown_extension_keeps_rows_of_its_own(spark: SparkSession) -> None:
    """Nothing is lost, nothing is guessed; an agent without an extension matches none."""
    found = spread(spark, event("2024-05-06 09:00:00", "OFFLINE", extension="2999"))

    assert shown(found, "extension", "agent_id") == [("2999", "extension:2999")]


def test_what_is_productive_is_what_silver_says(spark: SparkSession) -> None:
    """Three kinds of work of 10, 20 and 5 minutes, each ended by something that is none; an OFFLINE has no time."""
    found = spread(
        spark,
        event("2024-05-06 09:00:00", "OFFLINE", details="Backoffice"),
        event("2024-05-06 09:10:00", "REMVCEOFF"),
        event("2024-05-06 10:00:00", "REMVCEON"),
        event("2024-05-06 10:20:00", "OFFLINE", details="Lunch"),
        event("2024-05-06 11:00:00", "ONLINE"),
        event("2024-05-06 11:05:00", "OFFLINE"),
    )

    assert seconds(found) == [
        ("2024-05-06 09:00:00", "09:00", "600", "2"),
        ("2024-05-06 10:00:00", "10:00", "1200", "2"),
        ("2024-05-06 11:00:00", "11:00", "300", "2"),
    ]


def test_extensions_do_not_end_each_others_states(spark: SparkSession) -> None:
    """2001 is online for 20 minutes, whatever 2002 does between."""
    found = spread(
        spark,
        event("2024-05-06 09:00:00"),
        event("2024-05-06 09:05:00", "OFFLINE", extension="2002"),
        event("2024-05-06 09:20:00", "OFFLINE"),
    )

    assert shown(found, "extension", "productive_seconds", "events") == [("2001", "1200", "2"), ("2002", "0", "1")]


def test_at_one_instant_the_order_is_that_of_actions_then_of_details(spark: SparkSession) -> None:
    """ONLINE before OFFLINE, so it is off; of two OFFLINE the one with later details holds: Backoffice, not Aaa."""
    off = spread(spark, event("2024-05-06 09:00:00", "OFFLINE"), event("2024-05-06 09:00:00"))
    assert seconds(off) == [("2024-05-06 09:00:00", "09:00", "0", "2")]

    at_work = spread(
        spark,
        event("2024-05-06 09:00:00", "OFFLINE", details="Backoffice"),
        event("2024-05-06 09:00:00", "OFFLINE", details="Aaa"),
        event("2024-05-06 09:10:00", "REMVCEOFF"),
    )
    assert seconds(at_work) == [("2024-05-06 09:00:00", "09:00", "600", "3")]


def test_an_instant_counts_as_the_second_in_which_it_lies(spark: SparkSession) -> None:
    """From 09:00:00.9 to 09:00:02.1 are the seconds 0 and 1; the fraction orders events inside one second."""
    found = spread(
        spark,
        event("2024-05-06 09:00:00.9"),
        event("2024-05-06 09:00:02.2"),
        event("2024-05-06 09:00:02.1", "OFFLINE"),
        event("2024-05-06 09:00:05.0", "OFFLINE"),
    )

    assert seconds(found) == [("2024-05-06 09:00:00", "09:00", "5", "4")]


def test_a_state_runs_over_midnight_and_over_a_day_without_events(spark: SparkSession) -> None:
    """Nobody delivered the 5th: from 23:30 of the 4th to 01:00 of the 6th are 25.5 hours, of which a limit of 36 takes
    all: 1, 48 and 2 half hours, and one for the log-off."""
    found = spread(spark, event("2024-05-04 23:30:00"), event("2024-05-06 01:00:00", "OFFLINE"), limit=36)

    days = found.groupBy("ops_date").agg({"productive_seconds": "sum", "events": "sum", "*": "count"})
    assert shown(days, "ops_date", "sum(productive_seconds)", "sum(events)", "count(1)") == [
        ("2024-05-04", "1800", "1", "1"),
        ("2024-05-05", "86400", "0", "48"),
        ("2024-05-06", "3600", "1", "3"),
    ]


@pytest.mark.parametrize(
    ("limit", "total", "last"), [(12, "43200", "2024-05-05 19:30:00"), (0.25, "900", "2024-05-05 08:00:00")]
)
def test_a_state_lasts_at_most_so_many_hours(spark: SparkSession, limit: float, total: str, last: str) -> None:
    """A forgotten log-off: 12 hours from 08:00 end at 20:00, a quarter of an hour inside the first half hour."""
    found = spread(spark, event("2024-05-05 08:00:00"), limit=limit)

    summed = found.selectExpr("sum(productive_seconds) AS total", "max(interval_start) AS last")
    assert shown(summed) == [(total, last)]


def test_every_event_starts_the_limit_anew(spark: SparkSession) -> None:
    """ONLINE at 00:00 and again at 10:00: 22 hours, not 12."""
    found = spread(spark, event("2024-05-05 00:00:00"), event("2024-05-05 10:00:00"))

    assert shown(found.selectExpr("sum(productive_seconds) AS total")) == [(str(22 * 3600),)]


def test_nothing_goes_past_the_end_of_the_horizon_in_business_time(spark: SparkSession) -> None:
    """The 6th of May ends in New York at 04:00 of the 7th in UTC; an event after that is out and ends nothing."""
    zone = "America/New_York"
    found = spread(
        spark,
        event("2024-05-07 03:50:00", zone=zone),
        event("2024-05-07 04:10:00", "OFFLINE", zone=zone),
        event("2024-05-07 05:10:00", zone=zone),
        zone=zone,
    )

    assert shown(found, "interval_start", "ops_date", "interval_label", "productive_seconds", "events") == [
        ("2024-05-07 03:30:00", "2024-05-06", "23:30", "600", "1")
    ]


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        # New York, 2024-03-10: 02:00 EST is 03:00 EDT
        ("America/New_York", "2024-03-10 06:45:00", "2024-03-10 07:15:00",
         [("2024-03-10 06:30:00", "01:30", "900", "1"), ("2024-03-10 07:00:00", "03:00", "900", "1")]),
        # New York, 2024-11-03: 02:00 EDT is 01:00 EST; both have a 01:30
        ("America/New_York", "2024-11-03 05:45:00", "2024-11-03 06:40:00",
         [("2024-11-03 05:30:00", "01:30", "900", "1"), ("2024-11-03 06:00:00", "01:00", "1800", "0"),
          ("2024-11-03 06:30:00", "01:30", "600", "1")]),
        # Lord Howe, 2024-10-06: 02:00 at +10:30 is 02:30 at +11
        ("Australia/Lord_Howe", "2024-10-05 15:20:00", "2024-10-05 15:40:00",
         [("2024-10-05 15:00:00", "01:30", "600", "1"), ("2024-10-05 15:30:00", "02:30", "600", "1")]),
        # Lord Howe, 2024-04-07: 02:00 at +11 is 01:30 at +10:30
        ("Australia/Lord_Howe", "2024-04-06 14:50:00", "2024-04-06 15:10:00",
         [("2024-04-06 14:30:00", "01:30", "600", "1"), ("2024-04-06 15:00:00", "01:30", "600", "1")]),
        # Kathmandu is at +5:45, so that half hours begin at a quarter past and to in UTC
        ("Asia/Kathmandu", "2024-05-06 03:20:00", "2024-05-06 03:50:00",
         [("2024-05-06 03:15:00", "09:00", "1500", "1"), ("2024-05-06 03:45:00", "09:30", "300", "1")]),
        # Chatham, 2024-09-29: 02:45 at +12:45 is 03:45 at +13:45, amid the half hour that began at 02:30
        ("Pacific/Chatham", "2024-09-28 13:50:00", "2024-09-28 14:20:00",
         [("2024-09-28 13:45:00", "02:30", "1500", "1"), ("2024-09-28 14:15:00", "04:00", "300", "1")]),
    ],
)  # fmt: skip
def test_half_hours_are_those_of_the_business_clock(
    spark: SparkSession, zone: str, start: str, end: str, expected: list[tuple[str, ...]]
) -> None:
    """Also where clocks change, and at offsets of 30 and 45 minutes."""
    rows = (event(start, zone=zone), event(end, "OFFLINE", zone=zone))

    assert seconds(spread(spark, *rows, zone=zone, horizon=date(2024, 12, 31))) == expected


def test_without_any_identity_every_extension_stands_for_itself(spark: SparkSession) -> None:
    """The reference was never delivered."""
    none = identity(spark).where("false")
    options = {"horizon": MAY, "zone": "UTC", "max_state_hours": 12}

    found = agent_activity_intervals(events(spark, event("2024-05-06 09:00:00", "OFFLINE")), none, **options)

    assert shown(found, "agent_id") == [("extension:2001",)]

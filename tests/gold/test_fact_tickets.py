"""fact_tickets: a row per ticket."""

from __future__ import annotations

from pyspark.sql import SparkSession

from spark_jobs.gold.fact_tickets import fact_tickets
from tests.gold.frames import shown, ticket, tickets


def test_flags_say_resolved_high_and_longer_than_the_sla(spark: SparkSession) -> None:
    """An unresolved ticket is not long; one of exactly its SLA hours isn't either."""
    silver = tickets(
        spark,
        ticket("open", "2024-01-01 08:00:00", priority="High"),
        ticket("even", "2024-01-01 08:00:00", "2024-01-02 08:00:00", resolution_hours="24", priority="Critical"),
        ticket("long", "2024-01-01 08:00:00", "2024-01-02 08:00:01", resolution_hours="24.0003", priority="Low"),
    )

    fact = fact_tickets(silver, zone="UTC")

    assert shown(fact, "ticket_id", "is_resolved", "is_high_priority", "is_long_resolution") == [
        ("even", "true", "true", "false"),
        ("long", "true", "false", "true"),
        ("open", "false", "true", "false"),
    ]


def test_day_and_hour_are_those_of_the_business_time_zone(spark: SparkSession) -> None:
    """Sunday 23:30 UTC is Monday 00:30 in Berlin: day 1, hour 0."""
    silver = tickets(spark, ticket("t", "2024-01-07 23:30:00", created_date="2024-01-08"))

    fact = fact_tickets(silver, zone="Europe/Berlin")

    assert shown(fact, "day_of_week", "hour_of_day") == [("1", "0")]


def test_lineage_comes_last_and_partition_columns_are_left_out(spark: SparkSession) -> None:
    """The lineage columns close the table; year and month are Silver's own affair."""
    fact = fact_tickets(tickets(spark), zone="UTC")

    assert fact.columns[-9:] == [
        "_version_at", "_source_file", "_file_modified", "_row_number", "_delivery", "_logical_date", "_load_time",
        "_ingested_at", "_run_id",
    ]  # fmt: skip
    assert not {"year", "month"} & set(fact.columns)

"""ticket_flow_daily: opened and closed by day and priority."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.ticket_flow_daily import ticket_flow_daily
from tests.gold.frames import shown, ticket, tickets


def test_each_ticket_opens_on_one_day_and_closes_on_another(spark: SparkSession) -> None:
    """Days and priorities without either have no row."""
    silver = tickets(
        spark,
        ticket("a", "2024-01-01 08:00:00", "2024-01-03 08:00:00", priority="Low"),
        ticket("b", "2024-01-01 09:00:00", "2024-01-01 10:00:00", priority="Low"),
        ticket("c", "2024-01-01 09:00:00", priority="High"),
    )

    assert shown(ticket_flow_daily(silver, horizon=date(2024, 1, 9))) == [
        ("2024-01-01", "High", "1", "0"),
        ("2024-01-01", "Low", "2", "1"),
        ("2024-01-03", "Low", "0", "1"),
    ]


def test_events_past_the_horizon_wait(spark: SparkSession) -> None:
    """A resolution after the horizon isn't shown although its creation is."""
    silver = tickets(
        spark, ticket("a", "2024-01-01 08:00:00", "2024-01-03 08:00:00"), ticket("b", "2024-01-03 08:00:00")
    )

    assert shown(ticket_flow_daily(silver, horizon=date(2024, 1, 2))) == [("2024-01-01", "Medium", "1", "0")]

"""ticket_sla_risk: open tickets, and how likely they are to miss their due time."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.ticket_sla_risk import ticket_sla_risk
from tests.gold.frames import Row, shown, ticket, tickets, typed

OUTCOMES = {
    "ops_date": "date",
    "priority": "string",
    "category": "string",
    "resolved": "bigint",
    "breached": "bigint",
}
DAY = date(2024, 1, 3)


def risk(spark: SparkSession, *rows: Row, outcomes: list[tuple[str | None, ...]], zone: str = "UTC") -> DataFrame:
    """The table at the end of 2024-01-03."""
    return ticket_sla_risk(tickets(spark, *rows), typed(spark, OUTCOMES, outcomes), horizon=DAY, zone=zone)


def test_only_tickets_open_at_the_horizon_are_at_risk(spark: SparkSession) -> None:
    """Resolved by the horizon or created after it: out. Resolved after it: still open."""
    at_risk = risk(
        spark,
        ticket("open", "2024-01-01 08:00:00"),
        ticket("later", "2024-01-01 08:00:00", "2024-01-04 00:00:00"),
        ticket("done", "2024-01-01 08:00:00", "2024-01-03 23:59:59"),
        ticket("new", "2024-01-04 00:00:00"),
        outcomes=[],
    )

    assert shown(at_risk, "ticket_id") == [("later",), ("open",)]


def test_the_rate_of_the_same_kind_is_drawn_towards_the_overall_rate(spark: SparkSession) -> None:
    """Overall 10 of 40. Medium net (7 + 20 x 0.25) / (10 + 20) = 0.4; a null category (3 + 5) / (30 + 20) = 0.16.

    A kind without outcomes has the overall rate. Days past the horizon aren't summed.
    """
    at_risk = risk(
        spark,
        ticket("known", "2024-01-01 08:00:00"),
        ticket("nameless", "2024-01-01 08:00:00", category=None),
        ticket("unseen", "2024-01-01 08:00:00", category="disk"),
        outcomes=[
            ("2024-01-01", "Medium", "net", "4", "4"),
            ("2024-01-02", "Medium", "net", "6", "3"),
            ("2024-01-02", "Medium", None, "30", "3"),
            ("2024-01-04", "Medium", "disk", "100", "100"),
        ],
    )

    assert shown(at_risk, "ticket_id", "breach_probability") == [
        ("known", "0.4000"),
        ("nameless", "0.1600"),
        ("unseen", "0.2500"),
    ]


def test_without_any_outcome_the_probability_is_zero(spark: SparkSession) -> None:
    """Nothing was ever resolved: 0, not null."""
    assert shown(risk(spark, ticket("t", "2024-01-01 08:00:00"), outcomes=[]), "breach_probability") == [("0.0000",)]


def test_hours_to_due_count_from_the_business_midnight_that_ends_the_horizon(spark: SparkSession) -> None:
    """Berlin's 3 January ends at 23:00 UTC: due half an hour before is -0.5, a second after is 0.0003."""
    at_risk = risk(
        spark,
        ticket("past", "2024-01-02 22:30:00"),
        ticket("soon", "2024-01-02 23:00:01", created_date="2024-01-03"),
        outcomes=[],
        zone="Europe/Berlin",
    )

    assert shown(at_risk, "ticket_id", "hours_to_due") == [("past", "-0.5000"), ("soon", "0.0003")]


def test_a_ticket_carries_what_its_risk_is_read_with(spark: SparkSession) -> None:
    """Saturday 6:15 UTC, High: day 6, hour 6, high."""
    at_risk = risk(spark, ticket("t", "2023-12-30 06:15:00", priority="High", status="Pending"), outcomes=[])

    assert shown(at_risk, "agent_id", "status", "day_of_week", "hour_of_day", "is_high_priority") == [
        ("a1", "Pending", "6", "6", "true")
    ]

"""sla_breaches_daily by due day, sla_outcomes_daily by the day of resolution."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.sla_daily import sla_breaches_daily, sla_outcomes_daily
from tests.gold.frames import shown, ticket, tickets


def test_late_and_unresolved_are_breached_and_only_late_ones_overrun(spark: SparkSession) -> None:
    """Due at 08:00 of the 2nd: one to the second, one 1 h over, one 2 h over, one open: 3 of 4, 1.5 h on average."""
    silver = tickets(
        spark,
        ticket("even", "2024-01-01 08:00:00", "2024-01-02 08:00:00"),
        ticket("late", "2024-01-01 08:00:00", "2024-01-02 09:00:00"),
        ticket("later", "2024-01-01 08:00:00", "2024-01-02 10:00:00"),
        ticket("open", "2024-01-01 08:00:00"),
    )

    assert shown(sla_breaches_daily(silver, horizon=date(2024, 1, 2))) == [
        ("2024-01-02", "Medium", "net", "4", "3", "0.7500", "1.5000")
    ]


def test_a_day_of_open_breaches_has_no_overrun(spark: SparkSession) -> None:
    """Nothing resolved late: avg_overrun_hours is null, the rate is not."""
    silver = tickets(spark, ticket("open", "2024-01-01 08:00:00"))

    assert shown(
        sla_breaches_daily(silver, horizon=date(2024, 1, 2)), "breached", "breach_rate", "avg_overrun_hours"
    ) == [("1", "1.0000", None)]


def test_a_ticket_becomes_due_when_the_horizon_reaches_its_day(spark: SparkSession) -> None:
    """The day before there is no row, on the day there is, with no change of the ticket."""
    silver = tickets(spark, ticket("open", "2024-01-01 08:00:00"))

    assert shown(sla_breaches_daily(silver, horizon=date(2024, 1, 1))) == []
    assert shown(sla_breaches_daily(silver, horizon=date(2024, 1, 2)), "ops_date", "due") == [("2024-01-02", "1")]


def test_tickets_without_a_category_are_a_group(spark: SparkSession) -> None:
    """A null category is kept beside the named ones."""
    silver = tickets(spark, ticket("a", "2024-01-01 08:00:00", category=None), ticket("b", "2024-01-01 08:00:00"))

    assert shown(sla_breaches_daily(silver, horizon=date(2024, 1, 2)), "category", "due") == [("net", "1"), (None, "1")]


def test_outcomes_count_resolved_tickets_by_the_day_of_their_end(spark: SparkSession) -> None:
    """Open tickets and later resolutions are out; resolved exactly at the due instant is no breach."""
    silver = tickets(
        spark,
        ticket("even", "2024-01-01 08:00:00", "2024-01-02 08:00:00", priority="High"),
        ticket("late", "2024-01-01 08:00:00", "2024-01-02 08:00:01", priority="High"),
        ticket("open", "2024-01-01 08:00:00", priority="High"),
        ticket("next", "2024-01-01 08:00:00", "2024-01-03 08:00:00", priority="High"),
    )

    assert shown(sla_outcomes_daily(silver, horizon=date(2024, 1, 2))) == [("2024-01-02", "High", "net", "2", "1")]

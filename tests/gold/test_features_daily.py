"""features_daily: the cohort of a creation day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.features_daily import features_daily
from tests.gold.frames import shown, ticket, tickets


def test_a_cohort_is_counted_by_what_became_of_it(spark: SparkSession) -> None:
    """Two of three resolved in 1 h and 2 h 0 min 1 s: (3600 + 7201) / 2 / 3600 = 1.50014 h; the second was late."""
    silver = tickets(
        spark,
        ticket("a", "2024-01-01 08:00:00", "2024-01-01 09:00:00", sla_hours="2"),
        ticket("b", "2024-01-01 08:00:00", "2024-01-01 10:00:01", sla_hours="2"),
        ticket("c", "2024-01-01 08:00:00", sla_hours="2"),
    )

    assert shown(features_daily(silver, horizon=date(2024, 1, 1))) == [
        ("2024-01-01", "3", "2", "1", "1.5001", "0.5000")
    ]


def test_a_day_with_nothing_resolved_has_no_averages(spark: SparkSession) -> None:
    """avg_tat and sla_breach_rate are null, not 0, and an overdue open ticket doesn't count as a breach here."""
    silver = tickets(spark, ticket("a", "2024-01-01 08:00:00", sla_hours="1"))

    assert shown(features_daily(silver, horizon=date(2024, 1, 9))) == [("2024-01-01", "1", "0", "1", None, None)]


def test_a_cohort_past_the_horizon_is_not_shown(spark: SparkSession) -> None:
    """Creation after the horizon makes no row; a resolution after it counts, as Silver knows it."""
    silver = tickets(
        spark,
        ticket("a", "2024-01-01 08:00:00", "2024-01-03 08:00:00"),
        ticket("b", "2024-01-02 08:00:00"),
    )

    assert shown(features_daily(silver, horizon=date(2024, 1, 1)), "ops_date", "resolved_tickets") == [
        ("2024-01-01", "1")
    ]

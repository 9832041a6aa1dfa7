"""daily_agent_load: what an agent got and did on a day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.daily_agent_load import daily_agent_load
from tests.gold.frames import shown, ticket, tickets


def test_assigned_and_resolved_count_on_their_own_days(spark: SparkSession) -> None:
    """a1 gets two on the 1st, one stays open; on the 2nd it resolves one of 25 h, late by 1 h. -1 has its own row."""
    silver = tickets(
        spark,
        ticket("a", "2024-01-01 08:00:00", "2024-01-02 09:00:00"),
        ticket("b", "2024-01-01 08:00:00"),
        ticket("c", "2024-01-01 08:00:00", "2024-01-01 08:00:01", agent_id="-1"),
    )

    assert shown(daily_agent_load(silver, horizon=date(2024, 1, 2))) == [
        ("2024-01-01", "-1", "1", "1", "0.0003", "0", "0"),
        ("2024-01-01", "a1", "2", "0", None, "0", "1"),
        ("2024-01-02", "a1", "0", "1", "25.0000", "1", "0"),
    ]


def test_a_ticket_resolved_past_the_horizon_is_neither_open_nor_resolved_here(spark: SparkSession) -> None:
    """open_tickets_from_day goes by what Silver knows; the row of the resolution waits for the horizon."""
    silver = tickets(spark, ticket("a", "2024-01-01 08:00:00", "2024-01-02 09:00:00"))

    assert shown(daily_agent_load(silver, horizon=date(2024, 1, 1))) == [("2024-01-01", "a1", "1", "0", None, "0", "0")]

"""The backlogs: running sums over every calendar day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.agent_backlog_daily import agent_backlog_daily
from spark_jobs.gold.backlog_daily import backlog_by_priority_daily, backlog_daily
from tests.gold.frames import flows, shown, typed

LOAD = {"ops_date": "date", "agent_id": "string", "tickets_assigned": "bigint", "tickets_resolved": "bigint"}


def test_backlog_has_every_day_up_to_the_horizon_and_carries_what_is_open(spark: SparkSession) -> None:
    """3 opened, 1 closed two days later, nothing after: 3, 3, 2, 2 over priorities."""
    flow = flows(
        spark, ("2024-02-28", "Low", "1", "0"), ("2024-02-28", "High", "2", "0"), ("2024-03-01", "Low", "0", "1")
    )

    assert shown(backlog_daily(flow, horizon=date(2024, 3, 2))) == [
        ("2024-02-28", "3", "0", "3"),
        ("2024-02-29", "0", "0", "3"),
        ("2024-03-01", "0", "1", "2"),
        ("2024-03-02", "0", "0", "2"),
    ]


def test_a_backlog_of_nothing_still_has_its_days(spark: SparkSession) -> None:
    """Opened and closed on the first day: 0 from then on, with rows."""
    flow = flows(spark, ("2024-01-01", "Low", "1", "1"))

    assert shown(backlog_daily(flow, horizon=date(2024, 1, 2)), "ops_date", "backlog_size") == [
        ("2024-01-01", "0"),
        ("2024-01-02", "0"),
    ]


def test_flows_past_the_horizon_are_no_backlog_yet(spark: SparkSession) -> None:
    """A flow of the day after the horizon changes no row and adds none."""
    flow = flows(spark, ("2024-01-01", "Low", "2", "0"), ("2024-01-02", "Low", "5", "1"))

    assert shown(backlog_daily(flow, horizon=date(2024, 1, 1))) == [("2024-01-01", "2", "0", "2")]


def test_every_priority_has_every_day_from_the_first_ticket_of_any(spark: SparkSession) -> None:
    """High begins a day after Low and still has the first day; Medium and Critical never come and have rows of 0."""
    flow = flows(spark, ("2024-01-01", "Low", "2", "1"), ("2024-01-02", "High", "1", "0"))

    assert shown(backlog_by_priority_daily(flow, horizon=date(2024, 1, 3))) == [
        ("2024-01-01", "Critical", "0", "0", "0"),
        ("2024-01-01", "High", "0", "0", "0"),
        ("2024-01-01", "Low", "2", "1", "1"),
        ("2024-01-01", "Medium", "0", "0", "0"),
        ("2024-01-02", "Critical", "0", "0", "0"),
        ("2024-01-02", "High", "1", "0", "1"),
        ("2024-01-02", "Low", "0", "0", "1"),
        ("2024-01-02", "Medium", "0", "0", "0"),
        ("2024-01-03", "Critical", "0", "0", "0"),
        ("2024-01-03", "High", "0", "0", "1"),
        ("2024-01-03", "Low", "0", "0", "1"),
        ("2024-01-03", "Medium", "0", "0", "0"),
    ]


def test_an_agent_has_a_row_while_something_is_open_or_done(spark: SparkSession) -> None:
    """a1 holds one over the quiet 2nd, settles on the 3rd, and is absent on the 4th until the 5th; a2 keeps one."""
    load = typed(
        spark,
        LOAD,
        [
            ("2024-01-01", "a1", "2", "1"),
            ("2024-01-03", "a1", "0", "1"),
            ("2024-01-05", "a1", "1", "1"),
            ("2024-01-04", "a2", "1", "0"),
        ],
    )

    assert shown(agent_backlog_daily(load, horizon=date(2024, 1, 6))) == [
        ("2024-01-01", "a1", "2", "1", "1"),
        ("2024-01-02", "a1", "0", "0", "1"),
        ("2024-01-03", "a1", "0", "1", "0"),
        ("2024-01-04", "a2", "1", "0", "1"),
        ("2024-01-05", "a1", "1", "1", "0"),
        ("2024-01-05", "a2", "0", "0", "1"),
        ("2024-01-06", "a2", "0", "0", "1"),
    ]

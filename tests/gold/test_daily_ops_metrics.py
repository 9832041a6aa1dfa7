"""daily_ops_metrics: one row a day from daily tables."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.daily_ops_metrics import daily_ops_metrics
from tests.gold.frames import flows, shown, typed

BACKLOG = {"ops_date": "date", "opened": "bigint", "closed": "bigint", "backlog_size": "bigint"}
BREACHES = {"ops_date": "date", "priority": "string", "due": "bigint", "breached": "bigint"}
TIMES = {
    "ops_date": "date",
    "resolved": "bigint",
    "resolution_seconds": "bigint",
    "p50_tat": "decimal(18,4)",
    "p90_tat": "decimal(18,4)",
}
LOAD = {"ops_date": "date", "agent_id": "string"}

BUSY, QUIET = "2024-01-01", "2024-01-02"


def metrics(spark: SparkSession, horizon: date) -> DataFrame:
    """A busy day and a quiet one."""
    return daily_ops_metrics(
        flows(spark, (BUSY, "Low", "4", "1"), (BUSY, "High", "2", "2")),
        typed(spark, BACKLOG, [(BUSY, "6", "3", "3"), (QUIET, "0", "0", "3")]),
        typed(spark, BREACHES, [(BUSY, "Low", "2", "1"), (BUSY, "High", "4", "1")]),
        typed(spark, TIMES, [(BUSY, "3", "10000", "0.5000", "1.7500")]),
        typed(spark, LOAD, [(BUSY, "a1"), (BUSY, "a2"), (BUSY, "-1")]),
        horizon=horizon,
    )


def test_a_day_sums_its_daily_tables(spark: SparkSession) -> None:
    """2 of 6 due are breached; 10,000 s / 3 = 0.9259 h; 3 resolved by 2 agents, the unassigned one not counted."""
    assert shown(metrics(spark, date(2024, 1, 1))) == [
        (BUSY, "6", "3", "3", "6", "2", "0.3333", "0.9259", "0.5000", "1.7500", "2", "1.5000")
    ]


def test_a_quiet_day_has_a_row_of_zeros_and_no_averages(spark: SparkSession) -> None:
    """Counts are 0, the backlog is carried, rates and averages are null."""
    assert shown(metrics(spark, date(2024, 1, 2)))[1] == (
        (QUIET, "0", "0", "3", "0", "0", None, None, None, None, "0", None)
    )

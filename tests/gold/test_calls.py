"""Calls by day: counts, percentages, and how long the completed ones took."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.gold import registry
from spark_jobs.gold.calls import call_agent_performance, call_daily_summary, call_duration_metrics
from tests.gold.frames import shown, typed

HORIZON = date(2024, 3, 2)
TYPES = {"agent_id": "bigint", "call_status": "string", "call_date": "date", "duration_seconds": "bigint"}


def calls(spark: SparkSession, *rows: tuple[str, str, str, str]) -> DataFrame:
    """Silver's columns that Gold reads: agent, status, day of March 2024, seconds."""
    return typed(spark, TYPES, [(agent, status, f"2024-03-{day:>02}", seconds) for agent, status, day, seconds in rows])


def test_a_day_counts_its_calls_by_outcome(spark: SparkSession) -> None:
    """Two of three completed are 66.67 %; a day after the horizon and days without calls have no row."""
    silver = calls(
        spark,
        ("501", "COMPLETED", "1", "60"),
        ("501", "COMPLETED", "1", "0"),
        ("502", "DROPPED", "1", "5"),
        ("501", "FAILED", "2", "0"),
        ("501", "COMPLETED", "3", "60"),
    )

    assert shown(call_daily_summary(silver, horizon=HORIZON)) == [
        ("2024-03-01", "3", "2", "1", "0", "66.67"),
        ("2024-03-02", "1", "0", "0", "1", "0.00"),
    ]


def test_a_percentage_is_rounded_once_and_half_up(spark: SparkSession) -> None:
    """1 of 1600 is 0.0625 %, so 0.06; 1 of 800 is 0.125 %, so 0.13; 89 of 20,000 is 0.445 %, so 0.45."""
    for completed, total, rate in ((1, 1600, "0.06"), (1, 800, "0.13"), (89, 20_000, "0.45")):
        rows = spark.range(total).selectExpr(
            "1L AS agent_id",
            f"if(id < {completed}, 'COMPLETED', 'FAILED') AS call_status",
            "DATE'2024-03-01' AS call_date",
        )
        assert shown(call_daily_summary(rows, horizon=HORIZON), "completion_rate") == [(rate,)]


def test_an_agent_has_a_row_per_day_with_calls(spark: SparkSession) -> None:
    """The agents' rows of a day add up to the day's."""
    silver = calls(
        spark,
        ("501", "COMPLETED", "1", "60"),
        ("502", "DROPPED", "1", "5"),
        ("501", "FAILED", "1", "5"),
        ("501", "COMPLETED", "2", "5"),
    )

    assert shown(call_agent_performance(silver, horizon=HORIZON)) == [
        ("501", "2024-03-01", "2", "1", "0", "1", "50.00"),
        ("501", "2024-03-02", "1", "1", "0", "0", "100.00"),
        ("502", "2024-03-01", "1", "0", "1", "0", "0.00"),
    ]


def test_durations_are_of_completed_calls_alone(spark: SparkSession) -> None:
    """10, 20, 30 and 101 s: a mean of 40.25, a median of 25; 0.9 x 3 = 2.7 steps up is 30 + 0.7 x 71 = 79.7."""
    silver = calls(
        spark,
        *(("501", "COMPLETED", "1", seconds) for seconds in ("30", "101", "10", "20")),
        ("501", "DROPPED", "1", "1"),
        ("501", "FAILED", "1", "9000"),
    )

    assert shown(call_duration_metrics(silver, horizon=HORIZON)) == [
        ("2024-03-01", "40.2500", "10", "101", "25.0000", "79.7000", "161")
    ]


def test_a_day_without_a_completed_call_has_no_durations_and_no_talk(spark: SparkSession) -> None:
    """The row is there: there were calls."""
    silver = calls(spark, ("501", "DROPPED", "1", "30"))

    assert shown(call_duration_metrics(silver, horizon=HORIZON)) == [("2024-03-01", None, None, None, None, None, "0")]


def test_means_are_rounded_half_up_to_four_decimals(spark: SparkSession) -> None:
    """100 s over three calls are 33.3333, 200 s are 66.6667."""
    silver = calls(
        spark,
        *(("501", "COMPLETED", "1", seconds) for seconds in ("0", "0", "100")),
        *(("501", "COMPLETED", "2", seconds) for seconds in ("0", "0", "200")),
    )

    assert shown(call_duration_metrics(silver, horizon=HORIZON), "avg_duration_seconds") == [("33.3333",), ("66.6667",)]


def test_tables_have_exactly_their_columns_in_their_types(spark: SparkSession) -> None:
    """Readers elsewhere rely on names, order and types."""
    silver = calls(spark)
    counts = [(n, "bigint") for n in ("total_calls", "completed_calls", "dropped_calls", "failed_calls")]
    outcome = [*counts, ("completion_rate", "decimal(5,2)")]
    assert call_daily_summary(silver, horizon=HORIZON).dtypes == [("call_date", "date"), *outcome]
    assert call_agent_performance(silver, horizon=HORIZON).dtypes == [
        ("agent_id", "bigint"),
        ("call_date", "date"),
        *outcome,
    ]
    assert call_duration_metrics(silver, horizon=HORIZON).dtypes == [
        ("call_date", "date"),
        ("avg_duration_seconds", "decimal(18,4)"),
        ("min_duration_seconds", "bigint"),
        ("max_duration_seconds", "bigint"),
        ("p50_duration_seconds", "decimal(18,4)"),
        ("p90_duration_seconds", "decimal(18,4)"),
        ("talk_seconds", "bigint"),
    ]


def test_no_table_by_key_reads_a_dataset_whose_key_may_widen() -> None:
    """Such a table would hold several rows under one key of its own."""
    may_widen = {name for name, contract in load_contracts().items() if contract.key_may_widen}
    assert may_widen == {"calls"}
    for table in registry().values():
        if table.slices.kind == "by_key":
            assert not may_widen & set(table.inputs)

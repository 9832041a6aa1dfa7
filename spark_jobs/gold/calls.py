"""Calls by day: how they ended, by agent too, and how long the completed ones took."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import columns, percentage, ratio, up_to

BY_DAY = by_date("call_date", moved_by={"calls": ["call_date"]})
COMPLETED = "call_status = 'COMPLETED'"
SECONDS = f"if({COMPLETED}, duration_seconds, NULL)"
OUTCOMES = (
    "count(*) AS total_calls",
    f"count_if({COMPLETED}) AS completed_calls",
    "count_if(call_status = 'DROPPED') AS dropped_calls",
    "count_if(call_status = 'FAILED') AS failed_calls",
    f"{percentage(f'count_if({COMPLETED})', 'count(*)')} AS completion_rate",  # for all its name
)


@table(grain=["call_date"], slices=BY_DAY)
def call_daily_summary(calls: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day with calls: how many, how they ended, and the percentage that was completed."""
    return calls.where(up_to("call_date", horizon)).groupBy("call_date").agg(*columns(*OUTCOMES))


@table(grain=["agent_id", "call_date"], slices=BY_DAY)
def call_agent_performance(calls: DataFrame, *, horizon: date) -> DataFrame:
    """One row per agent, by the call centre's number, and day with calls."""
    return calls.where(up_to("call_date", horizon)).groupBy("agent_id", "call_date").agg(*columns(*OUTCOMES))


@table(grain=["call_date"], slices=BY_DAY)
def call_duration_metrics(calls: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day with calls: seconds of the completed ones, null but for the sum on a day without any."""
    measured = (
        calls.where(up_to("call_date", horizon))
        .groupBy("call_date")
        .agg(
            *columns(
                f"count({SECONDS}) AS completed",
                f"sum({SECONDS}) AS seconds",
                f"min({SECONDS}) AS shortest",
                f"max({SECONDS}) AS longest",
                f"percentile({SECONDS}, array(0.5D, 0.9D)) AS at",
            )
        )
    )
    return measured.select(
        "call_date",
        *columns(
            f"{ratio('seconds', 'completed')} AS avg_duration_seconds",
            "shortest AS min_duration_seconds",
            "longest AS max_duration_seconds",
            f"{_exact('at[0]')} AS p50_duration_seconds",
            f"{_exact('at[1]')} AS p90_duration_seconds",
        ),
        F.coalesce("seconds", F.lit(0)).cast("bigint").alias("talk_seconds"),
    )


def _exact(percentile: str) -> str:
    """Spark interpolates in doubles; between whole seconds these two percentiles lie on tenths, so tenths are exact."""
    return ratio(f"round(10 * {percentile})", "10")

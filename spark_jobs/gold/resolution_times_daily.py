"""`resolution_times_daily`: how long the tickets that were resolved on a day had taken.

It exists so that `daily_ops_metrics`, which changes with every backlog, reads daily rows instead of tickets.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import RESOLUTION_SECONDS, columns, ratio, up_to


@table(
    grain=["ops_date"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["resolved_date"]},
        reads={"tickets": ["resolved_date", "created_at", "resolved_at"]},
    ),
)
def resolution_times_daily(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per resolution day: count, summed seconds, and exact interpolated percentiles in hours."""
    measured = (
        tickets.where(up_to("resolved_date", horizon))
        .groupBy(F.col("resolved_date").alias("ops_date"))
        .agg(
            *columns(
                "count(*) AS resolved",
                f"sum({RESOLUTION_SECONDS}) AS resolution_seconds",
                f"percentile({RESOLUTION_SECONDS}, array(0.5D, 0.9D)) AS at",
            )
        )
    )
    return measured.selectExpr(
        "ops_date",
        "resolved",
        "resolution_seconds",
        f"{_hours_of('at[0]')} AS p50_tat",
        f"{_hours_of('at[1]')} AS p90_tat",
    )


def _hours_of(percentile: str) -> str:
    """Spark interpolates in doubles; between whole seconds these two percentiles lie on tenths, so tenths are exact."""
    return ratio(f"round(10 * {percentile})", "36000")

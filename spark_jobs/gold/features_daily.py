"""`features_daily`: what became of the tickets that were created on a day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import LATE, RESOLUTION_SECONDS, columns, hours, ratio, up_to


@table(
    grain=["ops_date"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["created_date"]},
        reads={"tickets": ["created_date", "created_at", "resolved_at", "sla_due_at"]},
    ),
)
def features_daily(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per creation day: the cohort as Silver knows it now, later resolutions included."""
    return (
        tickets.where(up_to("created_date", horizon))
        .groupBy(F.col("created_date").alias("ops_date"))
        .agg(
            *columns(
                "count(*) AS total_tickets",
                "count(resolved_at) AS resolved_tickets",
                "count(*) - count(resolved_at) AS open_tickets",
                f"{hours(f'sum({RESOLUTION_SECONDS})', 'count(resolved_at)')} AS avg_tat",
                f"{ratio(f'count_if({LATE})', 'count(resolved_at)')} AS sla_breach_rate",
            )
        )
    )

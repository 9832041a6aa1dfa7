"""`sla_breaches_daily` and `sla_outcomes_daily`: service levels by the day they fell due, and by the day of the end."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import Accepted, by_date, table
from spark_jobs.gold.measures import LATE, PRIORITIES, columns, hours, ratio, seconds_between, up_to

GRAIN = ("ops_date", "priority", "category")
KNOWN_PRIORITY = Accepted("priority", PRIORITIES)


@table(
    grain=GRAIN,
    nullable=["category"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["sla_due_date"]},
        reads={"tickets": ["sla_due_date", "priority", "category", "sla_due_at", "resolved_at"]},
    ),
    checks=[KNOWN_PRIORITY],
)
def sla_breaches_daily(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per due day, priority and category; a ticket due by the horizon and still unresolved is breached."""
    breached = f"count_if(resolved_at IS NULL OR {LATE})"
    overrun = f"sum(if({LATE}, {seconds_between('sla_due_at', 'resolved_at')}, NULL))"
    return (
        tickets.where(up_to("sla_due_date", horizon))
        .groupBy(F.col("sla_due_date").alias("ops_date"), "priority", "category")
        .agg(
            *columns(
                "count(*) AS due",
                f"{breached} AS breached",
                f"{ratio(breached, 'count(*)')} AS breach_rate",
                f"{hours(overrun, f'count_if({LATE})')} AS avg_overrun_hours",
            )
        )
    )


@table(
    grain=GRAIN,
    nullable=["category"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["resolved_date"]},
        reads={"tickets": ["resolved_date", "priority", "category", "sla_due_at", "resolved_at"]},
    ),
    checks=[KNOWN_PRIORITY],
)
def sla_outcomes_daily(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per resolution day, priority and category."""
    return (
        tickets.where(up_to("resolved_date", horizon))
        .groupBy(F.col("resolved_date").alias("ops_date"), "priority", "category")
        .agg(*columns("count(*) AS resolved", f"count_if({LATE}) AS breached"))
    )

"""`ticket_sla_risk`: for each open ticket, how soon it is due and how likely tickets like it miss that."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import Accepted, table, whole
from spark_jobs.gold.measures import (
    DAY_OF_WEEK,
    HIGH_PRIORITY,
    PRIORITIES,
    business_hour,
    columns,
    day,
    end_of,
    hours,
    ratio,
    up_to,
)

WEIGHT = 20  # tickets' worth of belief in the overall rate


@table(
    grain=["ticket_id"],
    slices=whole(needs={"tickets": "resolved_date IS NULL OR resolved_date > {horizon}"}),
    checks=[Accepted("priority", PRIORITIES), Accepted("status", by={"tickets": "status"})],
)
def ticket_sla_risk(tickets: DataFrame, sla_outcomes_daily: DataFrame, *, horizon: date, zone: str) -> DataFrame:
    """One row per ticket open at the horizon's end, by what is known now: resolved later counts as open.

    breach_probability = (breached + 20 x overall) / (resolved + 20) over the same priority and category, with overall
    = all_breached / all_resolved; multiplied out by all_resolved it is one division of whole numbers.
    """
    outcomes = sla_outcomes_daily.where(up_to("ops_date", horizon)).coalesce(1)
    sums = columns("sum(resolved) AS resolved", "sum(breached) AS breached")
    alike = outcomes.groupBy(F.col("priority").alias("p"), F.col("category").alias("c")).agg(*sums)
    overall = outcomes.agg(*columns("sum(resolved) AS all_resolved", "sum(breached) AS all_breached"))
    same_kind = F.expr("priority = p AND category <=> c")
    probability = ratio(
        f"coalesce(breached, 0L) * all_resolved + {WEIGHT} * all_breached",
        f"(coalesce(resolved, 0L) + {WEIGHT}) * all_resolved",
    )
    return (
        _open_at(tickets, horizon)
        .join(F.broadcast(alike), same_kind, how="left")
        .join(F.broadcast(overall), how="cross")
        .selectExpr(
            "ticket_id",
            "agent_id",
            "priority",
            "category",
            "status",
            "created_at",
            "sla_due_at",
            f"{DAY_OF_WEEK} AS day_of_week",
            f"{business_hour('created_at', zone)} AS hour_of_day",
            f"{HIGH_PRIORITY} AS is_high_priority",
            f"{hours(f'unix_seconds(sla_due_at) - unix_seconds({end_of(horizon, zone)})')} AS hours_to_due",
            f"coalesce({probability}, CAST(0 AS DECIMAL(18,4))) AS breach_probability",
        )
    )


def _open_at(tickets: DataFrame, horizon: date) -> DataFrame:
    """Tickets open at the end of the day `horizon`; on plain columns, so that files without any are skipped."""
    created = up_to("created_date", horizon)
    return tickets.where(f"{created} AND (resolved_date IS NULL OR resolved_date > {day(horizon)})")

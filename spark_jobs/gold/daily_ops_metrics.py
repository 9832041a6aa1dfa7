"""`daily_ops_metrics`: a day of operations in one row, put together from daily tables only.

Never from tickets: a late ticket changes the backlog of every day since, and those days must not be rescanned.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import UNASSIGNED, columns, hours, ratio, up_to

NO_COUNT, NO_HOURS = "0L", "CAST(NULL AS DECIMAL(18,4))"
PARTS = {
    "created": NO_COUNT,
    "resolved": NO_COUNT,
    "backlog_size": NO_COUNT,
    "due": NO_COUNT,
    "breached": NO_COUNT,
    "seconds": NO_COUNT,
    "p50_tat": NO_HOURS,
    "p90_tat": NO_HOURS,
    "active": NO_COUNT,
}


@table(
    grain=["ops_date"],
    slices=by_date(
        "ops_date",
        moved_by={
            "ticket_flow_daily": ["ops_date"],
            "backlog_daily": ["ops_date"],
            "sla_breaches_daily": ["ops_date"],
            "resolution_times_daily": ["ops_date"],
            "daily_agent_load": ["ops_date"],
        },
    ),
)
def daily_ops_metrics(
    ticket_flow_daily: DataFrame,
    backlog_daily: DataFrame,
    sla_breaches_daily: DataFrame,
    resolution_times_daily: DataFrame,
    daily_agent_load: DataFrame,
    *,
    horizon: date,
) -> DataFrame:
    """One row per calendar day, as `backlog_daily` has it; the five inputs are stacked and summed in one group-by."""
    parts = [
        _part(ticket_flow_daily, created="opened", resolved="closed"),
        _part(backlog_daily, backlog_size="backlog_size"),
        _part(sla_breaches_daily, due="due", breached="breached"),
        _part(resolution_times_daily, seconds="resolution_seconds", p50_tat="p50_tat", p90_tat="p90_tat"),
        _part(daily_agent_load, active=f"if(agent_id = '{UNASSIGNED}', 0L, 1L)"),
    ]
    stacked = reduce(DataFrame.unionAll, parts)
    return (
        stacked.where(up_to("ops_date", horizon))
        .groupBy("ops_date")
        .agg(
            *columns(
                "sum(created) AS created",
                "sum(resolved) AS resolved",
                "sum(backlog_size) AS backlog_size",
                "sum(due) AS due",
                "sum(breached) AS breached",
                f"{ratio('sum(breached)', 'sum(due)')} AS breach_rate",
                f"{hours('sum(seconds)', 'sum(resolved)')} AS avg_tat",
                "max(p50_tat) AS p50_tat",
                "max(p90_tat) AS p90_tat",
                "sum(active) AS active_agents",
                f"{ratio('sum(resolved)', 'sum(active)')} AS resolved_per_active_agent",
            )
        )
    )


def _part(frame: DataFrame, **given: str) -> DataFrame:
    """One input in the shape of all: what it doesn't give counts nothing."""
    return frame.selectExpr("ops_date", *(f"{given.get(name, none)} AS {name}" for name, none in PARTS.items()))

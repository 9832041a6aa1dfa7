"""`daily_agent_load`: what each agent got and did on a day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import LATE, RESOLUTION_SECONDS, columns, hours, up_to


@table(
    grain=["ops_date", "agent_id"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["created_date", "resolved_date"]},
        reads={"tickets": ["agent_id", "created_date", "resolved_date", "created_at", "resolved_at", "sla_due_at"]},
    ),
)
def daily_agent_load(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day and agent with a ticket created or resolved that day; the agent is the ticket's agent now."""
    events = tickets.selectExpr(
        "agent_id",
        f"{RESOLUTION_SECONDS} AS seconds",
        f"{LATE} AS late",
        "resolved_at IS NULL AS unresolved",
        "posexplode(array(created_date, resolved_date)) AS (resolving, ops_date)",
    )
    return (
        events.where(up_to("ops_date", horizon))
        .groupBy("ops_date", "agent_id")
        .agg(
            *columns(
                "sum(1 - resolving) AS tickets_assigned",
                "sum(resolving) AS tickets_resolved",
                f"{hours('sum(resolving * seconds)', 'sum(resolving)')} AS avg_resolution_hours",
                "count_if(resolving = 1 AND late) AS sla_breaches",
                "count_if(resolving = 0 AND unresolved) AS open_tickets_from_day",
            )
        )
    )

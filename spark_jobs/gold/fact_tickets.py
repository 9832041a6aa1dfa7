"""`fact_tickets`: one row per ticket, for drilling down from any figure to its delivery."""

from __future__ import annotations

from pyspark.sql import DataFrame

from spark_jobs.gold import Accepted, NotNull, Relationship, by_key, table
from spark_jobs.gold.measures import DAY_OF_WEEK, HIGH_PRIORITY, LINEAGE, PRIORITIES, business_hour

TICKET = (
    "ticket_id", "created_at", "resolved_at", "resolution_hours", "sla_hours", "sla_breached_reported", "priority",
    "category", "channel", "customer_tier", "status", "agent_id", "updated_at", "created_date", "resolved_date",
    "sla_due_at", "sla_due_date",
)  # fmt: skip


@table(
    grain=["ticket_id"],
    slices=by_key("ticket_id", moved_by={"tickets": ["ticket_id"]}, bounded_by="created_date"),
    checks=[
        Accepted("priority", PRIORITIES),
        Accepted("status", by={"tickets": "status"}),
        NotNull("agent_id", by={"tickets": "agent_id"}),
        Relationship("agent_id", "dim_ticket_agents", "agent_id"),
    ],
)
def fact_tickets(tickets: DataFrame, *, zone: str) -> DataFrame:
    """Every ticket of Silver, also one past the horizon, with what analysts group by and its lineage."""
    return tickets.selectExpr(
        *TICKET,
        "resolved_at IS NOT NULL AS is_resolved",
        f"{HIGH_PRIORITY} AS is_high_priority",
        "coalesce(resolution_hours > sla_hours, false) AS is_long_resolution",
        f"{DAY_OF_WEEK} AS day_of_week",
        f"{business_hour('created_at', zone)} AS hour_of_day",
        *LINEAGE,
    )

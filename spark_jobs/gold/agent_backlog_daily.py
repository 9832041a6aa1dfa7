"""`agent_backlog_daily`: what each agent had open at each day's end."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.gold import from_date, table
from spark_jobs.gold.measures import up_to
from spark_jobs.gold.running import running_balance


@table(
    grain=["ops_date", "agent_id"],
    slices=from_date("ops_date", moved_by={"daily_agent_load": ["ops_date"]}),
)
def agent_backlog_daily(daily_agent_load: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day and agent with something assigned, resolved or open at the day's end."""
    flows = daily_agent_load.where(up_to("ops_date", horizon)).selectExpr(
        "ops_date", "agent_id", "tickets_assigned AS opened", "tickets_resolved AS closed"
    )
    return running_balance(flows, ["agent_id"], horizon=horizon, settled_days=False).selectExpr(
        "ops_date",
        "agent_id",
        "opened AS tickets_assigned",
        "closed AS tickets_resolved",
        "balance AS open_tickets_at_close",
    )

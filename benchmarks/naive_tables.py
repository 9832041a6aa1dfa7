"""The six daily tables of the job that teams write first: plain group-bys over one day's rows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

BACKLOG = "backlog_daily"
LATE = "resolved_at > sla_due_at"
HOURS = "(unix_seconds(resolved_at) - unix_seconds(created_at)) / 3600D"


def aggregates(rows: DataFrame) -> dict[str, DataFrame]:
    """Five tables with one row per day and group of what `rows` hold: what a row later becomes is never seen."""
    created = rows.withColumn("ops_date", F.col("created_date"))
    resolved = rows.where("resolved_date IS NOT NULL").withColumn("ops_date", F.col("resolved_date"))
    due = rows.withColumn("ops_date", F.col("sla_due_date"))
    return {
        "features_daily": created.groupBy("ops_date").agg(
            F.count("*").alias("total_tickets"),
            F.count("resolved_at").alias("resolved_tickets"),
            F.expr(f"avg({HOURS})").alias("avg_tat"),
        ),
        "ticket_flow_daily": created.groupBy("ops_date", "priority").agg(
            F.count("*").alias("opened"), F.expr("count_if(resolved_date = created_date)").alias("closed")
        ),
        "daily_agent_load": created.groupBy("ops_date", "agent_id").agg(
            F.count("*").alias("tickets_assigned"), F.expr(f"avg({HOURS})").alias("avg_resolution_hours")
        ),
        "sla_breaches_daily": due.groupBy("ops_date", "priority", "category").agg(
            F.count("*").alias("due"), F.expr(f"count_if({LATE})").alias("breached")
        ),
        "sla_outcomes_daily": resolved.groupBy("ops_date", "priority", "category").agg(
            F.count("*").alias("resolved"), F.expr(f"count_if({LATE})").alias("breached")
        ),
    }


def backlog(facts: DataFrame, day: str) -> DataFrame:
    """One row: what all facts say was open at the end of `day`, an ISO date."""
    until = f"DATE'{day}'"
    return facts.agg(
        F.expr(f"count_if(created_date <= {until})").alias("opened"),
        F.expr(f"count_if(resolved_date <= {until})").alias("closed"),
    ).selectExpr(f"{until} AS ops_date", "opened", "closed", "opened - closed AS backlog_size")


def prepare(silver: DataFrame, lake: str) -> None:
    """Give the job its tables, as if it had run for all of the history; its facts are Silver's rows."""
    for name, frame in aggregates(silver).items():
        frame.coalesce(1).write.format("delta").save(f"{lake}/naive/{name}")
    days = aggregates(silver)["features_daily"].selectExpr(
        "ops_date", "total_tickets AS opened", "resolved_tickets AS closed", "total_tickets AS backlog_size"
    )
    days.coalesce(1).write.format("delta").save(f"{lake}/naive/{BACKLOG}")

"""`backlog_daily` and `backlog_by_priority_daily`: what was open at each day's end.

Both read a table of a few rows a day and need it in date order, so they run in one partition: no exchange at all.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import Accepted, from_date, table
from spark_jobs.gold.measures import PRIORITIES, columns, literals, up_to
from spark_jobs.gold.running import running_balance

FLOW = {"ticket_flow_daily": ["ops_date"]}


@table(grain=["ops_date"], slices=from_date("ops_date", moved_by=FLOW))
def backlog_daily(ticket_flow_daily: DataFrame, *, horizon: date) -> DataFrame:
    """One row per calendar day from the first ticket to the horizon."""
    flows = (
        ticket_flow_daily.where(up_to("ops_date", horizon))
        .coalesce(1)
        .groupBy("ops_date")
        .agg(*columns("sum(opened) AS opened", "sum(closed) AS closed"))
    )
    return running_balance(flows, [], horizon=horizon).withColumnRenamed("balance", "backlog_size")


@table(
    grain=["ops_date", "priority"],
    slices=from_date("ops_date", moved_by=FLOW),
    checks=[Accepted("priority", PRIORITIES)],
)
def backlog_by_priority_daily(ticket_flow_daily: DataFrame, *, horizon: date) -> DataFrame:
    """One row per calendar day and priority, all four from the first ticket of any on."""
    flows = (
        ticket_flow_daily.where(up_to("ops_date", horizon))
        .coalesce(1)
        .selectExpr("*", f"explode({literals(PRIORITIES)}) AS level")
        .groupBy("ops_date", F.col("level").alias("priority"))
        .agg(
            *columns(
                "sum(if(priority = level, opened, 0L)) AS opened",
                "sum(if(priority = level, closed, 0L)) AS closed",
            )
        )
    )
    return running_balance(flows, ["priority"], horizon=horizon).withColumnRenamed("balance", "backlog_size")

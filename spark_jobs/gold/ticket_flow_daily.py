"""`ticket_flow_daily`: tickets created and tickets resolved on a day, by priority."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.gold import Accepted, by_date, table
from spark_jobs.gold.measures import PRIORITIES, columns, up_to


@table(
    grain=["ops_date", "priority"],
    slices=by_date(
        "ops_date",
        moved_by={"tickets": ["created_date", "resolved_date"]},
        reads={"tickets": ["priority", "created_date", "resolved_date"]},
    ),
    checks=[Accepted("priority", PRIORITIES)],
)
def ticket_flow_daily(tickets: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day and priority with something opened or closed; each ticket is two events, read in one scan."""
    events = tickets.selectExpr("priority", "posexplode(array(created_date, resolved_date)) AS (closing, ops_date)")
    return (
        events.where(up_to("ops_date", horizon))
        .groupBy("ops_date", "priority")
        .agg(*columns("sum(1 - closing) AS opened", "sum(closing) AS closed"))
    )

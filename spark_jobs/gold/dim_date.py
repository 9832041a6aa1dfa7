"""`dim_date`: the calendar of complaints."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.gold import from_date, table
from spark_jobs.gold.measures import day, up_to


@table(grain=["ops_date"], slices=from_date("ops_date", moved_by={"complaint_flow_daily": ["ops_date"]}))
def dim_date(complaint_flow_daily: DataFrame, *, horizon: date) -> DataFrame:
    """One row per day from the first complaint to the horizon, weeks by ISO 8601."""
    first = complaint_flow_daily.where(up_to("ops_date", horizon)).coalesce(1).agg({"ops_date": "min"}).toDF("first")
    days = first.selectExpr(f"explode(sequence(first, {day(horizon)})) AS ops_date")
    return days.selectExpr(
        "ops_date",
        "CAST(extract(YEAROFWEEK FROM ops_date) AS INT) AS iso_year",
        "weekofyear(ops_date) AS iso_week",
        "year(ops_date) AS year",
        "quarter(ops_date) AS quarter",
        "month(ops_date) AS month",
        "weekday(ops_date) + 1 AS day_of_week",
        "weekday(ops_date) >= 5 AS is_weekend",
    )

"""`agent_activity_weekly`: each extension's ISO week in one row."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import columns, hours, up_to

WEEK = "CAST(date_trunc('WEEK', ops_date) AS DATE) AS week_start"


@table(
    grain=["extension", "week_start"],
    slices=by_date(
        "week_start",
        moved_by={"agent_activity_intervals": ["ops_date"], "agent_events": ["ops_date"]},
        period="week",
    ),
)
def agent_activity_weekly(agent_activity_intervals: DataFrame, agent_events: DataFrame, *, horizon: date) -> DataFrame:
    """One row per extension and week, by its Monday, with an event or productive time; the last week up to the horizon.

    An active day is one with productive time. Intervals and events are stacked and summed in one group-by.
    """
    no_instant, no_seconds = "CAST(NULL AS TIMESTAMP) AS done_on", "0L AS productive_seconds"
    intervals = agent_activity_intervals.selectExpr("extension", "ops_date", "productive_seconds", no_instant)
    events = agent_events.selectExpr("extension", "ops_date", no_seconds, "done_on")
    days = (
        intervals.unionAll(events)
        .where(up_to("ops_date", horizon))
        .groupBy("extension", "ops_date")
        .agg(
            *columns(
                "sum(productive_seconds) AS seconds",
                "min(done_on) AS first_event",
                "max(done_on) AS last_event",
            )
        )
    )
    weeks = days.groupBy("extension", F.expr(WEEK)).agg(
        *columns(
            "sum(seconds) AS seconds",
            "count_if(seconds > 0) AS active_days",
            "min(first_event) AS first_event",
            "max(last_event) AS last_event",
        )
    )
    return weeks.selectExpr(
        "extension",
        "week_start",
        "CAST(extract(YEAROFWEEK FROM week_start) AS INT) AS iso_year",
        "weekofyear(week_start) AS iso_week",
        f"{hours('seconds')} AS productive_hours",
        "active_days",
        f"{hours('seconds', 'nullif(active_days, 0L)')} AS avg_hours_per_active_day",
        "first_event",
        "last_event",
    )

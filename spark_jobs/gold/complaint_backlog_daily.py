"""`complaint_flow_daily` and `complaint_backlog_daily`: complaints made, resolved and open by day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.gold import Accepted, by_date, from_date, table
from spark_jobs.gold.complaints import CHANNELS, REQUESTED_OR_RESOLVED, on_every_channel
from spark_jobs.gold.measures import columns, ratio, up_to
from spark_jobs.gold.running import running_balance

GRAIN = ("ops_date", "category", "channel")


@table(
    grain=GRAIN,
    nullable=["category"],
    slices=by_date("ops_date", moved_by=REQUESTED_OR_RESOLVED),
    checks=[Accepted("channel", CHANNELS)],
)
def complaint_flow_daily(
    call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, *, horizon: date, zone: str
) -> DataFrame:
    """One row per day, category and channel with something opened or resolved; `in_backlog` are opened ones.

    Each complaint is two events, read in one scan.
    """
    events = on_every_channel(call_logs, web_complaints, social_complaints, zone).selectExpr(
        "category", "channel", "status", "posexplode(array(request_date, resolved_date)) AS (resolving, ops_date)"
    )
    return (
        events.where(up_to("ops_date", horizon))
        .groupBy(*GRAIN)
        .agg(
            *columns(
                "sum(1 - resolving) AS opened",
                "sum(resolving) AS resolved",
                "count_if(resolving = 0 AND status = 'Backlog') AS in_backlog",
            )
        )
    )


@table(
    grain=GRAIN,
    nullable=["category"],
    slices=from_date("ops_date", moved_by={"complaint_flow_daily": ["ops_date"]}),
    checks=[Accepted("channel", CHANNELS)],
)
def complaint_backlog_daily(complaint_flow_daily: DataFrame, *, horizon: date) -> DataFrame:
    """One row per category, channel and calendar day from their first complaint to the horizon.

    `backlog` is what is open at the day's end; `backlog_rate` is of the complaints made on the day, null without any.
    """
    flows = complaint_flow_daily.where(up_to("ops_date", horizon)).coalesce(1).withColumnRenamed("resolved", "closed")
    days = running_balance(flows, ["category", "channel"], horizon=horizon, also=["in_backlog"])
    return days.selectExpr(
        *GRAIN,
        "opened",
        "closed AS resolved",
        "balance AS backlog",
        f"{ratio('in_backlog', 'opened')} AS backlog_rate",
    )

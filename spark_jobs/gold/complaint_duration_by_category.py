"""`complaint_duration_by_category`: how long complaints took, and how long people talked about them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.complaints import REQUESTED, on_every_channel
from spark_jobs.gold.measures import columns, hours, ratio, seconds_between, up_to

OPEN = seconds_between("requested_at", "resolved_at")
CALL = "if(channel = 'Call', duration_seconds, NULL)"


@table(grain=["ops_date", "category"], nullable=["category"], slices=by_date("ops_date", moved_by=REQUESTED))
def complaint_duration_by_category(
    call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, *, horizon: date, zone: str
) -> DataFrame:
    """One row per day and category with complaints made that day, as Silver knows them now.

    Means and interpolated percentiles are null where nothing is resolved, or where nobody called.
    """
    measured = (
        on_every_channel(call_logs, web_complaints, social_complaints, zone)
        .where(up_to("request_date", horizon))
        .groupBy(F.col("request_date").alias("ops_date"), "category")
        .agg(
            *columns(
                "count(*) AS complaints",
                "count(resolved_at) AS resolved",
                f"sum({OPEN}) AS open_seconds",
                f"percentile({OPEN}, 0.9D) AS open_p90",
                f"count({CALL}) AS calls",
                f"sum({CALL}) AS call_seconds",
                f"percentile({CALL}, 0.9D) AS call_p90",
            )
        )
    )
    return measured.selectExpr(
        "ops_date",
        "category",
        "complaints",
        "resolved",
        f"{hours('open_seconds', 'resolved')} AS avg_resolution_hours",
        f"{_tenths('open_p90', 3600)} AS p90_resolution_hours",
        "calls",
        f"{ratio('call_seconds', '60L * calls')} AS avg_call_minutes",
        f"{_tenths('call_p90', 60)} AS p90_call_minutes",
    )


def _tenths(percentile: str, seconds: int) -> str:
    """Spark interpolates in doubles; between whole seconds this percentile lies on tenths, so tenths are exact."""
    return ratio(f"round(10 * {percentile})", str(10 * seconds))

"""`channel_hopping_customers`: who tried another channel for the same thing."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_key, table
from spark_jobs.gold.complaints import BY_DATASET, on_every_channel
from spark_jobs.gold.measures import columns

HOURS_APART = 168
BY_TIME = "OVER (PARTITION BY customer_id, category ORDER BY requested_at"


@table(
    grain=["customer_id", "category"],
    slices=by_key("customer_id", moved_by={dataset: ["customer_id"] for dataset in BY_DATASET}),
)
def channel_hopping_customers(
    call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, *, zone: str
) -> DataFrame:
    """One row per customer and category with a series of contacts over two channels or more.

    A series is of contacts of which each is at most 168 hours after the one before. All such series of a customer and
    category are one row: their channels in alphabetical order, their first and last contact, and how many contacts.
    Complaints without a category are in no series, nor are those of forgotten customers, who may be several.
    """
    contacts = on_every_channel(call_logs, web_complaints, social_complaints, zone)
    contacts = contacts.where("category IS NOT NULL AND customer_id <> 'forgotten'")
    followed = contacts.selectExpr(
        "customer_id",
        "category",
        "channel",
        "requested_at",
        f"coalesce(requested_at <= lag(requested_at) {BY_TIME}) + INTERVAL {HOURS_APART} HOURS, false) AS follows",
    )
    series = (
        followed.selectExpr("*", f"sum(if(follows, 0, 1)) {BY_TIME} RANGE UNBOUNDED PRECEDING) AS series")
        .groupBy("customer_id", "category", "series")
        .agg(
            *columns(
                "collect_set(channel) AS channels",
                "min(requested_at) AS first_contact",
                "max(requested_at) AS last_contact",
                "count(*) AS contacts",
            )
        )
        .where("size(channels) >= 2")
    )
    return series.groupBy("customer_id", "category").agg(
        F.expr("array_sort(array_distinct(flatten(collect_list(channels)))) AS channels"),
        *columns(
            "min(first_contact) AS first_contact", "max(last_contact) AS last_contact", "sum(contacts) AS contacts"
        ),
    )

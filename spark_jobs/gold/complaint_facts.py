"""One fact per complaint: of each channel with what only it has, and of all channels in one shape."""

from __future__ import annotations

from pyspark.sql import DataFrame

from spark_jobs.gold import Accepted, Check, NotNull, Relationship, Slices, by_key, table
from spark_jobs.gold.complaints import BY_DATASET, CHANNELS, KEYS, columns_of, on_every_channel
from spark_jobs.gold.measures import LINEAGE


def _checks(*datasets: str) -> tuple[Check, ...]:
    """What a user's contract may widen, it says itself: its statuses, and whether a customer is required."""
    statuses = dict.fromkeys(datasets, "resolution_status")
    return (
        NotNull("status", by=statuses),
        Accepted("status", by=statuses),
        NotNull("customer_id", by=dict.fromkeys(datasets, "customer_id")),
        Relationship("customer_id", "dim_customers", "customer_id"),
        NotNull("agent_id"),
        Relationship("agent_id", "dim_complaint_agents", "agent_id"),
        Relationship("category", "dim_complaint_categories", "category"),
    )


def _of(dataset: str) -> Slices:
    return by_key(BY_DATASET[dataset].key, moved_by={dataset: KEYS[dataset]}, bounded_by="request_date")


@table(grain=["call_id"], slices=_of("call_logs"), checks=_checks("call_logs"))
def fct_call_complaints(call_logs: DataFrame, *, zone: str) -> DataFrame:
    """One row per complaint by telephone; a call without an end has no duration."""
    return _fact(call_logs, "call_logs", zone)


@table(grain=["request_id"], slices=_of("web_complaints"), checks=_checks("web_complaints"))
def fct_web_complaints(web_complaints: DataFrame, *, zone: str) -> DataFrame:
    """One row per complaint by web form."""
    return _fact(web_complaints, "web_complaints", zone)


@table(grain=["complaint_id"], slices=_of("social_complaints"), checks=_checks("social_complaints"))
def fct_social_complaints(social_complaints: DataFrame, *, zone: str) -> DataFrame:
    """One row per complaint on social media, with the medium."""
    return _fact(social_complaints, "social_complaints", zone, "media_channel")


def _fact(silver: DataFrame, dataset: str, zone: str, *also: str) -> DataFrame:
    channel = BY_DATASET[dataset]
    shared = [f"{sql} AS {name}" for name, sql in columns_of(channel, zone).items()]
    return silver.selectExpr(channel.key, *also, *shared, f"{channel.generated_on} AS generated_date", *LINEAGE)


@table(
    grain=["complaint_pk"],
    slices=by_key("source_id", moved_by=KEYS, bounded_by="request_date"),
    checks=[NotNull("channel"), Accepted("channel", CHANNELS), *_checks(*BY_DATASET)],
)
def fct_unified_complaints(
    call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, *, zone: str
) -> DataFrame:
    """One row per complaint of any channel; channels may use the same source id."""
    complaints = on_every_channel(call_logs, web_complaints, social_complaints, zone, *LINEAGE)
    return complaints.selectExpr("sha2(concat_ws(char(31), channel, source_id), 256) AS complaint_pk", "*")

"""Complaints of every channel in one shape, from the Silver tables that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from spark_jobs.gold.measures import UNASSIGNED, hours, seconds_between


@dataclass(frozen=True)
class Channel:
    """Where a channel's Silver table has what every complaint has; each is a column but the last two, which are SQL."""

    name: str
    key: str
    requested_at: str
    resolved_at: str
    resolved_on: str
    generated_on: str
    duration_seconds: str = "0L"
    media_channel: str = "CAST(NULL AS STRING)"


SOCIAL_TIMES = ("requested_at", "resolved_at", "resolution_date", "media_complaint_generation_date")
BY_DATASET: Mapping[str, Channel] = {
    "call_logs": Channel(
        "Call",
        "call_id",
        "call_start_time",
        "call_end_time",
        "call_end_date",
        "call_logs_generation_date",
        duration_seconds="duration_seconds",
    ),
    "web_complaints": Channel(
        "Web", "request_id", "requested_at", "resolved_at", "resolution_date", "web_form_generation_date"
    ),
    "social_complaints": Channel("Social", "complaint_id", *SOCIAL_TIMES, media_channel="media_channel"),
}
CHANNELS = tuple(channel.name for channel in BY_DATASET.values())
KEYS = {dataset: [channel.key] for dataset, channel in BY_DATASET.items()}
REQUESTED = {dataset: ["request_date"] for dataset in BY_DATASET}
REQUESTED_OR_RESOLVED = {
    dataset: ["request_date", channel.resolved_on, "_logical_date"] for dataset, channel in BY_DATASET.items()
}
"""The days that a complaint is of: `resolved` says why the logical date is one."""


def resolved(channel: Channel, zone: str) -> tuple[str, str]:
    """When a complaint was resolved, and on which business day; null for one that isn't.

    A resolved one without a date counts at its logical date's end, or at once where it was requested after that. Dates
    of complaints that aren't resolved count for nothing.
    """
    end = f"to_utc_timestamp(CAST(date_add(_logical_date, 1) AS TIMESTAMP), '{zone}')"
    is_resolved = "resolution_status = 'Resolved'"
    return (
        f"if({is_resolved}, coalesce({channel.resolved_at}, greatest({channel.requested_at}, {end})), NULL)",
        f"if({is_resolved}, coalesce({channel.resolved_on}, greatest(request_date, _logical_date)), NULL)",
    )


def columns_of(channel: Channel, zone: str) -> dict[str, str]:
    """What every complaint has, by its name in Gold: SQL over the channel's Silver table."""
    resolved_at, resolved_date = resolved(channel, zone)
    return {
        "customer_id": "customer_id",
        "agent_id": f"coalesce(agent_id, '{UNASSIGNED}')",
        "category": "complaint_category",
        "status": "resolution_status",
        "requested_at": channel.requested_at,
        "resolved_at": resolved_at,
        "resolution_hours": hours(seconds_between(channel.requested_at, resolved_at)),
        "duration_seconds": channel.duration_seconds,
        "request_date": "request_date",
        "resolved_date": resolved_date,
    }


def on_every_channel(
    call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, zone: str, *also: str
) -> DataFrame:
    """One row per complaint: `channel`, `source_id`, `media_channel`, those of `columns_of`, and `also` of Silver."""
    frames = zip((call_logs, web_complaints, social_complaints), BY_DATASET.values(), strict=True)
    first, *rest = [
        frame.selectExpr(
            f"'{channel.name}' AS channel",
            f"{channel.key} AS source_id",
            f"{channel.media_channel} AS media_channel",
            *(f"{sql} AS {name}" for name, sql in columns_of(channel, zone).items()),
            *also,
        )
        for frame, channel in frames
    ]
    for frame in rest:
        first = first.unionAll(frame)
    return first

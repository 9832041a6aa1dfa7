"""Inline agent events to Silver frames."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame, SparkSession

from tests.gold.frames import typed

EVENT_TYPES = {
    "extension": "string",
    "done_on": "timestamp",
    "action": "string",
    "details": "string",
    "ops_date": "date",
    "action_rank": "int",
    "is_productive": "boolean",
}
ACTIONS = ("ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF")
Event = tuple[str | None, ...]


def event(at: str, action: str = "ONLINE", *, extension: str = "2001", details: str = "", zone: str = "UTC") -> Event:
    """A Silver event at a UTC instant; its business date is that of the zone."""
    day = datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    productive = action in ("ONLINE", "REMVCEON") or (action, details) == ("OFFLINE", "Backoffice")
    return (extension, at, action, details, str(day), str(ACTIONS.index(action) + 1), str(productive))


def events(spark: SparkSession, *rows: Event) -> DataFrame:
    """A Silver frame of agent events."""
    return typed(spark, EVENT_TYPES, list(rows))


def identity(spark: SparkSession, **extensions: str) -> DataFrame:
    """agent_identity with each agent's extension, and one agent without any."""
    rows: list[Event] = [("A999", None), *extensions.items()]
    return typed(spark, {"agent_id": "string", "extension": "string"}, rows)

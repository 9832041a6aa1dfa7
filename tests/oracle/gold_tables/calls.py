"""The Gold tables of calls, from Silver calls alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from tests.oracle.gold_tables.ticket import Row
from tests.oracle.values import half_up, percentile, ratio

K = TypeVar("K", bound=Hashable)
STATUSES = ("COMPLETED", "DROPPED", "FAILED")


@dataclass(frozen=True)
class Call:
    """What Gold wants to know of a call."""

    agent_id: int
    call_date: date
    status: str
    seconds: int


def calls_from(rows: Iterable[Mapping[str, Any]], horizon: date) -> list[Call]:
    """The calls up to the horizon; seconds are counted again from the instants."""
    return [
        Call(
            row["agent_id"],
            row["call_date"],
            row["call_status"],
            int((row["call_ended_at"] - row["call_started_at"]).total_seconds() // 1),
        )
        for row in rows
        if row["call_date"] <= horizon
    ]


def call_daily_summary(calls: list[Call]) -> Iterator[Row]:
    """One row per day with calls."""
    for day, found in grouped(calls, lambda call: call.call_date).items():
        yield {"call_date": day, **outcomes(found)}


def call_agent_performance(calls: list[Call]) -> Iterator[Row]:
    """One row per agent and day with calls."""
    for (agent, day), found in grouped(calls, lambda call: (call.agent_id, call.call_date)).items():
        yield {"agent_id": agent, "call_date": day, **outcomes(found)}


def call_duration_metrics(calls: list[Call]) -> Iterator[Row]:
    """One row per day with calls, about the completed ones."""
    for day, found in grouped(calls, lambda call: call.call_date).items():
        seconds = [call.seconds for call in found if call.status == "COMPLETED"]
        yield {
            "call_date": day,
            "avg_duration_seconds": ratio(sum(seconds), len(seconds)),
            "min_duration_seconds": min(seconds, default=None),
            "max_duration_seconds": max(seconds, default=None),
            "p50_duration_seconds": half_up(percentile(seconds, Fraction(1, 2))) if seconds else None,
            "p90_duration_seconds": half_up(percentile(seconds, Fraction(9, 10))) if seconds else None,
            "talk_seconds": sum(seconds),
        }


def outcomes(calls: list[Call]) -> Row:
    """How many calls there were, and how they ended."""
    counts = Counter(call.status for call in calls)
    completed, dropped, failed = (counts[status] for status in STATUSES)
    return {
        "total_calls": len(calls),
        "completed_calls": completed,
        "dropped_calls": dropped,
        "failed_calls": failed,
        "completion_rate": half_up(Fraction(100 * completed, len(calls)), 2),
    }


def grouped(calls: list[Call], key: Callable[[Call], K]) -> dict[K, list[Call]]:
    """The calls of each key."""
    groups: dict[K, list[Call]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return groups

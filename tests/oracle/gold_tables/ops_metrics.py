"""daily_ops_metrics: the day in one row, counted from the tickets themselves."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.oracle.gold_tables.cohort import MEDIAN, NINETIETH, percentile
from tests.oracle.gold_tables.ticket import Row, World, grouped, total_seconds
from tests.oracle.values import hours, ratio


def daily_ops_metrics(world: World) -> Iterator[Row]:
    """One row per calendar day from the first ticket to the horizon; what has nothing to average is null."""
    created = grouped(world.created(), lambda t: t.created_date)
    resolved = grouped(world.resolved(), lambda t: t.resolved_date)
    due = grouped(world.due(), lambda t: t.due_date)
    backlog = 0
    for day in world.days():
        came, went, owed = created.get(day, []), resolved.get(day, []), due.get(day, [])
        backlog += len(came) - len(went)
        breached = sum(ticket.breached for ticket in owed)
        active = {ticket.agent_id for ticket in came + went} - {"-1"}
        yield {
            "ops_date": day,
            "created": len(came),
            "resolved": len(went),
            "backlog_size": backlog,
            "due": len(owed),
            "breached": breached,
            "breach_rate": ratio(breached, len(owed)),
            "avg_tat": ratio(Fraction(total_seconds(went), 3600), len(went)),
            "p50_tat": hours(percentile(went, MEDIAN)) if went else None,
            "p90_tat": hours(percentile(went, NINETIETH)) if went else None,
            "active_agents": len(active),
            "resolved_per_active_agent": ratio(len(went), len(active)),
        }

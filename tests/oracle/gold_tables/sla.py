"""sla_breaches_daily, by the day on which tickets were due, and sla_outcomes_daily, by the day they were resolved."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.oracle.gold_tables.ticket import Row, World, grouped
from tests.oracle.values import ratio, seconds_between


def sla_breaches_daily(world: World) -> Iterator[Row]:
    """One row per due date up to the horizon, priority and category (null is a category of its own)."""
    for (day, priority, category), tickets in grouped(
        world.due(), lambda t: (t.due_date, t.priority, t.category)
    ).items():
        breached = sum(ticket.breached for ticket in tickets)
        overruns = [
            seconds_between(ticket.due_at, ticket.resolved_at)
            for ticket in tickets
            if ticket.resolved_at is not None and ticket.resolved_late
        ]
        yield {
            "ops_date": day,
            "priority": priority,
            "category": category,
            "due": len(tickets),
            "breached": breached,
            "breach_rate": ratio(breached, len(tickets)),
            "avg_overrun_hours": ratio(Fraction(sum(overruns), 3600), len(overruns)),
        }


def sla_outcomes_daily(world: World) -> Iterator[Row]:
    """One row per resolved_date up to the horizon, priority and category."""
    for (day, priority, category), tickets in grouped(
        world.resolved(), lambda t: (t.resolved_date, t.priority, t.category)
    ).items():
        yield {
            "ops_date": day,
            "priority": priority,
            "category": category,
            "resolved": len(tickets),
            "breached": sum(ticket.resolved_late for ticket in tickets),
        }

"""ticket_sla_risk: how likely what is open at the horizon is to miss its time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.oracle.gold_tables.ticket import Row, World, grouped
from tests.oracle.values import end_of, half_up, hours, seconds_between

WEIGHT = 20


def ticket_sla_risk(world: World) -> Iterator[Row]:
    """One row per ticket created up to the horizon and not resolved up to it."""
    history = world.resolved()
    overall = Fraction(sum(t.resolved_late for t in history), len(history)) if history else Fraction(0)
    alike = {
        key: (sum(t.resolved_late for t in tickets), len(tickets))
        for key, tickets in grouped(history, lambda t: (t.priority, t.category)).items()
    }
    done = {ticket.ticket_id for ticket in history}
    for ticket in world.created():
        if ticket.ticket_id in done:
            continue
        breached, resolved = alike.get((ticket.priority, ticket.category), (0, 0))
        yield {
            "ticket_id": ticket.ticket_id,
            "agent_id": ticket.agent_id,
            "priority": ticket.priority,
            "category": ticket.category,
            "status": ticket.status,
            "created_at": ticket.created_at,
            "sla_due_at": ticket.due_at,
            "day_of_week": ticket.day_of_week,
            "hour_of_day": ticket.hour_of_day,
            "is_high_priority": ticket.is_high_priority,
            "hours_to_due": hours(seconds_between(end_of(world.horizon, world.zone), ticket.due_at)),
            "breach_probability": half_up((breached + WEIGHT * overall) / (resolved + WEIGHT)),
        }

"""fact_tickets: one row per ticket in Silver, whatever the horizon."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.gold_tables.ticket import Row, World
from tests.oracle.values import hours

LINEAGE = ("_version_at", "_source_file", "_row_number", "_logical_date")


def fact_tickets(world: World) -> Iterator[Row]:
    """Silver's columns, the flags, and of the lineage what doesn't depend on the run and is in the given rows."""
    for ticket in world.tickets:
        taken = hours(ticket.resolution_seconds) if ticket.resolution_seconds is not None else None
        yield {
            "ticket_id": ticket.ticket_id,
            "created_at": ticket.created_at,
            "resolved_at": ticket.resolved_at,
            "resolution_hours": taken,
            "sla_hours": ticket.sla_hours,
            "sla_breached_reported": ticket.row["sla_breached_reported"],
            "priority": ticket.priority,
            "category": ticket.category,
            "channel": ticket.row["channel"],
            "customer_tier": ticket.row["customer_tier"],
            "status": ticket.status,
            "agent_id": ticket.agent_id,
            "updated_at": ticket.row["updated_at"],
            "created_date": ticket.created_date,
            "resolved_date": ticket.resolved_date,
            "sla_due_at": ticket.due_at,
            "sla_due_date": ticket.due_date,
            "is_resolved": ticket.resolved_at is not None,
            "is_high_priority": ticket.is_high_priority,
            "is_long_resolution": taken is not None and taken > ticket.sla_hours,
            "day_of_week": ticket.day_of_week,
            "hour_of_day": ticket.hour_of_day,
            **{column: ticket.row[column] for column in LINEAGE if column in ticket.row},
        }

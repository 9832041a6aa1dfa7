"""features_daily and resolution_times_daily: what became of the tickets of one day, by creation and by resolution."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.oracle import values
from tests.oracle.gold_tables.ticket import Row, Ticket, World, grouped, total_seconds
from tests.oracle.values import hours, ratio

MEDIAN = Fraction(1, 2)
NINETIETH = Fraction(9, 10)


def features_daily(world: World) -> Iterator[Row]:
    """One row per created_date up to the horizon; resolved and open as Silver knows them now."""
    for day, tickets in grouped(world.created(), lambda t: t.created_date).items():
        resolved = [ticket for ticket in tickets if ticket.resolved_at is not None]
        yield {
            "ops_date": day,
            "total_tickets": len(tickets),
            "resolved_tickets": len(resolved),
            "open_tickets": len(tickets) - len(resolved),
            "avg_tat": ratio(Fraction(total_seconds(resolved), 3600), len(resolved)),
            "sla_breach_rate": ratio(sum(ticket.resolved_late for ticket in resolved), len(resolved)),
        }


def resolution_times_daily(world: World) -> Iterator[Row]:
    """One row per resolved_date up to the horizon."""
    for day, tickets in grouped(world.resolved(), lambda t: t.resolved_date).items():
        yield {
            "ops_date": day,
            "resolved": len(tickets),
            "resolution_seconds": total_seconds(tickets),
            "p50_tat": hours(percentile(tickets, MEDIAN)),
            "p90_tat": hours(percentile(tickets, NINETIETH)),
        }


def percentile(tickets: list[Ticket], share: Fraction) -> Fraction:
    """The exact percentile of resolved tickets' resolution seconds."""
    return values.percentile([ticket.resolution_seconds or 0 for ticket in tickets], share)

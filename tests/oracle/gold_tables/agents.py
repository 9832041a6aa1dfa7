"""dim_ticket_agents, daily_agent_load and agent_backlog_daily: who they are, what each got, finished, and had open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from tests.oracle.gold_tables.ticket import Row, Ticket, World, grouped, total_seconds
from tests.oracle.values import ratio

Key = tuple[date | None, str]


def created_by(ticket: Ticket) -> Key:
    """The day on which a ticket came, and its agent."""
    return ticket.created_date, ticket.agent_id


def resolved_by(ticket: Ticket) -> Key:
    """The day on which a ticket was finished, and its agent."""
    return ticket.resolved_date, ticket.agent_id


def dim_ticket_agents(world: World) -> Iterator[Row]:
    """The list, the unassigned one, and every agent of a ticket, whatever the horizon."""
    teams = {str(row["agent_id"]): (row["team"], row["tier"]) for row in world.agents} | {"-1": (None, None)}
    for agent in teams.keys() | {ticket.agent_id for ticket in world.tickets}:
        team, tier = teams.get(agent, (None, None))
        name = "Unassigned" if agent == "-1" else agent
        yield {"agent_id": agent, "name": name, "team": team, "tier": tier, "is_inferred": agent not in teams}


def daily_agent_load(world: World) -> Iterator[Row]:
    """One row per day up to the horizon and agent with a ticket created or resolved that day."""
    created = grouped(world.created(), created_by)
    resolved = grouped(world.resolved(), resolved_by)
    for key in created.keys() | resolved.keys():
        came, went = created.get(key, []), resolved.get(key, [])
        day, agent = key
        yield {
            "ops_date": day,
            "agent_id": agent,
            "tickets_assigned": len(came),
            "tickets_resolved": len(went),
            "avg_resolution_hours": ratio(Fraction(total_seconds(went), 3600), len(went)),
            "sla_breaches": sum(ticket.resolved_late for ticket in went),
            "open_tickets_from_day": sum(ticket.resolved_at is None for ticket in came),
        }


def agent_backlog_daily(world: World) -> Iterator[Row]:
    """One row per calendar day and agent with something open at the day's end or done that day."""
    created = Counter(created_by(ticket) for ticket in world.created())
    resolved = Counter(resolved_by(ticket) for ticket in world.resolved())
    open_now: Counter[str] = Counter()
    agents = {ticket.agent_id for ticket in world.tickets}
    for day in world.days():
        for agent in agents:
            came, went = created[day, agent], resolved[day, agent]
            open_now[agent] += came - went
            if came or went or open_now[agent]:
                yield {
                    "ops_date": day,
                    "agent_id": agent,
                    "tickets_assigned": came,
                    "tickets_resolved": went,
                    "open_tickets_at_close": open_now[agent],
                }

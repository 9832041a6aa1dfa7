"""ticket_flow_daily and the two backlogs: how many tickets came, went, and were left at each day's end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from tests.oracle.gold_tables.ticket import Row, Ticket, World
from tests.oracle.reasons import PRIORITIES

Key = tuple[date | None, str]


def opened_as(ticket: Ticket) -> Key:
    """The day on which a ticket came, and its priority."""
    return ticket.created_date, ticket.priority


def closed_as(ticket: Ticket) -> Key:
    """The day on which a ticket was finished, and its priority."""
    return ticket.resolved_date, ticket.priority


def ticket_flow_daily(world: World) -> Iterator[Row]:
    """One row per day up to the horizon and priority with something opened or closed."""
    opened = Counter(opened_as(ticket) for ticket in world.created())
    closed = Counter(closed_as(ticket) for ticket in world.resolved())
    for day, priority in opened.keys() | closed.keys():
        yield {
            "ops_date": day,
            "priority": priority,
            "opened": opened[day, priority],
            "closed": closed[day, priority],
        }


def backlog_daily(world: World) -> Iterator[Row]:
    """One row per calendar day from the first ticket to the horizon."""
    opened = Counter(ticket.created_date for ticket in world.created())
    closed = Counter(ticket.resolved_date for ticket in world.resolved())
    backlog = 0
    for day in world.days():
        backlog += opened[day] - closed[day]
        yield {"ops_date": day, "opened": opened[day], "closed": closed[day], "backlog_size": backlog}


def backlog_by_priority_daily(world: World) -> Iterator[Row]:
    """One row per calendar day and each of the four priorities."""
    opened = Counter(opened_as(ticket) for ticket in world.created())
    closed = Counter(closed_as(ticket) for ticket in world.resolved())
    for priority in PRIORITIES:
        backlog = 0
        for day in world.days():
            came, went = opened[day, priority], closed[day, priority]
            backlog += came - went
            yield {
                "ops_date": day,
                "priority": priority,
                "opened": came,
                "closed": went,
                "backlog_size": backlog,
            }

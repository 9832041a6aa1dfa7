"""A Silver ticket with what every Gold table wants to know about it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from tests.oracle.reasons import due_at
from tests.oracle.values import seconds_between

Row = dict[str, object]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Ticket:
    """One ticket; dates are business dates, `row` is the Silver row that it came from."""

    row: Mapping[str, object]
    ticket_id: str
    agent_id: str
    priority: str
    category: str | None
    status: str
    created_at: datetime
    created_date: date
    resolved_at: datetime | None
    resolved_date: date | None
    resolution_seconds: int | None
    sla_hours: Decimal
    due_at: datetime
    due_date: date
    day_of_week: int
    hour_of_day: int

    @property
    def resolved_late(self) -> bool:
        """Resolved, and after it was due."""
        return self.resolved_at is not None and self.resolved_at > self.due_at

    @property
    def breached(self) -> bool:
        """Not resolved by the time it was due."""
        return self.resolved_at is None or self.resolved_late

    @property
    def is_high_priority(self) -> bool:
        """High or Critical."""
        return self.priority in ("High", "Critical")


@dataclass(frozen=True)
class World:
    """All that a Gold table may depend on."""

    tickets: list[Ticket]
    horizon: date
    zone: ZoneInfo
    agents: Sequence[Mapping[str, object]] = ()

    def created(self) -> list[Ticket]:
        """Those created up to the horizon."""
        return [ticket for ticket in self.tickets if ticket.created_date <= self.horizon]

    def resolved(self) -> list[Ticket]:
        """Those resolved up to the horizon."""
        return [t for t in self.tickets if t.resolved_date is not None and t.resolved_date <= self.horizon]

    def due(self) -> list[Ticket]:
        """Those due up to the horizon."""
        return [ticket for ticket in self.tickets if ticket.due_date <= self.horizon]

    def days(self) -> list[date]:
        """Every calendar day from the first ticket's to the horizon."""
        first = min((ticket.created_date for ticket in self.created()), default=None)
        if first is None:
            return []
        return [first + timedelta(days=n) for n in range((self.horizon - first).days + 1)]


def grouped(tickets: Iterable[Ticket], key: Callable[[Ticket], K]) -> dict[K, list[Ticket]]:
    """The tickets of each key."""
    groups: dict[K, list[Ticket]] = {}
    for ticket in tickets:
        groups.setdefault(key(ticket), []).append(ticket)
    return groups


def total_seconds(tickets: Iterable[Ticket]) -> int:
    """The sum of the resolved ones' resolution in whole seconds."""
    return sum(ticket.resolution_seconds or 0 for ticket in tickets)


def ticket_from(row: Mapping[str, object], zone: ZoneInfo) -> Ticket:
    """The ticket of a Silver row, with everything derivable derived here."""
    created = _instant(row["created_at"])
    resolved = _instant(row["resolved_at"]) if row["resolved_at"] is not None else None
    sla_hours = Decimal(str(row["sla_hours"]))
    due = due_at(created, sla_hours)
    local = created.astimezone(zone)
    category = row["category"]
    return Ticket(
        row=row,
        ticket_id=str(row["ticket_id"]),
        agent_id=str(row["agent_id"]),
        priority=str(row["priority"]),
        category=None if category is None else str(category),
        status=str(row["status"]),
        created_at=created,
        created_date=local.date(),
        resolved_at=resolved,
        resolved_date=resolved.astimezone(zone).date() if resolved else None,
        resolution_seconds=seconds_between(created, resolved) if resolved else None,
        sla_hours=sla_hours,
        due_at=due,
        due_date=due.astimezone(zone).date(),
        day_of_week=local.isoweekday(),
        hour_of_day=local.hour,
    )


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"an instant was expected, {value!r} found")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

"""One record of the feed as a ticket, or every reason why it can't be one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.judging import Dataset, Judgement, Rules
from tests.oracle.model import SilverTicket
from tests.oracle.values import (
    boolean,
    end_of,
    enumerated,
    hours,
    hours_of_sla,
    instant,
    seconds_between,
    start_of,
    text_or_none,
)

COLUMNS = (
    "ticket_id",
    "created_at",
    "resolved_at",
    "resolution_hours",
    "sla_hours",
    "sla_breached",
    "priority",
    "category",
    "channel",
    "customer_tier",
    "status",
    "agent_id",
    "updated_at",
)
REQUIRED = ("ticket_id", "created_at", "sla_hours", "priority", "status")
PRIORITIES = ("Low", "Medium", "High", "Critical")
FINISHED = ("Resolved", "Closed")
STATUSES = ("Open", "In Progress", "Pending", *FINISHED)
EARLIEST_DATE = date(2000, 1, 1)


@dataclass(frozen=True)
class Moment:
    """A cell that should be an instant: absent, unreadable, or read."""

    text: str | None
    at: datetime | None

    @property
    def unreadable(self) -> bool:
        """Something was delivered that is no instant."""
        return self.text is not None and self.at is None


@dataclass(frozen=True)
class Candidate:
    """A well-formed record with the values that could be read."""

    cells: dict[str, str]
    ticket_id: str | None
    created: Moment
    resolved: Moment
    updated: Moment
    sla_hours: Decimal | None
    priority: str | None
    status: str | None


def read_candidate(cells: dict[str, str], source_zone: ZoneInfo) -> Candidate:
    """The record's values, each read by itself."""

    def moment(column: str) -> Moment:
        text = text_or_none(cells.get(column))
        return Moment(text, instant(text, source_zone) if text is not None else None)

    return Candidate(
        cells=cells,
        ticket_id=text_or_none(cells.get("ticket_id")),
        created=moment("created_at"),
        resolved=moment("resolved_at"),
        updated=moment("updated_at"),
        sla_hours=hours_of_sla(cells.get("sla_hours")),
        priority=enumerated(cells.get("priority"), PRIORITIES),
        status=enumerated(cells.get("status"), STATUSES),
    )


def reasons_against(candidate: Candidate, logical_date: date, zone: ZoneInfo) -> tuple[str, ...]:
    """Every reason that applies: the ones about versions first, then the ticket's in the specification's order."""
    latest = end_of(logical_date, zone) + timedelta(days=1)
    return (
        *_about_version(candidate, latest),
        *_about_creation(candidate, latest, zone),
        *_about_resolution(candidate, latest),
        *_about_values(candidate),
    )


def _about_version(candidate: Candidate, latest: datetime) -> Iterator[str]:
    if candidate.updated.unreadable:
        yield "invalid_version"
    if candidate.updated.at is not None and candidate.updated.at > latest:
        yield "version_in_future"


def _about_creation(candidate: Candidate, latest: datetime, zone: ZoneInfo) -> Iterator[str]:
    created = candidate.created
    if candidate.ticket_id is None:
        yield "missing_ticket_id"
    if created.text is None:
        yield "missing_created_at"
    if created.unreadable:
        yield "invalid_created_at"
    if created.at is not None and created.at < start_of(EARLIEST_DATE, zone):
        yield "implausible_date"
    if created.at is not None and created.at > latest:
        yield "created_in_future"


def _about_resolution(candidate: Candidate, latest: datetime) -> Iterator[str]:
    """An unreadable resolved_at has its own reason only: whether there is a resolution can't be said then."""
    created, resolved, status = candidate.created, candidate.resolved, candidate.status
    if resolved.at is not None and resolved.at > latest:
        yield "resolved_in_future"
    if resolved.unreadable:
        yield "invalid_resolved_at"
    if created.at is not None and resolved.at is not None and resolved.at < created.at:
        yield "resolved_before_created"
    if status in FINISHED and resolved.text is None:
        yield "resolved_without_timestamp"
    if status is not None and status not in FINISHED and resolved.at is not None:
        yield "timestamp_without_resolution"


def _about_values(candidate: Candidate) -> Iterator[str]:
    if candidate.sla_hours is None:
        yield "invalid_sla_hours"
    if candidate.priority is None:
        yield "unknown_priority"
    if candidate.status is None:
        yield "unknown_status"


def ticket_of(candidate: Candidate, zone: ZoneInfo) -> SilverTicket:
    """Silver's content of a candidate against which there is no reason."""
    created, resolved = candidate.created.at, candidate.resolved.at
    if not (candidate.ticket_id and created and candidate.sla_hours and candidate.priority and candidate.status):
        raise ValueError(f"there are reasons against {candidate!r}")
    due = due_at(created, candidate.sla_hours)
    return SilverTicket(
        ticket_id=candidate.ticket_id,
        created_at=created,
        resolved_at=resolved,
        resolution_hours=hours(seconds_between(created, resolved)) if resolved else None,
        sla_hours=candidate.sla_hours,
        sla_breached_reported=boolean(candidate.cells.get("sla_breached")),
        priority=candidate.priority,
        category=text_or_none(candidate.cells.get("category")),
        channel=text_or_none(candidate.cells.get("channel")),
        customer_tier=text_or_none(candidate.cells.get("customer_tier")),
        status=candidate.status,
        agent_id=text_or_none(candidate.cells.get("agent_id")) or "-1",
        updated_at=candidate.updated.at,
        created_date=created.astimezone(zone).date(),
        resolved_date=resolved.astimezone(zone).date() if resolved else None,
        sla_due_at=due,
        sla_due_date=due.astimezone(zone).date(),
    )


def due_at(created_at: datetime, sla_hours: Decimal) -> datetime:
    """created_at + sla_hours; a hundredth of an hour is 36 whole seconds, so nothing is rounded."""
    return created_at + timedelta(seconds=int(sla_hours * 3600))


def judge(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A ticket's record; its version is told by updated_at where it has one."""
    candidate = read_candidate(cells, rules.source_zone)
    reasons = reasons_against(candidate, logical_date, rules.zone)
    ticket = None if reasons else ticket_of(candidate, rules.zone)
    return Judgement(reasons, candidate.ticket_id, ticket, candidate.updated.at)


TICKETS = Dataset("tickets", COLUMNS, REQUIRED, judge)

"""What goes into the independent calculation and what comes out of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LandedDelivery:
    """One content of one dataset's source for one logical date, in a file of its own.

    A corrected delivery is a second object with the same `logical_date` and another `path`: keep a copy of each.
    `source_file` is what lineage calls the file, `path` by default. `modified` orders two deliveries of one day; give
    it for all deliveries or for none, in which case the place in the list stands for it.
    """

    dataset: str
    logical_date: date
    path: Path
    source_file: str | None = None
    modified: datetime | None = None

    @property
    def file(self) -> str:
        """The name of the file in lineage."""
        return self.source_file if self.source_file is not None else str(self.path)


@dataclass(frozen=True)
class SilverTicket:
    """The content of one ticket in Silver, in Silver's column order, without lineage; instants are aware and in UTC."""

    ticket_id: str
    created_at: datetime
    resolved_at: datetime | None
    resolution_hours: Decimal | None
    sla_hours: Decimal
    sla_breached_reported: bool | None
    priority: str
    category: str | None
    channel: str | None
    customer_tier: str | None
    status: str
    agent_id: str
    updated_at: datetime | None
    created_date: date
    resolved_date: date | None
    sla_due_at: datetime
    sla_due_date: date


@dataclass(frozen=True)
class SilverCall:
    """The content of one call in Silver, in Silver's column order, without lineage; instants are aware and in UTC."""

    call_id: int
    caller_id: int
    agent_id: int
    call_start_time: str
    call_end_time: str
    call_status: str
    call_date: date
    call_started_at: datetime
    call_ended_at: datetime
    duration_seconds: int


@dataclass(frozen=True)
class SilverEvent:
    """The content of one agent event in Silver, likewise."""

    extension: str
    done_on: datetime
    action: str
    details: str
    ops_date: date
    action_rank: int
    is_productive: bool


@dataclass(frozen=True)
class SilverIdentity:
    """The content of one row of agent_identity in Silver, likewise."""

    agent_id: str
    extension: str | None
    call_agent_id: int | None
    complaint_agent_id: str | None
    assignee: str | None


@dataclass(frozen=True, order=True)
class Version:
    """The order of versions: rule 5 of the specification, field by field."""

    version_at: datetime
    logical_date: date
    modified: datetime
    source_file: str
    row_number: int


@dataclass(frozen=True)
class SilverRow:
    """A row's content, a dataclass with Silver's columns in order, and the version that wrote it."""

    content: Any
    version: Version

    def as_row(self) -> dict[str, object]:
        """Silver's columns with the lineage that doesn't depend on the run."""
        return {
            **asdict(self.content),
            "_version_at": self.version.version_at,
            "_source_file": self.version.source_file,
            "_row_number": self.version.row_number,
            "_logical_date": self.version.logical_date,
        }


@dataclass(frozen=True)
class Figures:
    """The classes of one day's last delivery, in records; `absent` and `deleted` count keys, outside the sum."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicates: int = 0
    rejected: int = 0
    absent: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class HeldBack:
    """Why a day's last delivery didn't reach Silver."""

    reason: str
    read: int = 0
    rejected: int = 0


@dataclass(frozen=True, order=True)
class Reject:
    """One record on the exception path and every reason for it."""

    logical_date: date
    file: str
    row_number: int
    reasons: tuple[str, ...]


@dataclass
class LakeTruth:
    """What the lake must hold after a series of deliveries.

    `figures` has the days whose last delivery is in Silver, `held_back` those whose last delivery isn't. `rejects` and
    `duplicates` are those of the last delivery of each day, sorted. `accepted_days` are the days of which any delivery
    is in Silver.
    """

    figures: dict[date, Figures] = field(default_factory=dict)
    held_back: dict[date, HeldBack] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    duplicates: list[Reject] = field(default_factory=list)
    silver: dict[Any, SilverRow] = field(default_factory=dict)
    accepted_days: set[date] = field(default_factory=set)

    @property
    def horizon(self) -> date:
        """The latest logical date whose delivery is in Silver; ValueError when there is none."""
        return max(self.accepted_days)

    def silver_rows(self) -> list[dict[str, object]]:
        """Silver as rows, sorted by key."""
        return [self.silver[key].as_row() for key in sorted(self.silver)]

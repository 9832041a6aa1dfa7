"""The ledger of days: one row per dataset and logical date, which says how far its ingestion has come."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from state.landing import Delivery
from state.tables import CLASSES, INGESTION_STATE, Confirm, literal, open_table, read_rows, replace_rows


class Status(StrEnum):
    """How far a day has come."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Figures:
    """Records of a day by class; `absent` and `deleted` count keys of Silver, not records that were read."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicates: int = 0
    rejected: int = 0
    absent: int = 0
    deleted: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether every record that was read is in exactly one class."""
        classes = (self.inserted, self.updated, self.unchanged, self.stale, self.duplicates, self.rejected)
        return self.read == sum(classes)

    def to_json(self) -> dict[str, Any]:
        """The figures as a dict of plain JSON values."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"warnings": dict(self.warnings)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Figures:
        """The figures that `to_json` gave; a missing one is 0."""
        return cls(**values)


@dataclass(frozen=True)
class DayState:
    """What the ledger knows of one dataset and logical date."""

    dataset: str
    logical_date: date
    status: Status
    attempt: int = 0
    run_id: str = ""
    figures: Figures | None = None
    deliveries: tuple[Delivery, ...] = ()  # the current ones
    loaded: tuple[str, ...] = ()  # ids of all deliveries of the day that ever reached Silver, superseded ones too
    silver_version: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    ingestion_timestamp: datetime | None = None
    error_class: str | None = None
    error_message: str | None = None
    accepted_rejects: bool = False
    gold_pending: bool = False
    replayed: tuple[str, ...] = ()  # ids of deliveries of corrected rows of the day; none is the day's own delivery

    @property
    def all_deliveries(self) -> tuple[str, ...]:
        """Ids of all deliveries that Silver follows from: the day's own, then those of corrected rows."""
        return (*self.loaded, *self.replayed)


class Standing(NamedTuple):
    """How a dataset's day stands, and no more."""

    dataset: str
    logical_date: date
    status: Status
    attempt: int
    error_class: str | None


class Ledger:
    """The table `<lake>/state/ingestion_state`; `root` is the lake's root URI; `confirm` may stop a put by raising."""

    def __init__(self, root: str, confirm: Confirm | None = None) -> None:
        self.root, self._confirm = root, confirm

    @property
    def version(self) -> int | None:
        """The table's version, None before the first `put`."""
        handle = open_table(self.root, INGESTION_STATE)
        return None if handle is None else handle.version()

    def days(
        self,
        dataset: str | None = None,
        start: date | None = None,
        end: date | None = None,
        statuses: Iterable[Status] | None = None,
    ) -> list[DayState]:
        """The days asked for (both ends included), ordered by logical date and dataset; creates nothing."""
        handle = open_table(self.root, INGESTION_STATE)
        if handle is None:
            return []
        conditions = ["TRUE"]
        if dataset is not None:
            conditions.append(f"dataset = {literal(dataset)}")
        if start is not None:
            conditions.append(f"logical_date >= {literal(start)}")
        if end is not None:
            conditions.append(f"logical_date <= {literal(end)}")
        if statuses is not None:
            conditions.append(f"status IN ({', '.join(literal(s) for s in statuses) or 'NULL'})")
        rows = read_rows(handle, INGESTION_STATE, " AND ".join(conditions), "ORDER BY logical_date, dataset")
        return [_day(row) for row in rows]

    def since(self, starts: Mapping[str, date]) -> list[DayState]:
        """The days of each dataset from its date on, in one look at the table; in the order of `days`."""
        handle = open_table(self.root, INGESTION_STATE) if starts else None
        if handle is None:
            return []
        wanted = " OR ".join(
            f"(dataset = {literal(dataset)} AND logical_date >= {literal(start)})" for dataset, start in starts.items()
        )
        return [_day(row) for row in read_rows(handle, INGESTION_STATE, wanted, "ORDER BY logical_date, dataset")]

    def outline(self, dataset: str | None = None) -> list[Standing]:
        """How every day stands, ordered by logical date and dataset: a fraction of the time that `days` takes."""
        handle = open_table(self.root, INGESTION_STATE)
        if handle is None:
            return []
        condition = "TRUE" if dataset is None else f"dataset = {literal(dataset)}"
        rows = read_rows(handle, INGESTION_STATE, condition, "ORDER BY logical_date, dataset", Standing._fields)
        return [
            Standing(r["dataset"], r["logical_date"], Status(r["status"]), r["attempt"] or 0, r["error_class"])
            for r in rows
        ]

    def put(self, *days: DayState) -> None:
        """Writes the days in one commit, each in the place of what the ledger had of it; of equal keys the last."""
        latest = {(d.dataset, d.logical_date): d for d in days}
        if not latest:
            return
        dates: dict[str, list[date]] = defaultdict(list)
        for dataset, logical_date in latest:
            dates[dataset].append(logical_date)
        predicate = " OR ".join(
            f"(dataset = {literal(dataset)} AND logical_date IN ({', '.join(map(literal, of_dataset))}))"
            for dataset, of_dataset in dates.items()
        )
        rows = [_row(day) for day in latest.values()]
        replace_rows(self.root, INGESTION_STATE, rows, predicate, self._confirm)


SAME_IN_BOTH = (
    "dataset",
    "logical_date",
    "attempt",
    "run_id",
    "deliveries",
    "silver_version",
    "started_at",
    "finished_at",
    "ingestion_timestamp",
    "error_class",
    "error_message",
    "accepted_rejects",
    "gold_pending",
)


def _row(day: DayState) -> dict[str, Any]:
    figures = day.figures
    counts = {f"rows_{name}": None if figures is None else getattr(figures, name) for name in ("read", *CLASSES)}
    return {
        **{name: getattr(day, name) for name in SAME_IN_BOTH},
        **counts,
        "deliveries": [vars(delivery) for delivery in day.deliveries],
        "status": str(day.status),
        "rows_ingested": None if figures is None else figures.inserted + figures.updated,
        "warnings": None if figures is None else json.dumps(dict(figures.warnings), sort_keys=True),
        "loaded": day.loaded,
        "replayed": day.replayed,
        "tokens": [d.token for d in day.deliveries],
        "duration_seconds": seconds_between(day.started_at, day.finished_at),
    }


def _day(row: Mapping[str, Any]) -> DayState:
    figures = None
    if row["rows_read"] is not None:
        counts = {name: row[f"rows_{name}"] for name in ("read", *CLASSES)}
        figures = Figures(**counts, warnings=json.loads(row["warnings"] or "{}"))
    values = {name: row[name] for name in SAME_IN_BOTH}
    found = row["deliveries"] or ()
    tokens = row["tokens"] or [""] * len(found)
    values["deliveries"] = tuple(Delivery(**one, token=token) for one, token in zip(found, tokens, strict=True))
    values |= {name: tuple(row[name] or ()) for name in ("loaded", "replayed")}
    return DayState(**values, status=Status(row["status"]), figures=figures)


def seconds_between(started: datetime | None, finished: datetime | None) -> float | None:
    """The time from one instant to the other, None while one of them is unknown."""
    return None if started is None or finished is None else (finished - started).total_seconds()

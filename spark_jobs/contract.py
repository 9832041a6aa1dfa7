"""A dataset's contract: what arrives, what is refused and why, and what Silver keeps.

This file is the model; contracts/<dataset>.odcs.yaml are the built-in contracts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal


@dataclass(frozen=True)
class Column:
    """A Silver column and the way to it from the delivered text."""

    name: str
    type: str  # a Spark SQL type: string, timestamp, date, boolean, int, bigint, double, decimal(p,s)
    sources: tuple[str, ...] = ()  # Bronze columns it reads; empty for a constant or a derived column
    transform: str | None = None  # Spark SQL over `sources` (delivered) or over Silver columns (derived); None: the one source
    derived: bool = False  # computed from other Silver columns, after they are typed
    stored: bool = True  # False: typed for the rules only, not kept in Silver
    required: bool = False  # null is a reject reason, an absent source column fails the dataset
    accepted: tuple[str, ...] = ()  # compared without case, stored in this spelling
    pattern: str | None = None  # the whole text must match (Java regular expression)
    minimum: Decimal | None = None
    exclusive_minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_maximum: Decimal | None = None
    formats: tuple[str, ...] = ()  # Spark datetime patterns tried in order; "ISO8601" is ISO 8601
    default: str | None = None  # what a null becomes in Silver
    on_invalid: Literal["reject", "warn"] = "reject"
    missing_reason: str = ""  # missing_<name>
    invalid_reason: str = ""  # invalid_<name>
    unknown_reason: str = ""  # unknown_<name>
    classification: str | None = None
    description: str = ""


@dataclass(frozen=True)
class RowRule:
    """A Spark SQL expression over Silver columns that must hold; null holds. `name` is the reject reason."""

    name: str
    expression: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True)
class Contract:
    """What one dataset is: where it lies, how it reads, its columns, rules and service levels."""

    dataset: str
    version: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[RowRule, ...] = ()
    origin: str = ""  # the file that it was read from
    format: Literal["csv", "json"] = "csv"
    path: str = ""  # below the landing root, with %Y %m %d, e.g. tickets/%Y/%m/%Y-%m-%d.csv ; may hold * and end in .gz
    options: dict[str, Any] = field(default_factory=dict)  # of the source: delimiter, encoding, quote, layout …
    null_tokens: tuple[str, ...] = ()  # compared without case, after trimming
    zone: str = "UTC"  # of instants without an offset
    ordering: str | None = None  # the Silver column that orders versions of a key
    event_date: str | None = None  # the Silver date column that year and month come from; None: unpartitioned
    load_mode: Literal["merge", "replace"] = "merge"
    max_reject_ratio: Decimal = Decimal("0.1")
    drift: Literal["report", "fail"] = "report"
    starts_on: date | None = None
    missing_days: Literal["fail", "skip"] = "fail"
    allow_empty: bool = True
    ready_marker: bool = False
    keep_source_row_id: bool = False
    sla_hours: int = 24  # hours after the logical date's end by which its delivery must be there (slaProperties: latency)
    earliest_date: date = date(2000, 1, 1)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that Silver keeps, in order."""
        return tuple(c for c in self.columns if c.stored)

    @property
    def source_names(self) -> tuple[str, ...]:
        """Every Bronze column that the contract reads, once, in order."""
        return tuple(dict.fromkeys(s for c in self.columns if not c.derived for s in c.sources))

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

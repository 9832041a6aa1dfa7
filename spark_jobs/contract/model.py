"""A dataset's contract: what arrives, what is refused and why, and what Silver keeps.

This file is the model; contracts/<dataset>.odcs.yaml are the built-in contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

GENERIC_REASONS = ("invalid_version", "version_in_future")  # the engine's own, of the ordering column
RESERVED_REASONS = ("malformed_record", "duplicate_in_batch", "version_in_future")


@dataclass(frozen=True)
class Column:
    """A Silver column and the way to it from the delivered text."""

    name: str
    type: str  # a Spark SQL type: string, timestamp, date, boolean, int, bigint, double, decimal(p,s)
    sources: tuple[str, ...] = ()  # Bronze columns it reads; empty for a constant or a derived column
    transform: str | None = None  # Spark SQL over `sources`, or over Silver columns (derived); None: the one source
    derived: bool = False  # computed from other Silver columns, after they are typed
    stored: bool = True  # False: typed for the rules only, not kept in Silver
    required: bool = False  # null is a reject reason, an absent source column fails the dataset
    unique: bool = False  # no two rows of a delivery may claim one value of it (replace datasets)
    accepted: tuple[str, ...] = ()  # compared without case, stored in this spelling
    pattern: str | None = None  # the whole text must match (Java regular expression)
    minimum: Decimal | None = None
    exclusive_minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_maximum: Decimal | None = None
    formats: tuple[str, ...] = ()  # Spark datetime patterns tried in order; "ISO8601" is ISO 8601
    default: str | None = None  # what a null becomes in Silver
    carried: bool = False  # where a version doesn't give it, it is kept from the key's other versions
    fallback: str | None = None  # of a carried column: Spark SQL for its value where no version has given it
    on_invalid: Literal["reject", "warn"] = "reject"
    missing_reason: str = ""  # missing_<name>
    invalid_reason: str = ""  # invalid_<name>
    unknown_reason: str = ""  # unknown_<name>
    classification: str | None = None
    description: str = ""

    @property
    def is_personal(self) -> bool:
        """Whether its values are about a person: classified, and not as public."""
        return (self.classification or "public").casefold() != "public"

    def __post_init__(self) -> None:
        """Give the reasons that weren't named their usual names."""
        for reason in ("missing", "invalid", "unknown"):
            if not getattr(self, f"{reason}_reason"):
                object.__setattr__(self, f"{reason}_reason", f"{reason}_{self.name}")


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
    format: str = "csv"  # one of formats.FORMATS
    path: str = ""  # below the landing root, with %Y %m %d, e.g. tickets/%Y/%m/%Y-%m-%d.csv ; may hold * and end in .gz
    path_ignores_case: bool = False
    options: dict[str, Any] = field(default_factory=dict)  # of the source: delimiter, encoding, quote, layout …
    null_tokens: tuple[str, ...] = ()  # compared without case, after trimming
    zone: str = "UTC"  # of instants without an offset
    ordering: str | None = None  # the Silver column that orders versions of a key
    event_date: str | None = None  # the Silver date column that year and month come from; None: unpartitioned
    customer_id: str | None = None  # the Silver column that says whose a row is; None: nobody's
    load_mode: Literal["merge", "replace"] = "merge"
    max_reject_ratio: Decimal = Decimal("0.1")
    drift: Literal["report", "fail"] = "report"
    starts_on: date | None = None
    missing_days: Literal["fail", "skip"] = "fail"
    allow_empty: bool = True
    ready_marker: bool = False
    keep_source_row_id: bool = False
    sla_hours: int = 24  # from the logical date's end until its delivery must be there (slaProperties: latency)
    earliest_date: date = date(2000, 1, 1)
    thresholds: Mapping[str, float] = field(default_factory=dict)  # limits by name, for its rules and for Gold
    key_may_widen: bool = False  # of a built-in contract: a user's may add columns to its key
    reason_order: tuple[str, ...] = ()  # in which reasons stand on a rejected row; those not named follow

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that Silver keeps, in order."""
        return tuple(c for c in self.columns if c.stored)

    @property
    def carried(self) -> tuple[Column, ...]:
        """The columns whose values versions of a key hand on; one that is part of the key can't differ among them."""
        return tuple(c for c in self.columns if c.carried and c.name not in self.key)

    @property
    def is_of_persons(self) -> bool:
        """Whether a row is a customer, not something of one."""
        return self.customer_id is not None and self.key == (self.customer_id,)

    @property
    def has_personal(self) -> bool:
        """Whether it classifies any column, so that a record as it was delivered may show something."""
        return any(c.is_personal for c in self.columns)

    @property
    def names_persons(self) -> bool:
        """Whether a record as it was delivered tells of somebody, or says who that is."""
        return self.has_personal or self.customer_id is not None

    @property
    def personal_sources(self) -> tuple[str, ...]:
        """The Bronze columns that personal columns read, other than the customer's id."""
        personal = (c for c in self.columns if c.is_personal and c.name != self.customer_id)
        return tuple(dict.fromkeys(source for c in personal if not c.derived for source in c.sources))

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

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that can reject a row of this contract (malformed records aside), in the order to write them."""
        generic = GENERIC_REASONS if self.ordering else ()
        found = [reason for c in self.columns for reason in _column_reasons(c, warn=False)]
        found += [rule.name for rule in self.rules if rule.severity == "error"]
        ordered = [reason for reason in self.reason_order if reason in found]
        return tuple(dict.fromkeys([*generic, *ordered, *found]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that is counted on a row and doesn't reject it."""
        found = [reason for c in self.columns if not c.derived for reason in _column_reasons(c, warn=True)]
        return tuple(dict.fromkeys([*found, *(rule.name for rule in self.rules if rule.severity == "warning")]))


def _column_reasons(column: Column, *, warn: bool) -> list[str]:
    """The reasons that the column's own checks can give: those that warn, or those that reject."""
    found = [column.missing_reason] if column.required and not warn else []
    if column.derived or (column.on_invalid == "warn") != warn:
        return found
    if column.accepted:
        return [*found, column.unknown_reason]
    if column.type != "string" or column.pattern:
        found.append(column.invalid_reason)
    return found

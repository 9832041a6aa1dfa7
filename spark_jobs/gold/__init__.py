"""Gold tables: each a pure function of DataFrames, declared with its grain and its kind of slice.

A function's name is its table's name, its parameters are its inputs (Silver datasets or other Gold tables), and
keyword-only `horizon` (date), `year` (the horizon's: a new one has the table computed whole), `zone` (business time
zone) and declared thresholds are passed by name. Functions never read, write, cache or ask for today's date.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from typing import Literal

from pyspark.sql import DataFrame

GoldFunction = Callable[..., DataFrame]
Kind = Literal["by_date", "from_date", "by_key", "whole"]
Period = Literal["day", "week", "month"]
Look = int | str
"""So many days, or a threshold by its name: so many hours."""


@dataclass(frozen=True)
class Slices:
    """How a table is cut into slices; `moved_by` names per input the columns whose values name changed slices.

    `reads` names per input the columns that the function gets, where it doesn't get all.
    """

    kind: Kind
    column: str | None = None
    moved_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    look_back: Look = 0
    look_ahead: Look = 0
    bounded_by: str | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    period: Period = "day"
    reads: Mapping[str, Sequence[str]] = field(default_factory=dict)


def by_date(
    column: str,
    *,
    moved_by: Mapping[str, Sequence[str]],
    look_back: Look = 0,
    look_ahead: Look = 0,
    period: Period = "day",
    reads: Mapping[str, Sequence[str]] | None = None,
) -> Slices:
    """A changed input row moves the days that its `moved_by` columns name, in its old and its new image.

    `reads` tells per input which columns the function gets: one that it isn't told of it can't use, and a row that
    changed in others only moves nothing. An input that isn't named comes whole.

    `look_ahead` days after a changed day change with it, and to compute a day the `look_back` days before it are
    read too; the name of a threshold stands for the days that so many hours touch. With a `period` the slices are
    weeks by their Monday or months by their first day: a changed day moves its period, and all days of it are read.
    Inputs without `moved_by` are references: read whole, and the table is computed whole when one changes.
    """
    return Slices("by_date", column, moved_by, look_back, look_ahead, period=period, reads=reads or {})


def from_date(column: str, *, moved_by: Mapping[str, Sequence[str]]) -> Slices:
    """A running sum: everything from the earliest changed day on, computed from the whole of its daily inputs."""
    return Slices("from_date", column, moved_by)


def by_key(column: str, *, moved_by: Mapping[str, Sequence[str]], bounded_by: str | None = None) -> Slices:
    """The rows of changed keys, published in one MERGE that also deletes inside those keys.

    `bounded_by` is a date column of the table and of its inputs: its values in the old and the new images of changed
    rows bound the files that the MERGE looks into.
    """
    return Slices("by_key", column, moved_by, bounded_by=bounded_by)


def whole(*, needs: Mapping[str, str] | None = None) -> Slices:
    """Small, or bounded by what is open: recomputed whole when an input or the horizon moved.

    `needs` tells per input, in SQL with `{horizon}` for its date literal, which rows the function looks at, so that
    no others are read.
    """
    return Slices("whole", needs=needs or {})


Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Accepted:
    """A check: `column` holds only `values` (or null).

    `by` names per dataset the column whose contract says which they are; where one of them accepts any, all may come.
    """

    column: str
    values: tuple[str, ...] = ()
    severity: Severity = "error"
    by: Mapping[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> str:
        """What is wrong with a row that doesn't hold."""
        return f"isn't one of {', '.join(self.values)}"


@dataclass(frozen=True)
class NotNull:
    """A check: `column` isn't null; not one of the grain, which never is.

    `by` names per dataset the column whose contract says so; where one of them may be null, this may be.
    """

    column: str
    severity: Severity = "error"
    by: Mapping[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> str:
        """What is wrong with a row that doesn't hold."""
        return "is null"


@dataclass(frozen=True)
class Relationship:
    """A check: every value of `column` exists in the Gold `table`.`to`, published before; null names none."""

    column: str
    table: str
    to: str
    severity: Severity = "error"


Check = Accepted | NotNull | Relationship


@dataclass(frozen=True)
class GoldTable:
    """A declaration: the function, its inputs, its grain, its slices and its checks."""

    name: str
    function: GoldFunction
    inputs: tuple[str, ...]
    options: tuple[str, ...]
    grain: tuple[str, ...]
    slices: Slices
    checks: tuple[Check, ...] = ()
    nullable: tuple[str, ...] = ()
    """Grain columns in which null is a group of its own."""

    @property
    def follows(self) -> tuple[str, ...]:
        """What must be there before this table is published: its inputs, and the tables that its checks look into."""
        looked_into = [check.table for check in self.checks if isinstance(check, Relationship)]
        return tuple(dict.fromkeys([*self.inputs, *looked_into]))

    @property
    def row_checks(self) -> tuple[Accepted | NotNull, ...]:
        """Those of its checks that a row answers by itself."""
        return tuple(check for check in self.checks if not isinstance(check, Relationship))


def table(
    *,
    grain: Sequence[str],
    slices: Slices,
    checks: Sequence[Check] = (),
    nullable: Sequence[str] = (),
) -> Callable[[GoldFunction], GoldFunction]:
    """Declare the decorated function as a Gold table of one row per `grain`."""

    def declare(function: GoldFunction) -> GoldFunction:
        parameters = inspect.signature(function).parameters.values()
        declared = GoldTable(
            name=function.__name__,
            function=function,
            inputs=tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
            options=tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
            grain=tuple(grain),
            slices=slices,
            checks=tuple(checks),
            nullable=tuple(nullable),
        )
        for what, named in (("moved_by", slices.moved_by), ("reads", slices.reads)):
            unknown = set(named) - set(declared.inputs)
            if unknown:
                raise TypeError(f"{declared.name}: {what} names {sorted(unknown)}, inputs are {declared.inputs}")
        for name, read in slices.reads.items():
            missing = set(slices.moved_by.get(name, ())) - set(read)
            if missing:
                raise TypeError(f"{declared.name}: moved by {sorted(missing)} of {name}, which reads leaves out")
        untold = {x for x in (slices.look_back, slices.look_ahead) if isinstance(x, str)} - set(declared.options)
        if untold:
            raise TypeError(f"{declared.name}: looks by {sorted(untold)}, its options are {declared.options}")
        function.gold = declared  # type: ignore[attr-defined]
        return function

    return declare


@cache
def registry() -> dict[str, GoldTable]:
    """Every declared Gold table by name, each after those that it follows."""
    found: dict[str, GoldTable] = {}
    for module in pkgutil.iter_modules(__path__):
        for _, member in inspect.getmembers(importlib.import_module(f"{__name__}.{module.name}")):
            declared = getattr(member, "gold", None)
            if isinstance(declared, GoldTable):
                found[declared.name] = declared
    refuse_gold_keys(found)
    return {name: found[name] for name in followed(found).static_order()}


def refuse_gold_keys(tables: Mapping[str, GoldTable]) -> None:
    """`TypeError` where a table is moved by the keys of a Gold table, whose commits tell days and no keys."""
    for declared in tables.values():
        untold = sorted(set(declared.slices.moved_by) & set(tables)) if declared.slices.kind == "by_key" else []
        if untold:
            raise TypeError(
                f"{declared.name}: moved by keys of {untold}, Gold tables, which don't tell theirs; leave them out of "
                "moved_by (the whole table is computed when they change), or cut it by_date"
            )


def followed(tables: Mapping[str, GoldTable]) -> TopologicalSorter[str]:
    """The order of these tables, each after those of them that it follows."""
    return TopologicalSorter({t.name: [name for name in t.follows if name in tables] for t in tables.values()})

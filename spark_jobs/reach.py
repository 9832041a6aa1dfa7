"""From a row of a Gold table to the Silver rows that it follows from, by the tables' declarations alone.

A row is a list of alternatives, each a value per column; one step leads from a table to the same for one of its
inputs, and Gold inputs are followed until Silver is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from typing import Any

from spark_jobs.gold import GoldTable, Look, registry
from spark_jobs.lookup import equals, literal, quoted
from spark_jobs.periods import days_of, first_day

SHORTEST_DAY = 23
"""Hours of a day on which clocks go forward: so many hours touch one day more at most."""


@dataclass(frozen=True)
class Equals:
    """The column has this value; None stands for null."""

    value: Any

    def sql(self, column: str) -> str:
        """The test as a query has it."""
        return equals(column, self.value)

    def words(self, column: str) -> str:
        """The test for people."""
        return f"{column} is null" if self.value is None else f"{column} = {self.value}"


@dataclass(frozen=True)
class Between:
    """The date column lies in this range, both ends included; without a first day it only ends."""

    first: date | None
    last: date

    def sql(self, column: str) -> str:
        """The test as a query has it."""
        upper = f"{quoted(column)} <= {literal(self.last)}"
        return upper if self.first is None else f"({quoted(column)} >= {literal(self.first)} AND {upper})"

    def words(self, column: str) -> str:
        """The test for people."""
        return f"{column} <= {self.last}" if self.first is None else f"{column} from {self.first} to {self.last}"


Test = Equals | Between
Alternative = Mapping[str, Test]


@dataclass(frozen=True)
class Reach:
    """Rows of one Silver dataset for which all tests of at least one alternative hold; `through` is the way there."""

    dataset: str
    alternatives: tuple[Alternative, ...]
    through: tuple[str, ...] = ()

    def sql(self) -> str:
        """The condition as a query has it."""
        return _joined(self.alternatives, lambda column, test: test.sql(column), " AND ", " OR ") or "TRUE"

    def words(self) -> str:
        """The condition for people."""
        return _joined(self.alternatives, lambda column, test: test.words(column), " and ", " or ") or "all rows"


def reach(
    table: GoldTable,
    row: Mapping[str, Any],
    columns_of: Callable[[str], Collection[str]],
    horizon: date | None,
    thresholds: Mapping[str, float] | None = None,
) -> list[Reach]:
    """The ways from one row, given by its grain, to Silver; equal conditions on one dataset are one way.

    The row may also tell its slice where that isn't part of the grain. `columns_of` gives the columns of an input, and
    `thresholds` what tables look back by. Up to the `horizon` go dated inputs of which the row reads everything.
    """
    start = [{name: Equals(value) for name, value in row.items()}]
    merged: dict[tuple[str, str], Reach] = {}
    for found in _follow(table, start, columns_of, horizon, thresholds or {}, ()):
        known = merged.get((found.dataset, found.sql()))
        through = (*known.through, *(t for t in found.through if t not in known.through)) if known else found.through
        merged[found.dataset, found.sql()] = replace(found, through=through)
    return list(merged.values())


def _follow(
    table: GoldTable,
    alternatives: Sequence[Alternative],
    columns_of: Callable[[str], Collection[str]],
    horizon: date | None,
    thresholds: Mapping[str, float],
    through: tuple[str, ...],
) -> list[Reach]:
    found: list[Reach] = []
    for name in table.inputs:
        columns = columns_of(name)
        stepped = [step for one in alternatives for step in _step(table, name, one, columns, thresholds)]
        distinct = tuple(step for at, step in enumerate(stepped) if step not in stepped[:at])
        if name not in registry():
            found.append(Reach(name, distinct, through))
            continue
        inner = registry()[name]
        dated = [_cut(inner, step, horizon) for step in distinct]
        found += _follow(inner, dated, columns_of, horizon, thresholds, (*through, name))
    return found


def _step(
    table: GoldTable, name: str, one: Alternative, columns: Collection[str], thresholds: Mapping[str, float]
) -> list[Alternative]:
    """What an alternative of a table's rows means for one of its inputs."""
    slices = table.slices
    on, moved_by = one.get(str(slices.column)), slices.moved_by.get(name, ())
    is_key = slices.kind == "by_key" and not moved_by
    shared = {
        column: test
        for column, test in one.items()
        if column in columns and column in table.grain and (column != slices.column or is_key)
    }
    if slices.kind == "whole" or on is None or not moved_by:
        return [shared]
    moved = _moved(table, on, thresholds)
    return [{column: moved, **{c: t for c, t in shared.items() if c != column}} for column in moved_by]


def _moved(table: GoldTable, on: Test, thresholds: Mapping[str, float]) -> Test:
    """What the days or keys of a table's slices are in the columns that move them."""
    slices = table.slices
    first, last = (on.value, on.value) if isinstance(on, Equals) else (on.first, on.last)
    if slices.kind == "from_date" and isinstance(last, date):
        return Between(None, last)
    if (slices.look_back or slices.period != "day") and isinstance(last, date):
        back = _days_back(slices.look_back, thresholds)
        start = None if first is None or back is None else first_day(first, slices.period) - timedelta(days=back)
        return Between(start, days_of(first_day(last, slices.period), slices.period)[-1])
    return on


def _days_back(look: Look, thresholds: Mapping[str, float]) -> int | None:
    """So many days at most; None where nothing tells."""
    if isinstance(look, int):
        return look
    return ceil(thresholds[look] / SHORTEST_DAY) if look in thresholds else None


def _cut(table: GoldTable, one: Alternative, horizon: date | None) -> Alternative:
    """A dated table of which all days are read has none past the horizon."""
    slices = table.slices
    if slices.kind not in ("by_date", "from_date") or slices.column in one or horizon is None:
        return one
    return {**one, str(slices.column): Between(None, horizon)}


def _joined(alternatives: Sequence[Alternative], said: Callable[[str, Test], str], both: str, either: str) -> str:
    """The alternatives as one condition, what they share said once; empty where one of them asks for nothing."""
    common = {c: t for c, t in alternatives[0].items() if all(one.get(c) == t for one in alternatives)}
    rests = [[said(c, t) for c, t in one.items() if c not in common] for one in alternatives]
    parts = []
    if all(rests):
        texts = [both.join(rest) if len(rest) == 1 or len(rests) == 1 else f"({both.join(rest)})" for rest in rests]
        parts = [texts[0] if len(texts) == 1 else f"({either.join(texts)})"]
    return both.join([*parts, *(said(c, t) for c, t in common.items())])

"""What the feed of unordered datasets (calls, agent events) is made of: facts, records, flaws, and a dataset's part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, Protocol

from spark_jobs.sample.layout import Layout

Texts = list[str]
Content = tuple[Any, ...]
MALFORMED = "malformed_record"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a record: its reasons in the contract's order, and where it can be put.

    `needs` names a column that the file must have; `shape` is that of a malformed record: too_many, too_few, bytes,
    open_quote.
    """

    reasons: tuple[str, ...]
    needs: str = ""
    shape: str = ""


MALFORMED_FAULTS = tuple(Fault((MALFORMED,), shape=shape) for shape in ("too_many", "bytes", "too_few", "open_quote"))


@dataclass(frozen=True)
class State:
    """What Silver holds of a fact: its columns, where they came from, and what it keeps beside them.

    `memory` is the kind's own.
    """

    content: Content
    taken: tuple[date, int]
    beside: Any = None
    memory: Any = None


class Fact:
    """A call or an event that may still be delivered; `pending`: something of it is still to come."""

    __slots__ = ("late", "pending", "state", "value")

    def __init__(self, value: Any) -> None:
        self.value = value  # as the source knows it
        self.state: State | None = None
        self.pending = self.late = False


@dataclass(eq=False)
class Record:
    """One record of a delivery: the fact, its value there, its texts in the contract's order of columns."""

    fact: Fact
    value: Any
    texts: Texts = field(default_factory=list)
    fault: Fault | None = None


class Kind(Protocol):
    """What the feed must know of a dataset."""

    dataset: str
    columns: tuple[str, ...]
    faults: tuple[Fault, ...]  # the first three can be had by any record of any file, several at a time

    def layout(self, index: int, days: int) -> Layout:
        """The looks of the index-th day's file; an optional column that it has is among its features."""

    def missing(self, layout: Layout) -> list[str]:
        """The columns that the file doesn't have."""

    def born(self, day: date) -> list[Fact]:
        """What happened on a day, in order."""

    def fits(self, fact: Fact, layout: Layout) -> bool:
        """Whether the file can hold a fact that is in Silver without changing it."""

    def fitted(self, fact: Fact, layout: Layout) -> Any:
        """The value of a fact as the file can hold it."""

    def altered(self, value: Any, rng: Random) -> Any | None:
        """Another value under the same key; None where there can be none."""

    def texts(self, record: Record, layout: Layout, day: date) -> Texts:
        """The texts of a record without fault."""

    def spoil(self, record: Record, rng: Random) -> None:
        """Write into the record's texts what the reasons of its fault ask for."""

    def take(self, record: Record, layout: Layout, taken: tuple[date, int], before: State | None) -> State:
        """What Silver would hold after the record, if it is newer than everything before it."""

    def row(self, fact: Fact) -> Sequence[str]:
        """The fact as Silver holds it in the end, in the order of the truth's columns."""


def line(texts: Sequence[str], layout: Layout, fault: Fault | None) -> str:
    """A record's line, without its end."""
    order = range(len(layout.names)) if layout.order is None else layout.order
    cells = [texts[place] for place in order]
    if fault is not None and fault.shape:
        cells = _MISSHAPEN[fault.shape](cells)
        if fault.shape == "open_quote":
            return ",".join(cells)
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells)


_MISSHAPEN: dict[str, Callable[[Texts], Texts]] = {
    "too_many": lambda cells: [*cells, "surplus"],
    "too_few": lambda cells: cells[:-1],
    "bytes": lambda cells: [*cells[:-1], "Caf\udce9"],
    "open_quote": lambda cells: [cell.replace(",", " ") for cell in cells[:-2]] + [f'"{cells[-2]}', cells[-1]],
}

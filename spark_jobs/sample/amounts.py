"""How much dirt the files of unordered datasets get, and which faults in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from spark_jobs.sample.kinds import Fault
from spark_jobs.sample.layout import Layout

T = TypeVar("T")
SHARES = {"faulty": 0.025, "exact": 0.006, "other": 0.004, "late": 0.008, "repeat": 0.008, "changed": 0.008}
"""Shares of a day's records; what is rejected is capped at a fifteenth of them besides."""


class Amounts:
    """Hands out dirt so that each kind keeps its share of all records, however few a day has."""

    def __init__(self, rng: Random, faults: Sequence[Fault]) -> None:
        self._rng = rng
        self._owed = dict.fromkeys(SHARES, 0.9)  # near one: a short sample has some of each
        self._faults = deque(faults)

    def amount(self, share: str, rows: int, cap: int) -> int:
        """How many of a kind a day of so many records gets, `cap` at most; the rest is owed to later days."""
        self._owed[share] += SHARES[share] * rows
        given = max(0, min(int(self._owed[share]), cap))
        self._owed[share] = min(self._owed[share] - given, 30.0)
        return given

    def take(self, share: str, free: list[T], rows: int, cap: int) -> list[T]:
        """Take the day's amount out of `free`."""
        return [self.pick(free) for _ in range(self.amount(share, rows, min(cap, len(free))))]

    def pick(self, free: list[T]) -> T:
        """Take one out of `free`, in no order that is kept."""
        at = int(self._rng.random() * len(free))
        free[at], free[-1] = free[-1], free[at]
        return free.pop()

    def fault(self, layout: Layout, *, open_quote: bool) -> Fault:
        """The next fault in turn that the file can have; an open quote only where that is allowed."""
        while True:
            fault = self._faults[0]
            self._faults.rotate(-1)
            if (not fault.needs or layout.has(fault.needs)) and (fault.shape != "open_quote" or open_quote):
                return fault

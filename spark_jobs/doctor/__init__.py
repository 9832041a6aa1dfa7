"""Whether this machine and its stores have what a run needs: findings, each good or with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark_jobs.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `todo` is empty where it is well."""

    check: str
    told: str
    todo: str = ""

    @property
    def is_ok(self) -> bool:
        """Nothing is to be done."""
        return not self.todo


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, as soon as it is made; one small file is written beside the state tables, and removed."""
    from spark_jobs.doctor import machine, stores, tables

    yield from machine.examine(settings)
    yield from stores.examine(settings)
    yield from tables.examine(settings)

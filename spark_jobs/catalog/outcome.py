"""What became of each table and view of a catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Action = Literal["created", "updated", "unchanged", "removed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """One table, view or grant: what was done about it (or would be), and why where that isn't plain."""

    kind: Literal["table", "view", "access"]
    name: str
    action: Action
    reason: str = ""


def skipped(tables: Iterable[str], views: Iterable[str]) -> list[Outcome]:
    """What couldn't be shown: tables that the lake doesn't have yet, and views that wait for such tables."""
    absent = [Outcome("table", name, "skipped", "not in the lake yet") for name in tables]
    return [*absent, *(Outcome("view", name, "skipped", "its tables aren't there yet") for name in views)]


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many there are of each action."""
    return dict(Counter(one.action for one in outcomes))


def changes_anything(outcomes: Iterable[Outcome]) -> bool:
    """Whether the catalogue was, or would be, other afterwards than before."""
    return any(one.action in ("created", "updated", "removed") for one in outcomes)

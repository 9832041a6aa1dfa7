"""What the calculation must know of a dataset: how a record is judged, and what Silver makes of a key's versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.values import text_or_none

WHOLE_NUMBER = re.compile(r"\d{1,18}(?:\.0+)?", re.ASCII)


@dataclass(frozen=True)
class Rules:
    """The settings under which deliveries are judged."""

    zone: ZoneInfo
    source_zone: ZoneInfo
    max_reject_ratio: Fraction
    max_call_hours: Fraction


@dataclass(frozen=True)
class Judgement:
    """A well-formed record: every reason against it, its key as far as there is one, and what it says.

    `version_at` is None where the end of the logical date stands for it. `content` is None where there are reasons.
    """

    reasons: tuple[str, ...]
    key: Any
    content: Any = None
    version_at: datetime | None = None


def nothing(contents: Sequence[Any]) -> None:
    """What Silver keeps beside the content of a row as a rule."""
    del contents


def newest(contents: Sequence[Any]) -> Any:
    """What Silver holds of a key as a rule: what its newest version says."""
    return contents[-1]


@dataclass(frozen=True)
class Dataset:
    """One dataset. `settle` makes Silver's content from what all accepted versions of a key say, the oldest first.

    `replaces`: a delivery is the whole list. `unique`: columns whose values only one row of a delivery may have.
    """

    name: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    judge: Callable[[dict[str, str], date, Rules], Judgement]
    settle: Callable[[Sequence[Any]], Any] = newest
    beside: Callable[[Sequence[Any]], Any] = nothing
    replaces: bool = False
    unique: tuple[str, ...] = ()


def whole_number(cell: str | None) -> int | None:
    """The number of a cell such as `12` or `12.0`; None for a null and for what is none."""
    text = text_or_none(cell)
    return int(text.partition(".")[0]) if text is not None and WHOLE_NUMBER.fullmatch(text) else None

"""Which Spark datetime patterns read a set of texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

ISO8601 = "ISO8601"
TIMES = ("H:mm", "H:mm:ss", "h:mm a", "h:mm:ss a")
DATES = (
    "yyyy-MM-dd",
    "M/d/yy",
    "M/d/yyyy",
    "d/M/yy",
    "d/M/yyyy",
    "yyyy/M/d",
    "d.M.yy",
    "d.M.yyyy",
    "d-M-yyyy",
    "M-d-yyyy",
    "d-MMM-yy",
    "d-MMM-yyyy",
    "d MMM yyyy",
    "MMM d, yyyy",
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?")
_TOKENS = re.compile(r"yyyy|yy|MMM|MM|M|dd|d|HH|H|hh|h|mm|ss|a|.")
_WIDTHS = {"yyyy": r"\d{4}", "MMM": "[A-Z][a-z]{2}", "a": "AM|PM", "M": r"\d{1,2}", "d": r"\d{1,2}"}
_WIDTHS |= {"H": r"\d{1,2}", "h": r"\d{1,2}"}
_PYTHON = {"yyyy": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d", "HH": "%H", "H": "%H"}
_PYTHON |= {"hh": "%I", "h": "%I", "mm": "%M", "ss": "%S", "a": "%p"}
MOSTLY = 0.95  # of the values must be read by the patterns; the rest would be rejected


@dataclass(frozen=True)
class Instants:
    """Patterns that read a column, how many of its values they read, and what else would read them."""

    type: str  # timestamp or date
    formats: tuple[str, ...]
    read: int
    total: int
    rivals: tuple[str, ...]


def guess_instants(values: Sequence[str]) -> Instants | None:
    """The fewest patterns that read (nearly) all values, or None when the values are no dates or instants."""
    if not values or not all(any(c.isdigit() for c in v) for v in values[:20]):
        return None
    stamps = (ISO8601, *(f"{day} {time}" for day in DATES for time in TIMES))
    for kind, patterns in (("timestamp", stamps), ("date", DATES)):
        found = _cover(values, patterns)
        if found is not None:
            chosen, read, rivals = found
            return Instants(kind, chosen, read, len(values), rivals)
    return None


def _cover(values: Sequence[str], patterns: Iterable[str]) -> tuple[tuple[str, ...], int, tuple[str, ...]] | None:
    """Patterns chosen one by one by how many more values each reads, the values read, and equally good ones."""
    remaining = list(values)
    chosen: list[str] = []
    rivals: list[str] = []
    head = _spread(values)
    usable = [p for p in patterns if any(reads(p, value) for value in head)]
    while remaining and usable and len(chosen) < 3:
        scores = {p: sum(reads(p, value) for value in remaining) for p in usable}
        best = max(usable, key=lambda p: scores[p])
        if scores[best] == 0:
            break
        rivals += [p for p in usable if p != best and scores[p] == scores[best]]
        chosen.append(best)
        usable.remove(best)
        remaining = [value for value in remaining if not reads(best, value)]
    read = len(values) - len(remaining)
    return (tuple(chosen), read, tuple(rivals)) if read >= MOSTLY * len(values) and read else None


def _spread(values: Sequence[str]) -> Sequence[str]:
    """A few hundred values from all over the column."""
    return values[:: max(1, len(values) // 300)]


def reads(pattern: str, text: str) -> bool:
    """True when Spark, with CORRECTED parsing, would read the text by the pattern."""
    if pattern == ISO8601:
        return _ISO.fullmatch(text) is not None and _is_date(text[:10], "%Y-%m-%d")
    expression, directives = _compiled(pattern)
    return expression.fullmatch(text) is not None and _is_date(text, directives)


def _is_date(text: str, directives: str) -> bool:
    try:
        datetime.strptime(text, directives)
    except ValueError:
        return False
    return True


@cache
def _compiled(pattern: str) -> tuple[re.Pattern[str], str]:
    """The pattern as a regular expression of its widths and as directives of strptime."""
    tokens = _TOKENS.findall(pattern)
    widths = [f"({_WIDTHS.get(t, '[0-9]{2}')})" if t in _PYTHON else re.escape(t) for t in tokens]
    return re.compile("".join(widths)), "".join(_PYTHON.get(t, t) for t in tokens)

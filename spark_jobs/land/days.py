"""The day that a text names, by a contract's formats and without Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from spark_jobs.contract import Column, Contract
from spark_jobs.contract.patterns import ISO8601, as_expression
from spark_jobs.errors import UsageError

DayReader = Callable[[str], date | None]

_ISO = re.compile(
    r"(?P<y>\d{4})-(?P<M>\d{2})-(?P<d>\d{2})"
    r"([T ](?P<H>\d{2}):(?P<m>\d{2})(:(?P<s>\d{2})([.,]\d{1,9})?)?\s*(?P<zone>Z|z|[+-]\d{2}(:?\d{2})?)?)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_OFFSET = r"Z|[+-]\d{2}(:?\d{2})?"
_BLANKS = " \t\r\n\f\v\u00a0\u2007\u202f\ufeff"  # those that a run takes away, too
_KEPT = 1 << 16  # texts whose day is remembered: an export has many rows of one minute


def column_of(contract: Contract, by: str) -> tuple[str, Column]:
    """The delivered column that `by` names, by the contract's name of either, and how it is read.

    UsageError where it isn't a date or an instant that one delivered column gives as it is.
    """
    fitting = {c.name: c for c in contract.columns if _fits(c)}
    for column in fitting.values():
        if by in (column.name, column.sources[0]):
            return column.sources[0], column
    raise UsageError(
        "not a column that gives a record's day",
        where="--by",
        value=by,
        allowed=sorted(fitting) or "none of this dataset",
    )


def _fits(column: Column) -> bool:
    plain = column.transform is None and len(column.sources) == 1
    return plain and not column.derived and column.type in ("timestamp", "date")


def day_reader(contract: Contract, column: Column, business_zone: ZoneInfo) -> DayReader:
    """Reads the business day of a value; None where no format reads it.

    An instant without an offset is one of the contract's zone.
    """
    default = "ISO8601" if column.type == "timestamp" else "yyyy-MM-dd"
    expressions = [_expression(pattern) for pattern in column.formats or (default,)]
    zone = ZoneInfo(contract.zone)

    @lru_cache(_KEPT)
    def read(text: str) -> date | None:
        stripped = text.strip(_BLANKS)
        for expression in expressions:
            found = expression.fullmatch(stripped)
            wall = _wall(found) if found else None
            if wall is None:
                continue
            if column.type == "date":
                return wall.date()
            return wall.replace(tzinfo=wall.tzinfo or zone).astimezone(business_zone).date()
        return None

    return read


def _expression(pattern: str) -> re.Pattern[str]:
    """A Spark datetime pattern as a regular expression with a group per part; UsageError for a part of no use here."""
    if pattern == ISO8601:
        return _ISO
    return re.compile(as_expression(pattern, partial(_part, pattern)), re.IGNORECASE)


def _part(pattern: str, letter: str, width: int) -> str:
    if letter == "M" and width > 2:
        return f"(?P<{'MMM' if width == 3 else 'MMMM'}>{'|'.join(_MONTHS if width == 3 else _LONG_MONTHS)})"
    if letter == "y":
        return {2: r"(?P<yy>\d{2})", 4: r"(?P<y>\d{4})"}.get(width, r"(?P<y>\d{1,6})")
    if letter in "MdHhms":
        return rf"(?P<{letter}>\d{{1,2}})" if width == 1 else rf"(?P<{letter}>\d{{2}})"
    if letter == "S":
        return rf"\d{{1,{width}}}"
    if letter == "a":
        return "(?P<a>AM|PM)"
    if letter in "XxZ":
        return f"(?P<zone>{_OFFSET})"
    raise UsageError(
        f"a format with {letter} is read by Spark only", where="--by", value=pattern, hint="take another column"
    )


def _wall(found: re.Match[str]) -> datetime | None:
    """The time on the wall, with its offset where it has one; None where there is no such time."""
    part = found.groupdict()
    try:
        hour = int(part.get("H") or 0)
        if part.get("h"):
            hour = int(part["h"]) % 12 + (12 if str(part.get("a")).upper() == "PM" else 0)
            if not 1 <= int(part["h"]) <= 12:
                return None
        year = int(part["yy"]) + 2000 if part.get("yy") else int(part["y"])
        clock = (hour, int(part.get("m") or 0), int(part.get("s") or 0))
        return datetime(year, _month(part), int(part["d"]), *clock, tzinfo=_offset(part.get("zone")))
    except ValueError:
        return None


def _month(part: dict[str, str | None]) -> int:
    names: Sequence[tuple[str, Sequence[str]]] = (("MMM", _MONTHS), ("MMMM", _LONG_MONTHS))
    for group, months in names:
        if text := part.get(group):
            return months.index(text.lower()) + 1
    return int(part.get("M") or 0)


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))

"""Text to values and exact figures to rounded ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo

NULL_TOKENS = frozenset({"", "?", "na", "n/a", "null", "none", "-"})
TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})
US_MINUTE = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{2}) (?P<hour>\d{1,2}):(?P<minute>\d{2})")
US_SECOND = re.compile(
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}) (?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
)
ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
SLA_LIMIT = Decimal("9999999.99")


def text_or_none(cell: str | None) -> str | None:
    """The trimmed text, None for blanks and null tokens."""
    trimmed = (cell or "").strip()
    return None if trimmed.casefold() in NULL_TOKENS else trimmed


def enumerated(cell: str | None, allowed: tuple[str, ...]) -> str | None:
    """The allowed spelling of a value, None for a null or an unlisted one."""
    text = text_or_none(cell)
    return next((value for value in allowed if text is not None and value.casefold() == text.casefold()), None)


def boolean(cell: str | None) -> bool | None:
    """True, False, or None for what is neither."""
    text = (text_or_none(cell) or "").casefold()
    return True if text in TRUE else False if text in FALSE else None


def hours_of_sla(cell: str | None) -> Decimal | None:
    """decimal(9,2), rounded half up; None when null, unreadable, not positive or too large."""
    text = text_or_none(cell)
    if text is None or not NUMBER.fullmatch(text):
        return None
    try:
        hours = Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return hours if 0 < hours <= SLA_LIMIT else None


def instant(
    text: str, source_zone: ZoneInfo, formats: tuple[re.Pattern[str], ...] = (US_MINUTE, ISO)
) -> datetime | None:
    """The instant in UTC, None when no format reads it.

    A time without an offset is in `source_zone`: in a repeated hour Python's fold 0 is the earlier offset, and in a
    skipped one it moves the time forward, as the specification asks.
    """
    match = next((found for each in formats if (found := each.fullmatch(text))), None)
    if match is None:
        return None
    parts = match.groupdict()
    year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)
    try:
        wall = datetime(
            year,
            int(parts["month"]),
            int(parts["day"]),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            int(parts.get("second") or 0),
            int((parts.get("fraction") or "").ljust(6, "0")[:6]),
        )
        offset = parts.get("offset")
        if offset:
            return (wall - _offset(offset)).replace(tzinfo=UTC)
        return wall.replace(tzinfo=source_zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta(0)
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if text[0] == "-" else size


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Business midnight at which `day` begins, in UTC."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Business midnight at which `day` ends, in UTC."""
    return start_of(day + timedelta(days=1), zone)


def seconds_between(earlier: datetime, later: datetime) -> int:
    """Whole seconds, rounded down."""
    return (later - earlier) // timedelta(seconds=1)


def half_up(figure: Fraction, decimals: int = 4) -> Decimal:
    """So many decimals of an exact figure; a tie goes away from zero."""
    scaled = abs(figure) * 10**decimals
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(-units if figure < 0 else units).scaleb(-decimals)


def percentile(figures: Sequence[int], share: Fraction) -> Fraction:
    """The exact percentile of at least one figure, interpolated between the two nearest ranks."""
    ordered = sorted(figures)
    rank = share * (len(ordered) - 1)
    below = rank.numerator // rank.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def hours(seconds: int | Fraction) -> Decimal:
    """Seconds as hours with four decimals."""
    return half_up(Fraction(seconds) / 3600)


def ratio(part: int | Fraction, whole: int) -> Decimal | None:
    """part / whole with four decimals, None where there is nothing to divide by."""
    return half_up(Fraction(part) / whole) if whole else None

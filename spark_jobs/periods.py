"""Days as slices: the period that a day belongs to, and the business days that some hours before or after one touch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from spark_jobs.gold import Period

DAY = timedelta(days=1)


def first_day(day: date, period: Period) -> date:
    """What the period of a day is called by: the day itself, its Monday, or the first of its month."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def days_of(first: date, period: Period) -> list[date]:
    """All days of the period that is called by `first`."""
    if period == "day":
        return [first]
    end = first + timedelta(days=7) if period == "week" else first_day(first + timedelta(days=31), "month")
    return [first + timedelta(days=n) for n in range((end - first).days)]


def days_before(day: date, hours: float, zone: str) -> list[date]:
    """The business days before `day` of which something lies within `hours` of its start.

    That is hours / 24, rounded up, except around days on which the clocks change.
    """
    first = _business_date(_start_of(day, zone) - timedelta(hours=hours), zone)
    return [first + timedelta(days=n) for n in range((day - first).days)]


def days_after(day: date, hours: float, zone: str) -> list[date]:
    """The business days after `day` of which something lies within `hours` of its end."""
    end = _start_of(day + DAY, zone) + timedelta(hours=hours)
    last = _business_date(end - timedelta(microseconds=1), zone)
    return [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]


def _start_of(day: date, zone: str) -> datetime:
    """The instant at which a business day begins."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _business_date(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()

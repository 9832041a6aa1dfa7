"""Whether every half hour of a day or of the last hours has agent activity: read from Gold without a JVM.

The window is computed here and not taken from a table, so that a load that never came counts as 0 intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from spark_jobs.lookup import literal, open_table, select
from spark_jobs.settings import Settings

TABLE = "agent_activity_intervals"
INTERVAL = timedelta(minutes=30)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """A stretch of time from `start` up to `end`, both instants in UTC, that half hours of business time fill."""

    name: str
    start: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def starts(self) -> tuple[datetime, ...]:
        """The instants at which its half hours begin."""
        number = (self.end - self.start) // INTERVAL
        return tuple(self.start + n * INTERVAL for n in range(number))

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last business date in it."""
        return self.wall(self.start).date(), self.wall(self.end - timedelta(microseconds=1)).date()

    def wall(self, instant: datetime) -> datetime:
        """The instant in business time."""
        return instant.astimezone(self.zone)


@dataclass(frozen=True)
class Completeness:
    """The half hours of a window: how many there must be, and the beginnings of those without any activity."""

    window: Window
    missing: tuple[datetime, ...]

    @property
    def expected(self) -> int:
        """The window's length in half hours; a day has 46, 47, 49 or 50 where clocks change."""
        return len(self.window.starts)

    @property
    def present(self) -> int:
        """The half hours that have a row."""
        return self.expected - len(self.missing)

    @property
    def is_complete(self) -> bool:
        """No half hour is missing."""
        return not self.missing

    @property
    def labels(self) -> tuple[str, ...]:
        """The missing ones as business time shows them (`09:30`); what occurs twice on a day may stand twice."""
        return tuple(self.window.wall(start).strftime("%H:%M") for start in self.missing)

    @property
    def by_day(self) -> dict[date, list[str]]:
        """The labels of the missing ones under their business dates, both in order."""
        found: dict[date, list[str]] = {}
        for start, label in zip(self.missing, self.labels, strict=True):
            found.setdefault(self.window.wall(start).date(), []).append(label)
        return found


def window_of_day(day: date, zone: ZoneInfo) -> Window:
    """A business day, from its midnight to the next one."""
    start, end = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (day, day + DAY))
    return Window(day.isoformat(), start, end, zone)


def window_of_hours(hours: int, now: datetime, zone: ZoneInfo) -> Window:
    """The last `hours` hours up to the latest half hour that is over at `now`."""
    wall = now.astimezone(zone)
    end = wall.replace(minute=wall.minute // 30 * 30, second=0, microsecond=0).astimezone(UTC)
    return Window(f"last {hours} hours", end - timedelta(hours=hours), end, zone)


def present_moment(settings: Settings) -> datetime:
    """Now; where the setting `today` stands in for the date: the midnight at which that day begins."""
    if settings.today is None:
        return datetime.now(UTC)
    return datetime.combine(settings.today, time(), settings.zone)


def check_completeness(root: str, window: Window) -> Completeness:
    """Compare the window with what the lake at `root` has; a table that isn't there has nothing."""
    table = open_table(root, "gold", TABLE)
    if table is None:
        return Completeness(window, window.starts)
    first, last = window.days
    found = select(
        table,
        "SELECT DISTINCT interval_start FROM t"
        f" WHERE ops_date BETWEEN {literal(first)} AND {literal(last)}"
        f" AND interval_start >= {literal(window.start)} AND interval_start < {literal(window.end)}",
    )
    there = {row["interval_start"] for row in found}
    return Completeness(window, tuple(start for start in window.starts if start not in there))

"""Whether every half hour of a day or of the last hours has agent activity: read from Gold without a JVM.

The window is computed here and not taken from a table, so that a load that never came counts as 0 intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from deltalake import DeltaTable

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

    @property
    def in_short(self) -> str:
        """The labels of the missing ones, of three or more in a row the first and the last: `00:00 to 05:30`."""
        rows: list[list[str]] = []
        before = None
        for start, label in zip(self.missing, self.labels, strict=True):
            if before is None or start - before != INTERVAL:
                rows.append([])
            rows[-1].append(label)
            before = start
        return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 2 else ", ".join(row) for row in rows)


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
    return check_windows(root, [window])[0]


def check_windows(root: str, windows: Sequence[Window]) -> list[Completeness]:
    """The same of several windows, in their order and in one look at the table."""
    table = open_table(root, "gold", TABLE) if windows else None
    there = _there(table, windows) if table is not None else frozenset()
    return [Completeness(w, tuple(start for start in w.starts if start not in there)) for w in windows]


def _there(table: DeltaTable, windows: Sequence[Window]) -> frozenset[datetime]:
    """The half hours of the windows that have a row."""
    runs: list[Window] = []  # of windows that touch each other one range: files are skipped by few of them
    for window in sorted(windows, key=lambda w: w.start):
        if runs and window.start <= runs[-1].end:
            runs[-1] = replace(runs[-1], end=max(runs[-1].end, window.end))
        else:
            runs.append(window)
    wanted = " OR ".join(
        f"(ops_date BETWEEN {literal(run.days[0])} AND {literal(run.days[1])}"
        f" AND interval_start >= {literal(run.start)} AND interval_start < {literal(run.end)})"
        for run in runs
    )
    found = select(table, f"SELECT DISTINCT interval_start FROM t WHERE {wanted}")
    return frozenset(row["interval_start"] for row in found)

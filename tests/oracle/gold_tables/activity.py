"""The Gold tables of agent activity, by looking at every extension in every second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.activity import ACTIONS, productive
from tests.oracle.gold_tables.ticket import Row
from tests.oracle.values import end_of, hours, start_of

HALF_HOUR = 1800
Slot = tuple[str, int]
"""An extension, and the instant at which a half hour begins, in seconds since 1970."""


@dataclass(frozen=True)
class Event:
    """One event, its instant in whole seconds since 1970; the order is that in which events count."""

    extension: str
    at: int
    action: str
    details: str

    @property
    def order(self) -> tuple[int, int, str]:
        """By instant, then the contract's order of actions, then details."""
        return self.at, ACTIONS.index(self.action), self.details

    @cached_property
    def is_work(self) -> bool:
        """Whether the state after it is productive."""
        return productive(self.action, self.details)


@dataclass(frozen=True)
class Activity:
    """All that the Gold tables of activity may depend on; events up to the horizon only."""

    events: list[Event]
    agents: Mapping[str, str]
    horizon: date
    zone: ZoneInfo
    max_state_seconds: int

    @cached_property
    def seconds(self) -> Counter[Slot]:
        """The productive seconds of each half hour, each second looked at by itself."""
        found: Counter[Slot] = Counter()
        for extension, events in self.by_extension().items():
            for second, last in self.walk(events):
                if last.is_work and second - last.at < self.max_state_seconds:
                    found[extension, self.half_hour(second)] += 1
        return found

    @cached_property
    def counts(self) -> Counter[Slot]:
        """The events of each half hour."""
        return Counter((event.extension, self.half_hour(event.at)) for event in self.events)

    def by_extension(self) -> dict[str, list[Event]]:
        """Each extension's events in order."""
        found: dict[str, list[Event]] = {}
        for event in sorted(self.events, key=lambda each: each.order):
            found.setdefault(event.extension, []).append(event)
        return found

    def walk(self, events: list[Event]) -> Iterator[tuple[int, Event]]:
        """Every second from the first event to the horizon's end, with the last event in it or before it.

        Seconds after an event that isn't work, or after the longest state, can't be productive and are passed over.
        """
        stop = int(end_of(self.horizon, self.zone).timestamp())
        place, second = 0, events[0].at
        while second < stop:
            while place + 1 < len(events) and events[place + 1].at <= second:
                place += 1
            yield second, events[place]
            second += 1
            if not events[place].is_work or second - events[place].at >= self.max_state_seconds:
                if place + 1 == len(events):
                    return
                second = max(second, events[place + 1].at)

    def half_hour(self, second: int) -> int:
        """When the half hour of wall clock began in which a second lies."""
        return _half_hour(self.zone, second // 60)

    def wall(self, second: int) -> datetime:
        """What a clock shows."""
        return datetime.fromtimestamp(second, UTC).astimezone(self.zone).replace(tzinfo=None)

    def slots(self) -> list[Slot]:
        """Every half hour with an event or productive time."""
        return sorted(self.seconds.keys() | self.counts.keys())


@lru_cache(maxsize=1_000_000)
def _half_hour(zone: ZoneInfo, minute: int) -> int:
    """When the half hour began in which a whole minute lies; clocks change and half hours begin at whole minutes."""
    wall = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone)
    return minute * 60 - wall.minute * 60 % HALF_HOUR


def activity_from(
    events: Iterable[Mapping[str, Any]],
    identities: Iterable[Mapping[str, Any]],
    horizon: date,
    zone: ZoneInfo,
    max_state_hours: float,
) -> Activity:
    """The events up to the horizon, dates and meaning derived here. ValueError for an event that isn't on a second."""
    found = []
    for row in events:
        at = row["done_on"].replace(tzinfo=UTC) if row["done_on"].tzinfo is None else row["done_on"]
        if at.microsecond:
            raise ValueError(f"the simulation goes by seconds, {at} isn't one")
        if at.astimezone(zone).date() <= horizon:
            found.append(Event(row["extension"], int(at.timestamp()), row["action"], row["details"]))
    agents = {row["extension"]: row["agent_id"] for row in identities if row["extension"] is not None}
    return Activity(found, agents, horizon, zone, round(max_state_hours * 3600))


def agent_activity_intervals(activity: Activity) -> Iterator[Row]:
    """One row per extension and half hour with an event or productive time."""
    for slot in activity.slots():
        extension, start = slot
        wall = activity.wall(start)
        yield {
            "extension": extension,
            "interval_start": datetime.fromtimestamp(start, UTC),
            "ops_date": wall.date(),
            "interval_label": f"{wall:%H:%M}",
            "productive_seconds": activity.seconds[slot],
            "productive_hours": hours(activity.seconds[slot]),
            "events": activity.counts[slot],
            "agent_id": activity.agents.get(extension, f"extension:{extension}"),
        }


def agent_activity_weekly(activity: Activity) -> Iterator[Row]:
    """One row per extension and ISO week with an interval."""
    weeks: dict[tuple[str, date], list[Slot]] = {}
    for slot in activity.slots():
        weeks.setdefault((slot[0], monday(activity.wall(slot[1]).date())), []).append(slot)
    for (extension, week), slots in weeks.items():
        seconds: Counter[date] = Counter()
        for slot in slots:
            seconds[activity.wall(slot[1]).date()] += activity.seconds[slot]
        total, active = sum(seconds.values()), sum(count > 0 for count in seconds.values())
        instants = [
            event.at
            for event in activity.events
            if event.extension == extension and monday(activity.wall(event.at).date()) == week
        ]
        yield {
            "extension": extension,
            "week_start": week,
            "iso_year": week.isocalendar().year,
            "iso_week": week.isocalendar().week,
            "productive_hours": hours(total),
            "active_days": active,
            "avg_hours_per_active_day": hours(Fraction(total, active)) if active else None,
            "first_event": datetime.fromtimestamp(min(instants), UTC) if instants else None,
            "last_event": datetime.fromtimestamp(max(instants), UTC) if instants else None,
        }


def activity_completeness(activity: Activity) -> Iterator[Row]:
    """One row per calendar day from the first one with an interval to the horizon."""
    there = {start for _, start in activity.slots()}
    if not there:
        return
    day = activity.wall(min(there)).date()
    while day <= activity.horizon:
        begins, ends = (int(at.timestamp()) for at in (start_of(day, activity.zone), end_of(day, activity.zone)))
        due = range(begins, ends, HALF_HOUR)
        missing = [f"{activity.wall(start):%H:%M}" for start in due if start not in there]
        yield {
            "ops_date": day,
            "intervals_expected": len(due),
            "intervals_present": len(due) - len(missing),
            "missing_intervals": missing,
            "is_complete": not missing,
        }
        day += timedelta(days=1)


def monday(day: date) -> date:
    """The first day of a day's ISO week."""
    return day - timedelta(days=day.weekday())

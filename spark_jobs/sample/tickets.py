"""The lives of the sample's tickets: when they come, how they change, when they are resolved.

Nothing here is dirty: `dirt.py` spoils what this module makes. All draws come from `Random(seed/day)`, so a day's
tickets don't depend on dirt, and only on the days before it by their number.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import accumulate
from math import exp
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from spark_jobs.sample.agents import Staff
from spark_jobs.sample.clock import DAY, Clock

WEEKDAYS = (1.32, 1.28, 1.22, 1.2, 1.12, 0.48, 0.38)  # Monday first, mean 1
HOURS = (2, 1, 1, 1, 1, 2, 4, 9, 18, 26, 29, 27, 22, 24, 26, 25, 22, 17, 12, 9, 8, 6, 4, 3)
PRIORITIES = {"Low": 34, "Medium": 42, "High": 18, "Critical": 6}
CATEGORIES: dict[str, float] = {  # an empty name is a null
    "Billing": 24, "Login": 18, "Shipping": 15, "Returns, refunds": 12, "Bug": 14, "Feature request": 7, "Account": 10,
    "": 1.5,
}  # fmt: skip
CHANNELS: dict[str, float] = {"Email": 38, "Chat": 27, "Phone": 20, "Web": 11, "Social": 4, "": 1}
TIERS = {"Free": 35, "Standard": 38, "Premium": 19, "Enterprise": 8}
MEDIAN_HOURS = {"Low": 40.0, "Medium": 17.0, "High": 6.0, "Critical": 2.2}
SLA_HOURS = {
    (priority, tier): hours * factor
    for priority, hours in (("Low", 72.0), ("Medium", 24.0), ("High", 8.0), ("Critical", 4.0))
    for tier, factor in (("Free", 2.0), ("Standard", 1.0), ("Premium", 0.75), ("Enterprise", 0.5))
}
_LONGEST = 45 * DAY
_SPREAD = tuple(exp(0.95 * NormalDist().inv_cdf((i + 0.5) / 2048)) for i in range(2048))


class Version(NamedTuple):
    """A ticket at one time: instants in seconds, the rest as Silver holds it (agent None: unassigned)."""

    created: int
    resolved: int | None
    sla_hours: str  # two decimals
    breached: bool | None  # what the source claims
    priority: str
    category: str | None
    channel: str | None
    tier: str | None
    status: str
    agent: str | None
    updated: int


class Ticket:
    """A ticket that may still change; `pending` counts the days on which something of it is still to be delivered."""

    __slots__ = ("coming", "created", "current", "id", "pending", "silver", "taken", "touch", "whole_minutes")

    def __init__(self, ticket_id: str, versions: list[Version], whole_minutes: bool) -> None:
        self.id = ticket_id
        self.whole_minutes = whole_minutes  # its instants can be written without seconds
        self.coming = versions[::-1]
        self.created = versions[0].created
        self.current: Version | None = None  # as the source knows it
        self.silver: Version | None = None  # as accepted last
        self.taken: tuple[date, int] | None = None  # day and row that `silver` came from
        self.touch = 0  # the instant of a correction of `created`
        self.pending = 0

    def advance(self, day_end: int) -> Version | None:
        """The state at the day's end, or None when nothing happened since the last call."""
        new: Version | None = None
        while self.coming and self.coming[-1].updated < day_end:
            new = self.coming.pop()
        if self.touch and self.current:
            base = new or self.current
            new = base._replace(updated=max(base.updated, self.touch))
            self.touch = 0
        if new is None:
            return None
        if new.created != self.created:
            new = new._replace(created=self.created)
        self.current = new
        return new


def slots(weights: Mapping[str, float]) -> tuple[str, ...]:
    """1,000 names in proportion to their weights, to draw from with one random number."""
    names, sums = list(weights), list(accumulate(weights.values()))
    return tuple(names[bisect(sums, (i + 0.5) / 1000 * sums[-1])] for i in range(1000))


class TicketSource:
    """Makes the tickets of a day, with their whole lives ahead of them."""

    def __init__(self, seed: int, clock: Clock, staff: Staff) -> None:
        self._seed, self._clock, self._staff = seed, clock, staff
        self._number = 0
        self._priorities, self._categories = slots(PRIORITIES), slots(CATEGORIES)
        self._channels, self._tiers = slots(CHANNELS), slots(TIERS)
        self._hours = tuple(int(h) for h in slots({str(h): weight for h, weight in enumerate(HOURS)}))
        self._ids: tuple[str, ...] = ()
        self._agents: tuple[str, ...] = ()

    def born(self, day: date, mean: float) -> list[Ticket]:
        """The tickets created on a day, in order of creation; `mean` is the mean number over a week."""
        rng = Random(f"{self._seed}/tickets/{day}")
        self._meet(self._staff.working(day))
        start = self._clock.midnight(day)
        last = self._clock.midnight(date.fromordinal(day.toordinal() + 1)) - 1
        expected = mean * WEEKDAYS[day.weekday()] * (0.88 + 0.24 * rng.random())
        if day.weekday() >= 5 and rng.random() < 0.15:  # some weekends are quiet
            expected *= 0.2
        count = int(expected + rng.random())
        draw = rng.random
        instants = sorted(start + self._hours[int(draw() * 1000)] * 3600 + int(draw() * 3600) for _ in range(count))
        return [self._ticket(min(instant, last), draw) for instant in instants]

    def _meet(self, ids: tuple[str, ...]) -> None:
        """Uneven agents: the first has about eight times the tickets of the last."""
        if ids != self._ids:
            self._ids = ids
            self._agents = slots({agent: 1 / (place + 6) for place, agent in enumerate(ids)})

    def _ticket(self, created: int, draw: Callable[[], float]) -> Ticket:
        self._number += 1
        whole_minutes = draw() < 0.2
        if whole_minutes:
            created -= created % 60
        priority, tier = self._priorities[int(draw() * 1000)], self._tiers[int(draw() * 1000)]
        agent = self._agents[int(draw() * 1000)] if draw() > 0.05 else None
        first = Version(
            created, None, f"{SLA_HOURS[priority, tier]:.2f}", None, priority,
            self._categories[int(draw() * 1000)] or None,
            self._channels[int(draw() * 1000)] or None, tier, "Open", agent, created,
        )  # fmt: skip
        versions = self._life(first, draw, 60 if whole_minutes else 1)
        return Ticket(f"T{self._number:08d}", versions, whole_minutes)

    def _life(self, v: Version, draw: Callable[[], float], step: int) -> list[Version]:
        """All versions of a ticket in order, at least a minute apart, at multiples of `step` seconds."""
        out, began = [v], v.created
        takes = min(300 + MEDIAN_HOURS[v.priority] * 3600 * _SPREAD[int(draw() * 2048)], _LONGEST)

        def at(share: float) -> int:
            instant = max(began + int(takes * share), out[-1].updated + 60)
            return instant - instant % step

        if draw() < 0.45:
            agent = v.agent or self._agents[int(draw() * 1000)]
            out.append(out[-1]._replace(status="In Progress", agent=agent, updated=at(0.02 + 0.15 * draw())))
        if draw() < 0.07:
            out.append(out[-1]._replace(agent=self._agents[int(draw() * 1000)], updated=at(0.2 + 0.3 * draw())))
        if draw() < 0.04 and v.priority != "Critical":
            raised = "Critical" if v.priority == "High" else "High"
            sla = f"{SLA_HOURS[raised, str(v.tier)]:.2f}"
            out.append(out[-1]._replace(priority=raised, sla_hours=sla, updated=at(0.5 + 0.1 * draw())))
        if draw() < 0.08:
            out.append(out[-1]._replace(status="Pending", updated=at(0.65 + 0.2 * draw())))
        if draw() < 0.97:
            out.append(_resolved(out[-1], at(1.0), draw))
            self._afterlife(out, takes, draw, step)
        return out

    def _afterlife(self, out: list[Version], takes: float, draw: Callable[[], float], step: int) -> None:
        """Closing a resolved ticket, or opening it again and resolving it a second time."""
        end, chance = out[-1].updated, draw()

        def after(seconds: float) -> int:
            instant = max(end + int(seconds), out[-1].updated + 60)
            return instant - instant % step

        if chance < 0.3:
            out.append(out[-1]._replace(status="Closed", updated=after(DAY * (1 + 3 * draw()))))
        elif chance < 0.33:
            again = after(DAY * (0.3 + 6 * draw()))
            out.append(out[-1]._replace(status="In Progress", resolved=None, breached=None, updated=again))
            out.append(_resolved(out[-1], after(again - end + takes * (0.2 + 0.5 * draw())), draw))


def _resolved(v: Version, instant: int, draw: Callable[[], float]) -> Version:
    breached = instant > v.created + float(v.sla_hours) * 3600
    if draw() < 0.02:  # the source's own claim is sometimes wrong
        breached = not breached
    return v._replace(status="Resolved", resolved=instant, breached=breached, updated=instant)


def final_row(ticket: Ticket, clock: Clock) -> Sequence[str]:
    """A ticket as Silver holds it in the end, in the order of `truth.TICKET_COLUMNS`."""
    v, taken = ticket.silver, ticket.taken
    if v is None or taken is None:
        raise ValueError(f"{ticket.id} was never accepted")
    hours = "" if v.resolved is None else ten_thousandths((v.resolved - v.created) * 50)
    return (
        ticket.id, clock.utc(v.created), "" if v.resolved is None else clock.utc(v.resolved), hours, v.sla_hours,
        "" if v.breached is None else str(v.breached).lower(), v.priority, v.category or "", v.channel or "",
        v.tier or "", v.status, v.agent or "-1", clock.utc(v.updated), taken[0].isoformat(), str(taken[1]),
    )  # fmt: skip


def ten_thousandths(eighteenths: int) -> str:
    """Hours with four decimals, half up, from seconds x 50: seconds / 3600 is (seconds x 50 / 18) ten-thousandths."""
    whole = (eighteenths + 9) // 18
    return f"{whole // 10_000}.{whole % 10_000:04d}"

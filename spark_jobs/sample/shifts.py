"""Who works when: the sample's shifts, from which calls and agent events are made, so that the two agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from spark_jobs.sample.agents import Agent, Staff
from spark_jobs.sample.clock import Clock

ONLINE, OFFLINE, REMOTE_ON, REMOTE_OFF = "ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF"
STARTS_AT = {"Early": 6, "Late": 14, "Night": 22, "Weekend": 10}
LENGTH = 8 * 3600
_SATURDAY, _SUNDAY = 5, 6
_BACKOFFICE = ("Backoffice", "Backoffice", "Backoffice", "backoffice", "BACKOFFICE")
_FORGOTTEN, _DOUBLE = 0.02, 0.03  # shares of shifts that end without a log-off, and with two events in one second


@dataclass(frozen=True)
class Happening:
    """Something that an agent did at the telephone: instants in whole seconds."""

    instant: int
    action: str
    details: str


@dataclass(frozen=True)
class Duty:
    """One agent's shift: the events in order, and the spans in which calls are taken."""

    number: int
    happenings: tuple[Happening, ...]
    spans: tuple[tuple[int, int], ...]


def agent_number(agent_id: str) -> int:
    """The number in an agent's id: 7 of A007."""
    return int(agent_id[1:])


class Roster:
    """The shifts of the agents to whom tickets are assigned too. A day's shifts depend on seed and day alone."""

    def __init__(self, seed: int, clock: Clock, staff: Staff, *, dirt: bool) -> None:
        self._seed, self._clock, self._staff, self._dirt = seed, clock, staff, dirt
        self._first = {agent.agent_id: agent for agent in staff.first}
        self._changed = {agent.agent_id: agent for agent in staff.changed}

    def duties(self, day: date) -> list[Duty]:
        """The shifts that begin on a day; those of the night end on the next one."""
        rng = Random(f"{self._seed}/shifts/{day}")
        return [self._duty(rng, agent, day) for agent in self._agents(day) if self._works(rng, agent, day)]

    def _agents(self, day: date) -> Iterator[Agent]:
        changes_on = self._staff.changes_on
        agents = self._changed if changes_on is not None and day >= changes_on else self._first
        return (agents[agent_id] for agent_id in self._staff.working(day))

    def _works(self, rng: Random, agent: Agent, day: date) -> bool:
        """Five days a week, one in twenty missed. In the night from Saturday to Sunday nobody is there."""
        missed = rng.random() < 0.05
        over_weekend = agent.shift == "Weekend" or agent_number(agent.agent_id) % 4 == 0
        on = day.weekday() > 1 if over_weekend else day.weekday() < _SATURDAY
        return on and not missed and not (agent.shift == "Night" and day.weekday() == _SATURDAY)

    def _duty(self, rng: Random, agent: Agent, day: date) -> Duty:
        number = agent_number(agent.agent_id)
        remote = (number % 5 == 0) != (rng.random() < 0.1)
        begins = self._clock.instant(day, STARTS_AT[agent.shift] * 3600) + int(rng.random() * 720) - 300
        happenings = [Happening(begins, REMOTE_ON if remote else ONLINE, "")]
        spans: list[tuple[int, int]] = []
        since = begins
        for away, back, details in self._pauses(rng, begins):
            off, on = (REMOTE_OFF, REMOTE_ON) if remote else (OFFLINE, ONLINE)
            happenings.append(Happening(away, OFFLINE if details in _BACKOFFICE else off, details))
            if self._dirt and rng.random() < _DOUBLE:
                happenings.append(Happening(away, on, "Auto"))
            happenings.append(Happening(back, on, ""))
            spans.append((since, away))
            since = back
        ends = begins + LENGTH + int(rng.random() * 1200) - 300
        spans.append((since, ends))
        if not (self._dirt and rng.random() < _FORGOTTEN):
            happenings.append(Happening(ends, REMOTE_OFF if remote else OFFLINE, "End of shift"))
        return Duty(number, tuple(happenings), tuple(spans))

    def _pauses(self, rng: Random, begins: int) -> Iterator[tuple[int, int, str]]:
        """When the agent leaves, comes back, and what for; hours apart from each other."""
        plan = (
            (0.22, 600, 600, "Break"), (0.45, 1800, 900, "Lunch"), (0.62, 1200, 2400, rng.choice(_BACKOFFICE)),
            (0.84, 600, 300, "Break, coffee"),
        )  # fmt: skip
        for share, at_least, more, details in plan:
            away = begins + int(LENGTH * (share + 0.03 * rng.random()))
            yield away, away + at_least + int(rng.random() * more), details

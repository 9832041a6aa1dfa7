"""The agents of the sample, and the deliveries of `agents_master`: one on the first day, a changed one later.

Other domains (calls, activity) take their agents from `sample_agents`, so that ids agree across datasets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date, timedelta
from random import Random

from spark_jobs.sample.truth import DayTruth

REGULARS = 40
_FIRST = (
    "Ada", "Ben", "Chloe", "Diego", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kemi", "Lena", "Marek", "Nora",
    "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara",
)  # fmt: skip
_LAST = ("Adler", "Brandt", "Castro", "Dubois", "Eriksen", "Ferrari", "Garcia", "Haddad", "Ivanova", "Jensen")
_TEAMS = ("Billing", "Technical", "Accounts", "Returns")
_TIERS = ("L1", "L1", "L1", "L2", "L2", "L3")
_LOCATIONS = ("Lisbon", "Manila", "Austin", "Gdansk")
_SHIFTS = ("Early", "Late", "Night")


@dataclass(frozen=True)
class Agent:
    """One row of `agents_master`."""

    agent_id: str
    agent_name: str
    team: str
    tier: str
    location: str
    shift: str
    hired_on: str


@dataclass(frozen=True)
class Staff:
    """Who is in the first delivery, who in the changed one, and from which day the changed one holds (None: never)."""

    first: tuple[Agent, ...]
    changed: tuple[Agent, ...]
    changes_on: date | None

    def final(self) -> tuple[Agent, ...]:
        """The agents that the reference table holds in the end."""
        return self.first if self.changes_on is None else self.changed

    def working(self, day: date) -> tuple[str, ...]:
        """The ids that tickets of a day may be assigned to, the busiest first."""
        ids = tuple(agent.agent_id for agent in self.first[:REGULARS])
        joined = self.changes_on is not None and day >= self.changes_on
        return (*ids, self.changed[-1].agent_id) if joined else ids


def sample_agents(seed: int, count: int = REGULARS) -> tuple[Agent, ...]:
    """`count` agents, A001 onwards; the same for the same seed, and the first n don't depend on `count`."""
    rng = Random(f"{seed}/agents")
    return tuple(_agent(rng, number) for number in range(1, count + 1))


def sample_staff(seed: int, start: date, days: int) -> Staff:
    """41 agents on the first day; a third of the way on, three moved, one left who never had a ticket, one joined."""
    everybody = sample_agents(seed, REGULARS + 2)
    first, joining = everybody[: REGULARS + 1], everybody[REGULARS + 1]
    changed = list(first[:REGULARS])
    changed[4] = replace(changed[4], team="Escalations")
    changed[17] = replace(changed[17], shift="Weekend")
    changed[31] = replace(changed[31], tier="L3", team="VIP")
    return Staff(first, (*changed, joining), start + timedelta(days=max(1, days // 3)) if days > 1 else None)


def agents_delivery(staff: Staff, day: date, start: date, *, dirt: bool) -> tuple[bytes, DayTruth] | None:
    """The content of a day's `agents_master` delivery and its truth, or None on a day without one."""
    if day == start:
        return _content(staff.first), _truth(day, inserted=len(staff.first))
    if day != staff.changes_on:
        return None
    rows: list[Agent] = list(staff.changed)
    truth = _truth(day, inserted=1, updated=3, unchanged=len(rows) - 4)
    truth.deleted = 1
    if dirt:  # a repeated row, which wins over the first one, and a row without an id
        rows += [rows[2], replace(rows[7], agent_id="N/A")]
        truth.read += 2
        truth.duplicates, truth.duplicate_rows = 1, [3]
        truth.reject(len(rows), ("missing_agent_id",))
    return _content(rows), truth


def _agent(rng: Random, number: int) -> Agent:
    def pick(values: Sequence[str]) -> str:
        return values[int(rng.random() * len(values))]

    hired = date(2016, 1, 4) + timedelta(days=int(rng.random() * 2900))
    name = f"{pick(_FIRST)} {pick(_LAST)}"
    return Agent(f"A{number:03d}", name, pick(_TEAMS), pick(_TIERS), pick(_LOCATIONS), pick(_SHIFTS), hired.isoformat())


def _truth(day: date, *, inserted: int = 0, updated: int = 0, unchanged: int = 0) -> DayTruth:
    read = inserted + updated + unchanged
    return DayTruth("agents_master", day, read=read, inserted=inserted, updated=updated, unchanged=unchanged)


def _content(rows: Sequence[Agent]) -> bytes:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(field.name for field in fields(Agent))
    out.writerows(astuple(row) for row in rows)
    return text.getvalue().encode()

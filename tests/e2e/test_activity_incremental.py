"""Incremental equals full for agents' activity: states cross midnights, and events come days late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.e2e.series import tries
from tests.e2e.trial import Trial, of_gold

FIRST = date(2024, 3, 8)
"""A Friday; in New York the clocks change on the Sunday after it, and a week ends."""
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
ZONE = "America/New_York"
EVENTS, IDENTITY = "Done On,Extension,Action,Details", "agent_id,extension,call_agent_id,complaint_agent_id,assignee"
AGENTS = ("a1,1,,,", "a2,1,,,", "a2,2,,,")


@dataclass(frozen=True)
class Event:
    """What an extension's telephone told; minutes count from the first day's midnight, as the file shows them."""

    extension: str
    at: int
    action: str
    details: str = ""

    def text(self) -> str:
        """The record."""
        told = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(minutes=self.at)
        return f"{told},{self.extension},{self.action},{self.details}"


@dataclass(frozen=True)
class Step:
    """What comes before a run: events by the day of their delivery, and perhaps a list of agents."""

    events: tuple[tuple[int, tuple[Event, ...]], ...]
    agents: tuple[int, str] | None = None
    driver_rows: int = 1000


def events(day: int) -> st.SearchStrategy[Event]:
    """One of a day's delivery, of that day or of up to two days before."""
    return st.builds(
        Event,
        extension=st.sampled_from(["1", "2"]),
        at=st.integers(max(0, day - 2) * 48, day * 48 + 47).map(lambda half: half * 30 + half % 7),
        action=st.sampled_from(["ONLINE", "ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF"]),
        details=st.sampled_from(["", "", "Backoffice"]),
    )


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Two or three runs; days come late, and again with other events."""
    made = []
    for _ in range(draw(st.integers(2, 3))):
        days = sorted(draw(st.sets(st.integers(0, 4), min_size=1, max_size=3)))
        told = tuple((day, tuple(draw(st.lists(events(day), max_size=5)))) for day in days)
        agents = draw(st.none() | st.tuples(st.integers(0, 4), st.sampled_from(AGENTS)))
        made.append(Step(told, agents))
    return made


NIGHT = Event("1", 22 * 60, "ONLINE")
LATE_LOG_OFFS = [
    Step(
        ((0, (NIGHT, Event("2", 9 * 60, "OFFLINE", "Backoffice"))), (2, (Event("1", 58 * 60, "ONLINE"),))),
        agents=(1, "a1,1,,,"),
    ),
    Step(
        (
            (3, (Event("1", 23 * 60 + 10, "OFFLINE"),)),
            (1, ()),
            (4, (Event("1", 59 * 60, "REMVCEOFF"), Event("2", 10 * 60, "OFFLINE"))),
        ),
        agents=(4, "a2,1,,,"),
        driver_rows=0,
    ),
]


def expect_as_calculated(trial: Trial, made: list[Step]) -> None:
    """Half hours, weeks and completeness after every run, against a calculation second by second."""
    for step in made:
        for day, told in step.events:
            trial.deliver(DAYS[day], *(event.text() for event in told), dataset="agent_events", header=EVENTS)
        if step.agents is not None:
            trial.deliver(DAYS[step.agents[0]], step.agents[1], dataset="agent_identity", header=IDENTITY)
        trial.options = {**trial.options, "driver_rows": step.driver_rows}
        assert trial.run(accept_rejects=True).error is None
        assert of_gold(trial, domain="activity") == []


def empty(spark: SparkSession, folder: Path) -> Trial:
    """A lake on the day after all deliveries."""
    return Trial(spark, folder, ZONE, {"today": DAYS[-1] + timedelta(days=1)})


def test_log_offs_that_come_days_late_end_as_calculated(spark: SparkSession, folders: Iterator[Path]) -> None:
    """A night shift's is three days late, and an extension gets another agent."""
    expect_as_calculated(empty(spark, next(folders)), LATE_LOG_OFFS)


@pytest.mark.slow
@given(made=steps())
@tries(6, in_ci=2)
def test_any_series_of_events_ends_as_calculated(
    spark: SparkSession, folders: Iterator[Path], made: list[Step]
) -> None:
    """Events of up to two days before, days that come late or again, and lists of agents between them."""
    expect_as_calculated(empty(spark, next(folders)), made)

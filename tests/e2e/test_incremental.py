"""Incremental equals full: whatever series of deliveries comes, in whatever runs, the lake ends up as calculated.

Few examples, each with many traits; they are the same at every execution, so that a failure here is a failure there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, note
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.e2e.series import tries
from tests.e2e.trial import Trial, differences, ticket, without
from tests.oracle import compare

FIRST = date(2024, 3, 7)
ZONE = "America/New_York"
"""The clocks go forward on the 10th, among the days of the deliveries."""
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
KEYS = ("A", "B", "C", "D", "E")
ALWAYS = frozenset("ABC")
"""Tickets whose rows all have an updated_at; the rows of the others never have one."""


@dataclass(frozen=True)
class Row:
    """One delivered record in the terms of the tests: days and hours count from the first day's midnight in UTC."""

    key: str
    created: int
    moved: bool = False
    resolved: int | None = None
    agent: str = "a1"
    priority: str = "Low"
    category: str = ""
    updated: int = 0
    wrong: bool = False

    def text(self) -> str:
        """The record."""
        start = datetime(FIRST.year, FIRST.month, FIRST.day)
        created = start + timedelta(hours=self.created) - timedelta(days=366 if self.moved else 0)
        cells = {"created_at": f"{created}", "sla_hours": "20", "agent_id": self.agent, "category": self.category}
        cells["priority"] = "Urgent" if self.wrong else self.priority
        if self.resolved is not None:
            cells["resolved_at"] = f"{created + timedelta(hours=self.resolved)}"
        if self.key in ALWAYS:
            cells["updated_at"] = f"{start + timedelta(hours=self.updated)}"
        return ticket(self.key, **cells)


@dataclass(frozen=True)
class Step:
    """Deliveries by day (an index into DAYS), and the run that takes them up: 0 for a run, else a backfill by so many
    days; `again` runs a finished day once more; without `gold` a later run publishes what this one has changed."""

    deliveries: tuple[tuple[int, tuple[Row, ...]], ...]
    batch: int = 0
    again: bool = False
    gold: bool = True
    driver_rows: int = 1000
    """0: Spark alone compares and commits, as it does for many rows."""


def rows(day: int) -> st.SearchStrategy[Row]:
    """A record that can stand in the delivery of a day: nothing in it lies beyond that day."""
    hours = st.integers(0, 24 * day + 20)
    return st.builds(
        Row,
        key=st.sampled_from(KEYS),
        created=hours.map(lambda hour: hour - hour % 5),
        moved=st.integers(0, 7).map(lambda n: n == 0),
        resolved=st.none() | st.sampled_from([0, 3, 20, 21]),
        agent=st.sampled_from(["a1", "a2", ""]),
        priority=st.sampled_from(["Low", "High"]),
        category=st.sampled_from(["", "Login"]),
        updated=hours.map(lambda hour: hour - hour % 12),
        wrong=st.integers(0, 9).map(lambda n: n == 0),
    )


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Two or three runs; a day may come late, again, or together with others, and rows come back in other ones."""
    made: list[Step] = []
    seen: dict[int, tuple[Row, ...]] = {}
    ordered = draw(st.integers(0, 2)) == 0
    number = draw(st.integers(2, 3))
    for place in range(number):
        deliveries = {}
        first = 2 * len(made) if ordered else 0
        last = first + 1 if ordered else len(DAYS) - 1
        for day in sorted(draw(st.sets(st.integers(first, last), min_size=1, max_size=3))):
            fresh = draw(st.lists(rows(day), min_size=0, max_size=4))
            earlier = [row for other, content in seen.items() for row in content if other <= day]
            echoes = draw(st.lists(st.sampled_from(earlier), max_size=2)) if earlier else []
            deliveries[day] = tuple(fresh + echoes)
        seen |= deliveries
        again = draw(st.integers(0, 3)) == 0
        batch, gold = draw(st.sampled_from([0, 1, 2])), place in (0, number - 1) or draw(st.booleans())
        driver_rows = draw(st.sampled_from([0, 1000]))
        made.append(Step(tuple(sorted(deliveries.items())), batch, again, gold, driver_rows))
    return made


OLD = Row("D", 5, agent="a1")
CORRECTED_TOGETHER = [
    Step(((0, (OLD,)), (2, (OLD, Row("E", 50))))),
    Step(((0, (Row("D", 5, agent="a2"),)), (2, (Row("E", 50, resolved=3),)))),
]
"""The first day's correction is older than what the third day's first delivery had confirmed."""
MOVED = Row("B", 10, moved=True, updated=60)
LATE_AND_REOPENED = [
    Step(((1, (Row("A", 20, resolved=3, updated=24), Row("B", 10, updated=12))), (4, (Row("C", 90, updated=96),)))),
    Step(((0, (Row("A", 20), Row("D", 0))), (3, (Row("A", 20, updated=72), MOVED))), gold=False, driver_rows=0),
    Step(((5, (Row("B", 10, resolved=21, updated=108), Row("D", 0, resolved=20))),), 1, again=True),
]  # fmt: skip
"""A day comes late, a ticket is opened again, one moves by a year and back."""


@pytest.mark.slow
@example(made=CORRECTED_TOGETHER)
@example(made=LATE_AND_REOPENED)
@given(made=steps())
@tries(6, in_ci=2)
def test_any_series_of_deliveries_ends_as_calculated(
    spark: SparkSession, folders: Iterator[Path], made: list[Step]
) -> None:
    """Figures, exceptions, Silver with lineage, every Gold table; and a single backfill of all files, where no day came
    twice and none late, gives the same Silver."""
    options = {"today": DAYS[-1] + timedelta(days=1)}
    trial = Trial(spark, next(folders), ZONE, options)
    for step in made:
        note(f"{step}")
        run(trial, step)
    assert differences(trial, trial.truth(max_reject_ratio="1")) == []

    if in_order(made):
        whole = Trial(spark, next(folders), ZONE, options)
        for step in made:
            deliver(whole, step)
        whole.load(accept_rejects=True)
        assert compare("silver", content(trial), content(whole), ["ticket_id"]) == []


def run(trial: Trial, step: Step) -> None:
    """Deliver and load."""
    deliver(trial, step)
    trial.options = {**trial.options, "driver_rows": step.driver_rows}
    if step.batch:
        trial.backfill(step.batch, with_gold=step.gold, start=DAYS[0], end=DAYS[-1], accept_rejects=True)
    else:
        trial.run(with_gold=step.gold, accept_rejects=True)
    if step.again:
        day = DAYS[step.deliveries[0][0]]
        trial.redeliver(day)
        trial.run(with_gold=step.gold, start=day, end=day, force=True, accept_rejects=True)


def deliver(trial: Trial, step: Step) -> None:
    """Put the step's files."""
    for day, records in step.deliveries:
        trial.deliver(DAYS[day], *(row.text() for row in records))


def in_order(made: list[Step]) -> bool:
    """No day came twice, and none after a later one."""
    days = [day for step in made for day, _ in step.deliveries]
    return days == sorted(set(days))


def content(trial: Trial) -> list[dict[str, object]]:
    """Silver without what differs from lake to lake."""
    return without(trial.rows("silver/tickets"), ["_source_file", "_load_time", "_ingested_at", "_run_id"])

"""Incremental equals full for complaints: whatever comes on the three channels and of their references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, note
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.e2e.complaints import EVENTS, complaint, deliver, differences, new_trial
from tests.e2e.series import tries
from tests.e2e.trial import of_loading

FIRST = date(2023, 12, 29)
"""A year ends among the days of the deliveries: customers grow older."""
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
ZONE = "America/New_York"


@dataclass(frozen=True)
class Row:
    """One record of a channel; hours count from the first day's midnight."""

    key: str
    customer: str
    category: str
    agent: str
    status: str
    asked: int
    took: int | None

    def text(self, dataset: str) -> str:
        """The record."""
        start = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(hours=self.asked)
        until = "" if self.took is None else f"{start + timedelta(hours=self.took)}"
        medium = "Clicks" if dataset == "social_complaints" else ""
        return complaint(self.key, self.customer, self.category, self.agent, self.status, f"{start}", until, medium)


@dataclass(frozen=True)
class Step:
    """What comes before a run, by day and dataset: rows of a channel, or the texts of a list; by Spark alone or not."""

    events: tuple[tuple[int, str, tuple[Row, ...]], ...]
    lists: tuple[tuple[int, str, tuple[str, ...]], ...] = ()
    driver_rows: int = 1000


LISTS = {
    "customers": (
        "c1,Ann,f,1999-06-01,2020-01-01,a@x.org,",
        "c1,Ann,f,1998-06-01,2020-01-01,b@x.org,",
        "c2,Bo,,,,,",
        "c9,Zoe,,2006-01-01,,,",
    ),
    "complaint_agents": ("a1,Bea,5,TX", "a1,Bea,6,TX", "a2,Ned,,"),
    "complaint_categories": ("Billing,Money,48", "Billing,Money,24", "Fees,,"),
}


def rows(day: int) -> st.SearchStrategy[Row]:
    """A record of a day's delivery; channels share their ids."""
    return st.builds(
        Row,
        key=st.sampled_from(["1", "2", "3", "4"]),
        customer=st.sampled_from(["c1", "c2", "c3"]),
        category=st.sampled_from(["Billing", "Fees", ""]),
        agent=st.sampled_from(["a1", "a2", ""]),
        status=st.sampled_from(["Resolved", "Resolved", "Backlog", "Blocked"]),
        asked=st.integers(0, 24 * day + 20).map(lambda hour: hour - hour % 7),
        took=st.none() | st.sampled_from([0, 1, 30]),
    )


@st.composite
def lists(draw: st.DrawFn, name: str) -> tuple[str, ...]:
    """A whole list, each member once."""
    drawn = draw(st.sets(st.sampled_from(LISTS[name]), min_size=1))
    return tuple({line.split(",")[0]: line for line in sorted(drawn)}.values())


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Two or three runs; days come late, again, and not on every channel."""
    made = []
    for _ in range(draw(st.integers(2, 3))):
        events = []
        for dataset in sorted(draw(st.sets(st.sampled_from(EVENTS), min_size=1))):
            for day in sorted(draw(st.sets(st.integers(0, 5), min_size=1, max_size=2))):
                events.append((day, dataset, tuple(draw(st.lists(rows(day), max_size=3)))))
        given_lists = [
            (draw(st.integers(0, 5)), name, draw(lists(name)))
            for name in sorted(draw(st.sets(st.sampled_from(sorted(LISTS)), max_size=2)))
        ]
        made.append(Step(tuple(events), tuple(given_lists)))
    return made


CALL, WEB, SOCIAL = EVENTS
ONE = Row("1", "c1", "Billing", "a1", "Backlog", 5, None)
GROWN_OLDER = [
    Step(
        ((0, CALL, (ONE, Row("2", "c2", "", "", "Resolved", 7, 30))), (0, WEB, (ONE,))),
        ((0, "customers", ("c1,Ann,f,1999-06-01,2020-01-01,a@x.org,", "c9,Zoe,,2006-01-01,,,")),),
    ),
    Step(
        ((4, CALL, (Row("1", "c3", "Fees", "a2", "Resolved", 5, None),)), (5, WEB, ())),
        ((4, "customers", ("c1,Ann,f,1999-06-01,2020-01-01,b@x.org,",)),),
    ),
    Step(((2, SOCIAL, (ONE,)), (5, SOCIAL, ()), (5, CALL, (ONE,))), driver_rows=0),
]
"""A channel comes last and takes the horizon back into the old year; a call changes customer, agent and category."""


@pytest.mark.slow
@example(made=GROWN_OLDER)
@given(made=steps())
@tries(4, in_ci=2)
def test_any_series_of_deliveries_of_complaints_ends_as_calculated(
    spark: SparkSession, folders: Iterator[Path], made: list[Step]
) -> None:
    """Figures, exceptions, Silver with lineage, and every Gold table after every run."""
    trial = new_trial(spark, next(folders), ZONE, today=DAYS[-1] + timedelta(days=1))
    for step in made:
        note(f"{step}")
        for day, dataset, content in step.events:
            deliver(trial, DAYS[day], **{dataset: [row.text(dataset) for row in content]})
        for day, dataset, lines in step.lists:
            deliver(trial, DAYS[day], **{dataset: list(lines)})
        trial.options = {**trial.options, "driver_rows": step.driver_rows}
        assert trial.run(accept_rejects=True).error is None
        assert differences(trial) == []
    for dataset in EVENTS:
        assert of_loading(trial, trial.truth("1", dataset), dataset) == []

"""Agent events through the whole engine: what a late event moves, references that come or don't, disputed values."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from spark_jobs.pipeline import Report
from state.ledger import Status
from tests.e2e.conftest import NewTrial
from tests.e2e.trial import Trial, without

FIRST, SECOND, THIRD, FOURTH = (date(2024, 5, day) for day in (10, 11, 12, 13))
"""Friday to Monday."""
EVENTS, IDENTITY = "Done On,Extension,Action,Details", "agent_id,extension,call_agent_id,complaint_agent_id,assignee"
TABLES = ("agent_activity_intervals", "agent_activity_weekly", "activity_completeness")


def give(trial: Trial, day: date, *events: str) -> None:
    """A day's events, `<dd hh:mm> <extension> <action> <details>` of May 2024."""
    rows = []
    for text in events:
        of, at, extension, action, *details = text.split(" ")
        rows.append(f"2024-05-{of} {at}:00,{extension},{action},{' '.join(details)}")
    trial.deliver(day, *rows, dataset="agent_events", header=EVENTS)


def name(trial: Trial, day: date, *records: str) -> None:
    """A day's list of agents."""
    trial.deliver(day, *records, dataset="agent_identity", header=IDENTITY)


def worked(trial: Trial) -> dict[str, int]:
    """Productive seconds by day and hour, as `dd hh`, of all extensions."""
    found: dict[str, int] = {}
    for row in trial.rows("gold/agent_activity_intervals"):
        at: datetime = row["interval_start"]
        found[f"{at:%d %H}"] = found.get(f"{at:%d %H}", 0) + row["productive_seconds"]
    return {hour: seconds for hour, seconds in sorted(found.items()) if seconds}


def outcome(report: Report, table: str) -> tuple[str, str, int]:
    """Status, reason and replaced slices of one table."""
    return next((t.status, t.reason, t.slices) for t in report.tables if t.table == table)


def content(trial: Trial) -> dict[str, list[dict[str, Any]]]:
    """The Gold tables' rows, in order."""
    return {table: sorted(trial.rows(f"gold/{table}"), key=repr) for table in TABLES}


@pytest.mark.parametrize("driver_rows", [pytest.param(1000, marks=pytest.mark.engine), 0])
def test_an_event_late_by_two_days_changes_the_intervals_that_it_ought_to_and_no_others(
    new_trial: NewTrial, driver_rows: int
) -> None:
    """A log-off of Friday evening comes with Sunday's delivery: the night shift that reached into Saturday is gone,
    Sunday's intervals stay as they are, the week is computed again, and all equals what is built from scratch."""
    trial = new_trial(driver_rows=driver_rows, today=date(2024, 5, 14))
    give(trial, FIRST, "10 20:00 2001 ONLINE", "10 09:00 2002 ONLINE", "10 09:30 2002 OFFLINE")
    give(trial, SECOND)
    give(trial, THIRD, "12 10:00 2001 ONLINE", "12 10:30 2001 OFFLINE")
    assert trial.run(end=THIRD).exit_code == 0
    assert list(worked(trial)) == [
        "10 09",
        *(f"10 {h}" for h in range(20, 24)),
        *(f"11 {h:02}" for h in range(8)),
        "12 10",
    ]

    give(trial, FOURTH, "10 20:30 2001 OFFLINE")
    report = trial.run(end=FOURTH)

    assert report.exit_code == 0
    assert worked(trial) == {"10 09": 1800, "10 20": 1800, "12 10": 1800}
    assert outcome(report, "agent_activity_intervals") == ("published", "agent_events changed", 2)
    weeks = {row["extension"]: row for row in trial.rows("gold/agent_activity_weekly")}
    assert (weeks["2001"]["week_start"], weeks["2001"]["active_days"]) == (date(2024, 5, 6), 2)
    assert str(weeks["2001"]["productive_hours"]) == "1.0000"
    present = {row["ops_date"]: row["intervals_present"] for row in trial.rows("gold/activity_completeness")}
    assert present == {FIRST: 4, SECOND: 0, THIRD: 2, FOURTH: 0}
    assert outcome(report, "activity_completeness")[2] == 3  # not Sunday
    before = content(trial)
    trial.rebuild(TABLES)
    assert content(trial) == before


@pytest.mark.engine
def test_a_week_is_computed_from_all_its_days(trial: Trial) -> None:
    """Sunday's delivery adds to the hours of Friday; Monday's begins another week and leaves that one."""
    trial.options = {"today": date(2024, 5, 14)}
    give(trial, FIRST, "10 09:00 2001 ONLINE", "10 10:00 2001 OFFLINE")
    trial.run(end=FIRST)
    give(trial, THIRD, "12 09:00 2001 ONLINE", "12 11:00 2001 OFFLINE")
    trial.run(end=THIRD)
    assert [str(row["productive_hours"]) for row in trial.rows("gold/agent_activity_weekly")] == ["3.0000"]
    give(trial, FOURTH, "13 09:00 2001 ONLINE", "13 09:30 2001 OFFLINE")

    report = trial.run(end=FOURTH)

    assert outcome(report, "agent_activity_weekly")[2] == 1
    hours = {row["week_start"]: str(row["productive_hours"]) for row in trial.rows("gold/agent_activity_weekly")}
    assert hours == {date(2024, 5, 6): "3.0000", date(2024, 5, 13): "0.5000"}


@pytest.mark.engine
def test_the_first_list_of_agents_gives_every_interval_its_agent(trial: Trial) -> None:
    """Until it comes extensions stand for themselves, and nothing waits for it."""
    trial.options = {"today": date(2024, 5, 14)}
    give(trial, FIRST, "10 09:00 2001 OFFLINE", "10 10:00 2002 OFFLINE")
    assert trial.run(end=FIRST).exit_code == 0
    assert _agents(trial) == {"extension:2001", "extension:2002"}
    assert trial.pipeline().publisher().pending() == {}
    name(trial, SECOND, "A001,2001,501,,", "A003,,503,,")

    report = trial.run(start=SECOND, end=SECOND, dataset="agent_identity")

    assert outcome(report, "agent_activity_intervals")[:2] == ("published", "agent_identity changed")
    assert _agents(trial) == {"A001", "extension:2002"}


def _agents(trial: Trial) -> set[str]:
    return {row["agent_id"] for row in trial.rows("gold/agent_activity_intervals")}


@pytest.mark.engine
def test_two_agents_who_claim_one_value_fail_their_delivery(trial: Trial) -> None:
    """The error names both, the column and the value; Silver stays at the list before, exceptions and Bronze are kept.
    Nulls and a row that a later one of the same agent replaces claim nothing; a corrected list heals the day."""
    trial.options = {"today": date(2024, 5, 14)}
    name(trial, FIRST, "A001,2001,,,", "A002,2002,,,", "A002,2003,,,")
    trial.load(end=FIRST)
    name(trial, SECOND, "A001,2001,501,,", "A002,2002,501,,", "A003,2003,,,", ",2009,,,", *_others(10))
    report = trial.load(end=SECOND)

    assert report.exit_code == 1
    state = trial.days("agent_identity")[SECOND]
    assert (state.status, state.error_class) == (Status.FAILED, "DataError")
    assert "agent_id A001 and agent_id A002 claim the same call_agent_id; found: '501'" in str(state.error_message)
    silver = without(trial.rows("silver/agent_identity"), ["_ingested_at", "_load_time"])
    assert {row["agent_id"]: row["extension"] for row in silver} == {"A001": "2001", "A002": "2003"}
    assert [row["reject_reason"] for row in trial.exceptions("open", dataset="agent_identity")] == ["missing_agent_id"]
    assert len([r for r in trial.rows("bronze/agent_identity") if r["_logical_date"] == SECOND]) == 14

    name(trial, SECOND, "A001,2001,501,,", "A002,2002,502,,")
    assert trial.load(end=SECOND).exit_code == 0
    assert {row["call_agent_id"] for row in trial.rows("silver/agent_identity")} == {501, 502}


def _others(number: int) -> list[str]:
    return [f"A1{n:02},,,," for n in range(number)]

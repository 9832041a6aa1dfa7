"""What the function finds due is what a run would take up, though it looks at few days only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from spark_jobs.contract import Contract, load_contracts
from spark_jobs.planning import Choice, make_plan
from spark_jobs.settings import load_settings
from state.landing import find_deliveries
from state.ledger import DayState, Ledger, Standing, Status
from tests.trigger_function.conftest import TODAY, Store
from trigger_function.looking import WORTH_A_RUN, Scope, look
from trigger_function.window import look_from

NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
MARCH_5 = date(2026, 3, 5)


def contracts(**changed: Any) -> dict[str, Contract]:
    """Those of tickets and agents; what is changed is of tickets."""
    found = load_contracts(None)
    return {"tickets": replace(found["tickets"], **changed), "agents_master": found["agents_master"]}


def history(store: Store, first: date, days: int) -> None:
    """So many days of tickets from `first` on, each delivered and loaded."""
    dates = [first + timedelta(days=number) for number in range(days)]
    for day in dates:
        store.deliver(str(day), f"ticket_id\n{day}\n")
    files = find_deliveries(store.landing, "tickets/%Y/%m/%Y-%m-%d.csv")
    Ledger(store.lake).put(
        *(DayState("tickets", day, Status.SUCCEEDED, 1, deliveries=tuple(files[day])) for day in dates)
    )


def planned(known: dict[str, Contract], **choice: Any) -> list[Any]:
    """What a run would take up, by the engine's own plan."""
    settings = load_settings()
    plan = make_plan(settings, known, Choice(**choice), ledger=Ledger(settings.lake), now=NOW)
    return [due for due in plan.due if due.action in WORTH_A_RUN]


def found(known: dict[str, Contract], scope: Scope | None = None) -> list[Any]:
    """What the function finds."""
    return list(look(load_settings(), known, scope or Scope(), NOW).due)


def test_a_gap_of_long_ago_is_found(store: Store) -> None:
    """A day without a row, one that failed, and one that a dead run left: each older than the look-back."""
    history(store, date(2025, 12, 1), 60)
    store.put("2025-12-05", Status.FAILED, attempt=1, deliveries=(store.file_of("2025-12-05"),))
    store.put("2025-12-09", Status.RUNNING, attempt=1, run_id="dead")
    store.deliver("2026-02-10")

    assert found(contracts()) == planned(contracts())
    assert [str(due.logical_date) for due in found(contracts())][:2] == ["2025-12-05", "2025-12-09"]


def test_a_feed_that_stopped_is_missing_since_then(store: Store) -> None:
    """Nothing was known of the days in the look-back."""
    history(store, date(2025, 11, 1), 3)

    due = found(contracts())

    assert due == planned(contracts())
    assert (due[0].logical_date, due[-1].logical_date) == (date(2025, 11, 4), date(2026, 3, 3))


def test_a_recent_correction_is_found(store: Store) -> None:
    """Every settled day of the last five weeks is looked at."""
    history(store, date(2026, 1, 10), 54)
    store.deliver("2026-02-01", "ticket_id\ncorrected\n")

    (due,) = found(contracts())

    assert (due.logical_date, due.reason) == (date(2026, 2, 1), "corrected delivery")


def test_an_older_correction_is_left_to_its_event(store: Store) -> None:
    """It is due to a run and to the object's own event, not to a schedule with nothing else to do."""
    history(store, date(2026, 1, 10), 54)
    store.deliver("2026-01-15", "ticket_id\ncorrected\n")

    assert len(planned(contracts())) == 1
    assert found(contracts()) == []
    day = date(2026, 1, 15)
    assert found(contracts(), Scope(day, day, "tickets")) == planned(contracts())


def test_a_dataset_that_is_new_is_looked_at_whole(store: Store) -> None:
    """Its first deliveries may be of years ago."""
    store.deliver("2023-05-01")
    store.deliver("2023-05-02")

    due = found(contracts())

    assert due == planned(contracts())
    assert due[0].logical_date == date(2023, 5, 1)


@pytest.mark.parametrize("starts_on", [date(2026, 2, 20), date(2025, 1, 1), date(2026, 5, 1)])
def test_the_contracts_first_day_holds(store: Store, starts_on: date) -> None:
    """Days before it are nobody's; it may lie before the ledger's first day, or ahead."""
    history(store, date(2026, 2, 18), 10)
    known = contracts(starts_on=starts_on)

    assert found(known) == planned(known)


@pytest.mark.parametrize("force", [False, True])
def test_days_that_are_asked_for_are_as_the_plan_has_them(store: Store, force: bool) -> None:
    """With settled days where they are forced."""
    history(store, date(2026, 1, 1), 20)
    store.deliver("2026-01-25")
    start, end = date(2026, 1, 15), date(2026, 1, 31)

    due = found(contracts(), Scope(start, end, force=force))

    assert due == planned(contracts(), start=start, end=end, force=force)
    assert len(due) == (17 if force else 11)


def test_of_whole_deliveries_the_latest_counts(store: Store) -> None:
    """An older one that comes late starts nothing."""
    store.deliver("2026-03-03", "agent_id\nA1\n", "agents_master")
    store.load("2026-03-03", "agents_master")
    store.deliver("2026-03-01", "agent_id\nA0\n", "agents_master")
    day = date(2026, 3, 1)

    assert found(contracts(), Scope(day, day, "agents_master")) == []
    assert [d for d in found(contracts()) if d.dataset == "agents_master"] == []


def standing(day: str, status: Status = Status.SUCCEEDED, attempt: int = 1, error: str | None = None) -> Standing:
    """How a day of tickets stands."""
    return Standing("tickets", date.fromisoformat(day), status, attempt, error)


@pytest.mark.parametrize(
    ("starts_on", "days", "first"),
    [
        (None, [], None),
        ("2025-01-01", [], "2025-01-01"),
        ("2026-03-01", [], "2026-01-29"),
        (None, [standing("2026-03-04")], "2026-01-29"),
        (None, [standing("2026-01-01"), standing("2026-01-03")], "2026-01-02"),
        (None, [standing("2026-01-01"), standing("2026-01-02", Status.FAILED, 2)], "2026-01-02"),
        (None, [standing("2026-01-01", Status.PENDING)], "2026-01-01"),
        (None, [standing("2026-01-01", Status.FAILED, 3), standing("2026-01-02", Status.SKIPPED, 0)], "2026-01-03"),
        (None, [standing("2026-01-01", Status.FAILED, 0, "missing_delivery")], "2026-01-02"),
    ],
)
def test_the_first_day_to_look_at(starts_on: str | None, days: list[Standing], first: str | None) -> None:
    """The first open one, at the latest five weeks ago; nothing known: all."""
    begins = None if starts_on is None else date.fromisoformat(starts_on)

    assert look_from(begins, days, MARCH_5) == (None if first is None else date.fromisoformat(first))
    assert str(MARCH_5) == TODAY


def test_tables_and_tabs_are_left_to_the_run(store: Store) -> None:
    """The function asks no server: a day of a table is worth a run once its time is over, like any that isn't there."""
    store.deliver("2026-03-04")
    Ledger(store.lake).put(
        DayState("web_complaints", date(2026, 3, 2), Status.SUCCEEDED, 1, loaded=("d",)),
        DayState("complaint_agents", date(2026, 3, 2), Status.SUCCEEDED, 1, loaded=("d",)),
    )
    dues = {(due.dataset, str(due.logical_date)): due.action for due in found(load_contracts(None))}
    assert dues == {("tickets", "2026-03-04"): "load", ("web_complaints", "2026-03-03"): "missing"}

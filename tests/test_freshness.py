"""What a dataset's ledger, landing and contract say of its freshness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.contract import Contract, load_contracts
from spark_jobs.freshness import Condition, DatasetFreshness, look
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger, Status
from state.runs import Run, Runs

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)  # half a day after the business day 2026-03-04 ended
BUILT_IN = load_contracts(None)
TICKETS, AGENTS = BUILT_IN["tickets"], BUILT_IN["agents_master"]
Judge = Callable[..., DatasetFreshness]


def day(number: int, status: Status = Status.SUCCEEDED, dataset: str = "tickets", **facts: Any) -> DayState:
    """A day of March 2026 in the ledger."""
    return DayState(dataset, date(2026, 3, number), status, 1, "r1", **facts)


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A lake on which a run ended an hour ago."""
    lake = str(tmp_path / "lake")
    ended = NOON - timedelta(hours=1)
    Runs(lake).put(Run("r1", "opslake run", ended - timedelta(minutes=1), ended, 0))
    return lake


@pytest.fixture
def judge(root: str, tmp_path: Path) -> Judge:
    """Puts days into the ledger and looks at one dataset on 2026-03-05 at noon."""

    def judged(*states: DayState, contract: Contract = TICKETS, **options: Any) -> DatasetFreshness:
        Ledger(root).put(*states)
        settings = Settings(lake=root, landing=str(tmp_path / "landing"), today=date(2026, 3, 5))
        (found,) = look(settings, {contract.dataset: contract}, now=options.pop("now", NOON), **options).datasets
        return found

    return judged


def test_a_day_whose_time_is_not_over_is_awaited(judge: Judge) -> None:
    """Tickets of 03-04 may come until the end of 03-05."""
    assert judge(day(3)).condition is Condition.FRESH


def test_a_delivery_that_never_came_is_missing_once_its_time_is_over(judge: Judge) -> None:
    """From the first moment of 03-05 on for 03-03, although no run has said so yet."""
    found = judge(day(2), now=datetime(2026, 3, 5, tzinfo=UTC))

    assert found.condition is Condition.MISSING
    assert [(d.logical_date.day, d.condition) for d in found.days] == [(3, Condition.MISSING)]
    assert found.last_succeeded == date(2026, 3, 2)


def test_a_day_that_a_run_found_missing_is_missing(judge: Judge) -> None:
    """With what the ledger says of it."""
    lost = day(2, Status.FAILED, error_class="missing_delivery", error_message="no delivery until then")

    found = judge(day(1), lost, day(3))

    assert [(d.logical_date.day, d.condition, d.reason) for d in found.days] == [
        (2, Condition.MISSING, "no delivery until then")
    ]


def test_a_delivery_that_came_and_did_not_load_is_late(judge: Judge) -> None:
    """The reason is the error of the ledger."""
    bad = day(3, Status.FAILED, error_class="DataError", error_message="too many rejects")

    found = judge(bad)

    assert found.condition is Condition.LATE
    assert found.days[0].reason == "too many rejects"
    assert found.days[0].deadline == datetime(2026, 3, 5, tzinfo=UTC)


def test_a_failed_day_within_its_time_is_not_late_yet(judge: Judge) -> None:
    """03-04 has until the end of 03-05."""
    assert judge(day(3), day(4, Status.FAILED, error_class="DataError")).condition is Condition.FRESH


def test_a_delivery_that_lies_there_unloaded_is_late_and_not_missing(judge: Judge, tmp_path: Path) -> None:
    """It came; the run didn't."""
    file = tmp_path / "landing/tickets/2026/03/2026-03-03.csv"
    file.parent.mkdir(parents=True)
    file.write_text("ticket_id\nT1\n")

    found = judge(day(2))

    assert [(d.logical_date.day, d.condition, d.reason) for d in found.days] == [(3, Condition.LATE, "new delivery")]


def test_the_contract_says_how_long_a_delivery_may_take(judge: Judge) -> None:
    """With 12 hours 03-04 is missing at noon; a minute earlier it isn't."""
    quick = replace(TICKETS, sla_hours=12)

    assert judge(day(3), contract=quick).condition is Condition.MISSING
    assert judge(contract=quick, now=NOON - timedelta(minutes=1)).condition is Condition.FRESH


def test_reference_data_that_may_be_missing_is_never_missing(judge: Judge) -> None:
    """Nothing comes for days, and what an earlier contract called missing is so no more."""
    lost = day(2, Status.FAILED, "agents_master", error_class="missing_delivery")

    assert judge(day(1, dataset="agents_master"), lost, contract=AGENTS).condition is Condition.FRESH


def test_a_list_that_came_and_failed_is_late_until_a_newer_one_is_loaded(judge: Judge) -> None:
    """Days may be missing, but this one wasn't: 03-02 failed, then 03-03 is loaded."""
    bad = day(2, Status.FAILED, "agents_master", error_class="DataError", error_message="A1 twice")

    found = judge(day(1, dataset="agents_master"), bad, contract=AGENTS)
    assert [(d.logical_date.day, d.condition, d.reason) for d in found.days] == [(2, Condition.LATE, "A1 twice")]
    assert judge(day(3, dataset="agents_master"), contract=AGENTS).condition is Condition.FRESH


def test_a_list_that_lies_there_unloaded_is_late(judge: Judge, tmp_path: Path) -> None:
    """That of 03-03, once its time is over."""
    file = tmp_path / "landing" / f"{date(2026, 3, 3):{AGENTS.path}}"
    file.parent.mkdir(parents=True)
    file.write_text("agent_id\nA1\n")

    found = judge(day(1, dataset="agents_master"), contract=AGENTS)

    assert [(d.logical_date.day, d.condition) for d in found.days] == [(3, Condition.LATE)]


def test_a_whole_list_needs_none_of_the_earlier_ones(judge: Judge) -> None:
    """03-01 failed, 03-03 succeeded: nothing is open."""
    lists = replace(AGENTS, missing_days="fail")
    states = [day(1, Status.FAILED, "agents_master", error_class="DataError"), day(3, dataset="agents_master")]

    assert judge(*states, contract=lists).condition is Condition.FRESH


def test_a_dataset_that_was_never_delivered_and_promises_nothing_has_not_started(judge: Judge) -> None:
    """A lake needn't have every dataset; one that says when it starts must."""
    assert judge().condition is Condition.NOT_STARTED
    assert judge(contract=replace(TICKETS, starts_on=date(2026, 3, 3))).condition is Condition.MISSING


def test_without_a_run_for_a_day_nobody_knows(judge: Judge, root: str) -> None:
    """The last one ended an hour before noon: 24 hours later it still counts, a second later not."""
    last = NOON - timedelta(hours=1)
    Ledger(root).put(day(3), day(4))

    assert judge(now=last + timedelta(hours=24)).condition is Condition.FRESH
    assert judge(now=last + timedelta(hours=24, seconds=1)).condition is Condition.NO_RUN


@pytest.mark.parametrize("ending", [{"finished_at": None}, {"finished_at": NOON, "error": "EngineError"}])
def test_a_run_that_died_or_that_an_error_ended_is_none(judge: Judge, root: str, ending: dict[str, Any]) -> None:
    """Only one that came to its end says how the data are."""
    Runs(root).put(Run("r2", "opslake run", NOON, **ending))

    assert judge(day(3), day(4), now=NOON + timedelta(hours=23, seconds=1)).condition is Condition.NO_RUN


def test_older_days_can_be_left_aside(judge: Judge) -> None:
    """A day that is lost for good needn't fail the check for ever."""
    lost = day(1, Status.FAILED, error_class="missing_delivery")

    assert judge(lost, day(2), day(3), last_days=3).condition is Condition.FRESH
    assert judge(last_days=4).condition is Condition.MISSING

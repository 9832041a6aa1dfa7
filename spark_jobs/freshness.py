"""Whether each dataset is as far as its contract promises: from the ledger, the landing and the record of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from spark_jobs.contract import Contract
from spark_jobs.planning import Choice, make_plan
from spark_jobs.settings import Settings
from state.due import MISSING_DELIVERY, Due, deadline
from state.lease import current
from state.ledger import DayState, Ledger, Status
from state.runs import Run, Runs

LONGEST_PAUSE = timedelta(hours=24)
"""Within so much time some run must have come to its end."""


class Condition(StrEnum):
    """How a dataset fares; where several hold the first counts."""

    MISSING = "missing"  # a day's delivery never came, and its time is over
    LATE = "late"  # a day's time is over and it hasn't SUCCEEDED
    NO_RUN = "no_run"  # no run has come to its end for too long, so nobody can know
    NOT_STARTED = "not_started"  # nothing was ever delivered and nothing is promised
    FRESH = "fresh"


GOOD = (Condition.FRESH, Condition.NOT_STARTED)


@dataclass(frozen=True)
class OpenDay:
    """A day whose time is over; `deadline` is the instant at which it was."""

    dataset: str
    logical_date: date
    condition: Condition
    deadline: datetime
    reason: str


@dataclass(frozen=True)
class DatasetFreshness:
    """One dataset, and the days that it is late with, in order."""

    dataset: str
    condition: Condition
    sla_hours: int
    last_succeeded: date | None
    days: tuple[OpenDay, ...]


@dataclass(frozen=True)
class Freshness:
    """Every dataset as it stands at an instant; `last_run` is the latest run that came to its end."""

    checked_at: datetime
    last_run: Run | None
    datasets: tuple[DatasetFreshness, ...]

    @property
    def has_run(self) -> bool:
        """Some run came to its end in the last 24 hours."""
        return _ran_lately(self.last_run, self.checked_at)

    @property
    def is_fresh(self) -> bool:
        """Nothing is late, missing or unknown."""
        return all(d.condition in GOOD for d in self.datasets)

    @property
    def days(self) -> tuple[OpenDay, ...]:
        """The days of all datasets whose time is over."""
        return tuple(day for d in self.datasets for day in d.days)


def look(
    settings: Settings,
    contracts: Mapping[str, Contract],
    *,
    last_days: int | None = None,
    now: datetime | None = None,
) -> Freshness:
    """Look at every dataset; `last_days` leaves older days aside. Nothing is changed."""
    now = now or datetime.now(UTC)
    lease = current(settings.lake)
    live_run = lease.run_id if lease is not None and not lease.free(now) else None
    since = settings.business_today - timedelta(days=last_days) if last_days is not None else None
    choice = Choice(start=since)
    plan = make_plan(settings, contracts, choice, ledger=Ledger(settings.lake), now=now, live_run=live_run)
    last_run = Runs(settings.lake).last_finished()
    judged = []
    for name, contract in contracts.items():
        states = [s for s in plan.states if s.dataset == name]
        dues = plan.of(name, "load", "finish", "missing", "skip", "wait")
        days = open_days(contract, states, dues, settings, now)
        judged.append(_judge(contract, states, dues, [d for d in days if since is None or d.logical_date >= since]))
    ran = _ran_lately(last_run, now)
    return Freshness(now, last_run, tuple(d if ran else _without_a_run(d) for d in judged))


def open_days(
    contract: Contract, states: Iterable[DayState], dues: Iterable[Due], settings: Settings, now: datetime
) -> list[OpenDay]:
    """The days of a dataset whose time is over at `now` and that are late or missing, in order."""
    known, due = {s.logical_date: s for s in states}, {d.logical_date: d for d in dues}
    done = [day for day, state in known.items() if state.status is Status.SUCCEEDED]
    latest = max(done, default=date.min) if contract.load_mode == "replace" else date.min
    found = []
    for day in sorted({*known, *due}):
        latest_moment = deadline(day, contract.sla_hours, settings.zone)
        verdict = _verdict(known.get(day), due.get(day))
        if verdict is None or now < latest_moment or day < latest:  # a whole list needs none of the earlier ones
            continue
        condition, reason = verdict
        if condition is Condition.MISSING and contract.missing_days == "skip":
            continue  # nothing had to come; what did come must load all the same
        found.append(OpenDay(contract.dataset, day, condition, latest_moment, reason))
    return found


def _verdict(state: DayState | None, due: Due | None) -> tuple[Condition, str] | None:
    """What a day is once its time is over, and why; None where nothing is open."""
    if state is not None and state.status in (Status.SUCCEEDED, Status.SKIPPED):
        return None
    failed = state is not None and state.status is Status.FAILED
    if state is not None and failed and state.error_class != MISSING_DELIVERY:
        return Condition.LATE, state.error_message or "failed"  # it came, whether or not it still lies there
    if due is not None and due.action in ("skip", "wait"):
        return None
    if due is not None:
        return (Condition.MISSING if due.action == "missing" else Condition.LATE), due.reason
    if state is None:
        return None
    if failed:
        return Condition.MISSING, state.error_message or "no delivery"
    return Condition.LATE, f"run {state.run_id} has it under way"


def _judge(contract: Contract, states: list[DayState], dues: list[Due], days: list[OpenDay]) -> DatasetFreshness:
    conditions = {day.condition for day in days}
    if conditions:
        condition = Condition.MISSING if Condition.MISSING in conditions else Condition.LATE
    else:
        condition = Condition.FRESH if states or dues else Condition.NOT_STARTED
    done = [s.logical_date for s in states if s.status is Status.SUCCEEDED]
    return DatasetFreshness(contract.dataset, condition, contract.sla_hours, max(done, default=None), tuple(days))


def _ran_lately(run: Run | None, now: datetime) -> bool:
    return run is not None and run.finished_at is not None and now - run.finished_at <= LONGEST_PAUSE


def _without_a_run(one: DatasetFreshness) -> DatasetFreshness:
    if one.condition not in GOOD:
        return one
    return DatasetFreshness(one.dataset, Condition.NO_RUN, one.sla_hours, one.last_succeeded, one.days)

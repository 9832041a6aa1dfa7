"""What is due: the days of a dataset that a run should take up now, and why.

Pure: it reads no table, no folder and no clock. It assumes that the caller holds the lake, so that a RUNNING row
belongs to a dead run; whoever only looks (`plan`, the trigger) names the living one in `live_run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from state.landing import Delivery
from state.ledger import DayState, Status

DAY = timedelta(days=1)
MISSING_DELIVERY = "missing_delivery"  # the error class of a day whose delivery didn't come in time
Action = Literal["load", "finish", "missing", "skip", "wait"]


class Dataset(Protocol):
    """What must be known of a dataset; spark_jobs.contract.Contract has it all."""

    @property
    def dataset(self) -> str:
        """Its name."""

    @property
    def path(self) -> str:
        """The path template of its deliveries."""

    @property
    def starts_on(self) -> date | None:
        """Its first day; None: the day of its first delivery."""

    @property
    def missing_days(self) -> Literal["fail", "skip"]:
        """What a day without a delivery is, once its time is over."""

    @property
    def sla_hours(self) -> int:
        """Hours after the logical date's end by which its delivery must be there."""

    @property
    def ready_marker(self) -> bool:
        """Whether a delivery counts only once its ready marker is there."""

    @property
    def load_mode(self) -> Literal["merge", "replace"]:
        """`replace`: each delivery is the whole dataset, so that only the latest matters."""


@dataclass(frozen=True)
class Due:
    """One day to take up. `load`: from the landing; `finish`: Silver has it, the rest is open; `missing`: FAILED as
    missing_delivery; `skip`: SKIPPED; `wait`: PENDING. `attempt` counts from 1 for what is loaded."""

    dataset: str
    logical_date: date
    action: Action
    reason: str
    deliveries: tuple[Delivery, ...] = ()
    attempt: int = 0


@dataclass(frozen=True)
class _Question:
    """What is the same for every day of one call."""

    contract: Dataset
    now: datetime
    zone: ZoneInfo
    force: bool
    max_attempts: int
    live_run: str | None

    def say(
        self, day: date, action: Action, reason: str, deliveries: tuple[Delivery, ...] = (), attempt: int = 0
    ) -> Due:
        return Due(self.contract.dataset, day, action, reason, deliveries, attempt)


def deadline(day: date, sla_hours: int, zone: ZoneInfo) -> datetime:
    """The end of the business day and the hours that its delivery may take, as an instant."""
    end = datetime.combine(day + DAY, time(), zone)
    return datetime.fromtimestamp(end.timestamp() + 3600 * sla_hours, zone)


def always_ready(_dataset: str, _day: date) -> bool:
    """Takes every ready marker as given."""
    return True


def what_is_due(
    contract: Dataset,
    deliveries: Mapping[date, list[Delivery]],
    days: Iterable[DayState],
    *,
    today: date,
    now: datetime,
    zone: str,
    start: date | None = None,
    end: date | None = None,
    force: bool = False,
    max_attempts: int = 3,
    ready: Callable[[str, date], bool] = always_ready,
    live_run: str | None = None,
    named: bool = False,
) -> list[Due]:
    """The due days of one dataset in order of their dates.

    `deliveries` is what lies in the landing now and `days` the ledger; both must be whole, not cut to `start` and
    `end`. `today` is the business date and `now` an instant with a zone; `zone` is the business time zone. `end` may
    reach to `today`, whose delivery counts if it is there. `ready(dataset, day)` is asked only where the contract
    waits for markers; `functools.partial(is_ready, landing)` fits. RUNNING days of `live_run` are left alone.
    Where the dataset was `named`, the days from `start` to `end` are in question before its first delivery, too.
    """
    states = {state.logical_date: state for state in days if state.dataset == contract.dataset}
    question = _Question(contract, now, ZoneInfo(zone), force, max_attempts, live_run)
    due: list[Due] = []
    awaited = start if named and end is not None and contract.missing_days == "fail" else None
    for day in _days_in_question(contract, deliveries, states, today, start, end, awaited):
        files = tuple(deliveries.get(day, ()))
        state = states.get(day)
        done = state is not None and state.status is Status.SUCCEEDED and not force and not changed(files, state)
        unready = bool(files) and contract.ready_marker and not done and not ready(contract.dataset, day)
        if files and not unready:
            answer = _with_delivery(question, day, files, state)
        else:
            answer = _without_delivery(question, day, files, state)
        if answer is not None:
            due.append(answer)
    return _only_the_latest(due, states) if contract.load_mode == "replace" else due


def changed(files: Iterable[Delivery], state: DayState | None) -> bool:
    """Whether the landing holds content for the day that its ledger row doesn't name; what vanished is no change."""
    named = {d.checksum for d in state.deliveries} if state else set()
    return not {d.checksum for d in files} <= named


def is_beginning(state: DayState) -> bool:
    """Whether the days after it are expected: not after one that was only asked for, and missed."""
    return bool(state.deliveries) or state.error_class != MISSING_DELIVERY


def _days_in_question(
    contract: Dataset,
    deliveries: Mapping[date, list[Delivery]],
    states: Mapping[date, DayState],
    today: date,
    start: date | None,
    end: date | None,
    awaited: date | None,
) -> list[date]:
    seen = [*(day for day, files in deliveries.items() if files), *(d for d, s in states.items() if is_beginning(s))]
    first = contract.starts_on or min(seen, default=awaited)
    if first is None:
        return []
    last = today if end is not None and end >= today and deliveries.get(today) else today - DAY
    first, last = max(first, start or first), min(last, end or last)
    return [first + n * DAY for n in range((last - first).days + 1)]


def _with_delivery(question: _Question, day: date, files: tuple[Delivery, ...], state: DayState | None) -> Due | None:
    say = question.say
    if state is None or state.status is Status.PENDING:
        return say(day, "load", "new delivery", files, 1)
    if state.status is Status.RUNNING:
        return _of_a_run(question, files, state)
    if changed(files, state):
        return say(day, "load", "corrected delivery" if state.deliveries else "late delivery", files, 1)
    if state.status is Status.FAILED and state.attempt < question.max_attempts:
        reason = f"failed with {state.error_class or 'an error'}, try {state.attempt + 1} of {question.max_attempts}"
        return say(day, "load", reason, files, state.attempt + 1)
    return say(day, "load", "forced", files, state.attempt + 1) if question.force else None


def _of_a_run(question: _Question, files: tuple[Delivery, ...], state: DayState) -> Due | None:
    """A day that a run began and didn't end."""
    if question.live_run is not None and state.run_id == question.live_run:
        return None
    reason = f"run {state.run_id} died"
    if changed(files, state):
        return question.say(state.logical_date, "load", f"{reason}, and the delivery has changed", files, 1)
    if state.silver_version is not None:
        files = files or state.deliveries
        return question.say(state.logical_date, "finish", f"{reason} after Silver", files, state.attempt)
    return question.say(state.logical_date, "load", reason, files, state.attempt + 1)


def _without_delivery(
    question: _Question, day: date, files: tuple[Delivery, ...], state: DayState | None
) -> Due | None:
    """A day whose delivery isn't there, or lies there as `files` but isn't released by its marker yet."""
    unready = bool(files)
    if state is not None and _settled(question, files, state):
        return None
    if state is not None and state.status is Status.RUNNING and state.silver_version is not None:
        return _of_a_run(question, (), state)
    what, attempt = "no ready marker" if unready else "no delivery", state.attempt if state else 0
    latest = deadline(day, question.contract.sla_hours, question.zone)
    until = latest.strftime("%Y-%m-%d %H:%M %Z")
    if question.now < latest:
        return question.say(day, "wait", f"{what} yet, may come until {until}", attempt=attempt)
    if question.contract.missing_days == "skip" and not unready:
        return question.say(day, "skip", f"{what} until {until}, which this dataset allows", attempt=attempt)
    expected = day.strftime(question.contract.path)
    return question.say(day, "missing", f"{what} until {until}: {expected}", attempt=attempt)


def _settled(question: _Question, files: tuple[Delivery, ...], state: DayState) -> bool:
    """Whether a day without a released delivery needs nothing, or nothing more."""
    if state.status is Status.RUNNING:
        return question.live_run is not None and state.run_id == question.live_run
    if state.status is Status.SKIPPED:
        return not changed(files, state)
    missing_already = state.status is Status.FAILED and state.error_class == MISSING_DELIVERY
    return state.status is Status.SUCCEEDED or missing_already


def _only_the_latest(due: list[Due], states: Mapping[date, DayState]) -> list[Due]:
    """Of whole-dataset deliveries the latest alone is loaded, and none that is older than what Silver has."""
    done = [day for day, state in states.items() if state.status is Status.SUCCEEDED]
    latest = max([*done, *(d.logical_date for d in due if d.action in ("load", "finish"))], default=date.min)
    kept: list[Due] = []
    for one in due:
        if one.action != "load" or one.logical_date == latest:
            kept.append(one)
            continue
        state = states.get(one.logical_date)
        settled = state is not None and state.status in (Status.SUCCEEDED, Status.SKIPPED)
        if not settled:  # a settled day keeps its row, whatever comes for it now
            reason = f"superseded by the delivery of {latest.isoformat()}"
            kept.append(replace(one, action="skip", reason=reason, attempt=state.attempt if state else 0))
    return kept

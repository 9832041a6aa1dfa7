"""What stands after a run or a check, looked at anew each time, and how to know what of the rest is well again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from spark_jobs import events
from spark_jobs.completeness import Completeness, check_completeness, window_of_day
from spark_jobs.contract import Contract
from spark_jobs.errors import OpslakeError
from spark_jobs.events import FAILURES, RUN, Event, subject_of
from spark_jobs.freshness import Freshness, look
from spark_jobs.log import log
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger, Status
from state.progress import Progress

ACTIVITY = "agent_events"
MOST_LOADED, MOST_KNOWN = 7, 31
"""Of the days that a run loaded, and of those known as incomplete, so many, the latest, are checked after it."""


@dataclass(frozen=True)
class Verdict:
    """Events that stand; `is_over(kind, subject)` says of anything else that was told whether it is well now."""

    standing: tuple[Event, ...]
    is_over: Callable[[str, str], bool]
    withheld: frozenset[str] = field(default=frozenset())
    """Keys of what stands and isn't told now, because another message says it."""


def of_the_run(settings: Settings, command: str, run_id: str, seconds: float, error: OpslakeError | None) -> Verdict:
    """The run's own end and length."""
    standing: list[Event] = []
    if error is not None:
        standing.append(events.run_failure(settings.lake, command, run_id, error))
    limit = settings.run_sla_minutes
    if limit is not None and seconds > limit * 60:
        standing.append(events.long_run(settings.lake, command, run_id, seconds, limit))
    is_well = error is None

    def is_over(kind: str, subject: str) -> bool:
        return (subject == RUN and kind in ("run_failed", "run_too_long")) or (kind == "no_run" and is_well)

    return Verdict(tuple(standing), is_over)


def of_gold(settings: Settings) -> Verdict:
    """Gold tables that failed; one that only waits for another isn't well and isn't news."""
    tables = Progress(settings.lake).all().values()
    good = {events.subject_of_table(t.table) for t in tables if t.status == "OK"}
    standing = events.failed_tables(settings.lake, tables)
    return Verdict(tuple(standing), lambda kind, subject: kind == "run_failed" and subject in good)


def of_failed_days(settings: Settings, contracts: Mapping[str, Contract]) -> Verdict:
    """Days that are FAILED; a failed one that is being tried again isn't well yet."""
    states = Ledger(settings.lake).days()
    settled = {subject_of(s.dataset, s.logical_date) for s in states if s.status in (Status.SUCCEEDED, Status.SKIPPED)}
    standing = events.failed_days(settings.lake, states, contracts)

    def is_over(kind: str, subject: str) -> bool:
        return kind in FAILURES and subject in settled

    return Verdict(tuple(standing), is_over)


def of_freshness(settings: Settings, found: Freshness, *, whole: bool) -> Verdict:
    """Days whose time is over; `whole`: every day was looked at, so that all others are well."""
    standing = events.open_deliveries(settings.lake, found.days)
    return Verdict(tuple(standing), lambda kind, _: kind == "sla_passed" and whole)


def of_freshness_after_a_run(settings: Settings, contracts: Mapping[str, Contract], failed: Collection[str]) -> Verdict:
    """The same, but of days (subjects) that are known to have failed it isn't told beside it that they are late."""
    verdict = of_freshness(settings, look(settings, contracts), whole=True)
    withheld = frozenset(event.key for event in verdict.standing if event.subject in failed)
    return Verdict(verdict.standing, verdict.is_over, withheld)


def of_no_run(settings: Settings, found: Freshness) -> Verdict:
    """Whether a run has come to its end lately."""
    return Verdict(tuple(events.no_run(settings.lake, found)), lambda kind, _: kind == "no_run")


def of_completeness(settings: Settings, *found: Completeness) -> Verdict:
    """Windows that were checked."""
    complete = {f.window.name for f in found if f.is_complete}
    standing = [event for f in found for event in events.incomplete(settings.lake, f)]
    return Verdict(tuple(standing), lambda kind, subject: kind == "incomplete_intervals" and subject in complete)


def of_loaded_activity(settings: Settings, days: Iterable[DayState], told: Iterable[str]) -> Verdict:
    """The days of agent activity that a run loaded and, when any was, those told as incomplete: it may fill them."""
    loaded = sorted({d.logical_date for d in days if d.dataset == ACTIVITY and d.status is Status.SUCCEEDED})
    known = sorted(filter(None, map(_as_day, told))) if loaded else []
    wanted: Sequence[date] = sorted({*loaded[-MOST_LOADED:], *known[-MOST_KNOWN:]})
    found = [check_completeness(settings.lake, window_of_day(day, settings.zone)) for day in wanted]
    for one in found:
        if not one.is_complete:
            log.warning("activity.incomplete", window=one.window.name, expected=one.expected, present=one.present)
    return of_completeness(settings, *found)


def _as_day(subject: str) -> date | None:
    """The day that a window's name says; None for one of the last hours."""
    try:
        return date.fromisoformat(subject)
    except ValueError:
        return None

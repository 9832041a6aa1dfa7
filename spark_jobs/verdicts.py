"""What stands after a run or a check, looked at anew each time, and how to know what of the rest is well again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from spark_jobs import events
from spark_jobs.completeness import Completeness, check_windows, window_of_day
from spark_jobs.contract import Contract
from spark_jobs.errors import OpslakeError
from spark_jobs.events import FAILURES, RUN, Event, subject_of
from spark_jobs.freshness import Freshness, look
from spark_jobs.log import log
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger, Status
from state.progress import Progress

if TYPE_CHECKING:
    from spark_jobs.pipeline import Report

ACTIVITY = "agent_events"
MOST_KNOWN, MOST_LOGGED = 31, 7
"""Of the days known as incomplete so many, the latest, are looked at again; of those found so, so many are logged."""


@dataclass
class Ended:
    """What must be known of a run that is over; `subject`: `run` where it loads, else the name of the command."""

    command: str
    run_id: str = ""
    seconds: float = 0.0
    days: Sequence[DayState] = ()
    error: OpslakeError | None = None
    subject: str = RUN
    began: float = field(default_factory=time.monotonic)

    @property
    def is_well(self) -> bool:
        """It loaded, or found nothing due, and no error ended it."""
        return self.subject == RUN and self.error is None

    def as_of(self, report: Report) -> Report:
        """Take over what the report says, and hand it on."""
        self.run_id, self.seconds, self.days, self.error = report.run_id, report.seconds, report.days, report.error
        return report


@dataclass(frozen=True)
class Verdict:
    """Events that stand; `is_over(kind, subject)` says of anything else that was told whether it is well now."""

    standing: tuple[Event, ...]
    is_over: Callable[[str, str], bool]
    withheld: frozenset[str] = field(default=frozenset())
    """Keys of what stands and isn't told now, because another message says it."""


def of_the_run(settings: Settings, ended: Ended) -> Verdict:
    """The run's own end and length; of a command that loads nothing its end alone, which says nothing of the runs."""
    lake, command, run_id, limit = settings.lake, ended.command, ended.run_id, settings.run_sla_minutes
    standing: list[Event] = []
    if ended.error is not None:
        standing.append(events.run_failure(lake, ended.subject, command, run_id, ended.error))
    if ended.subject == RUN and limit is not None and ended.seconds > limit * 60:
        standing.append(events.long_run(lake, command, run_id, ended.seconds, limit))

    def is_over(kind: str, subject: str) -> bool:
        if kind == "run_failed":
            return subject.partition("/")[0] == ended.subject and ended.error is None
        return ended.is_well and kind in ("run_too_long", "no_run")

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


def of_activity(settings: Settings, ended: Ended, told: Iterable[str]) -> Verdict:
    """The days of agent activity that a run loaded, yesterday, and those told as incomplete, which it may have filled.

    Yesterday counts for each run that loads, once the lake has ever had activity: so a load that never came is seen.
    """
    loaded = {d.logical_date for d in ended.days if d.dataset == ACTIVITY and d.status is Status.SUCCEEDED}
    known = sorted(set(filter(None, map(_as_day, told))))[-MOST_KNOWN:]
    yesterday = [settings.business_today - timedelta(days=1)] if ended.is_well and _has_activity(settings) else []
    wanted = sorted({*loaded, *known, *yesterday})
    found = check_windows(settings.lake, [window_of_day(day, settings.zone) for day in wanted])
    _log(found)
    return of_completeness(settings, *found)


def _has_activity(settings: Settings) -> bool:
    return any(day.status is Status.SUCCEEDED for day in Ledger(settings.lake).outline(ACTIVITY))


def _log(found: Iterable[Completeness]) -> None:
    """The latest incomplete windows; of a long backfill the others as a number."""
    incomplete = [one for one in found if not one.is_complete]
    earlier = incomplete[:-MOST_LOGGED]
    if earlier:
        log.warning("activity.incomplete", windows=len(earlier), since=earlier[0].window.name)
    for one in incomplete[-MOST_LOGGED:]:
        log.warning("activity.incomplete", window=one.window.name, expected=one.expected, present=one.present)


def _as_day(subject: str) -> date | None:
    """The day that a window's name says; None for one of the last hours."""
    try:
        return date.fromisoformat(subject)
    except ValueError:
        return None

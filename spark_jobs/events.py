"""What needs somebody: each event with its message, which says what, where, in figures, and what to do.

Pure: from rows of the state tables and the results of checks to events; sends and remembers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from spark_jobs.completeness import Completeness
from spark_jobs.contract import Contract
from spark_jobs.errors import DataError, OpslakeError
from spark_jobs.freshness import LONGEST_PAUSE, Condition, Freshness, OpenDay
from state.due import MISSING_DELIVERY
from state.ledger import DayState, Status
from state.progress import TableProgress

Kind = Literal["run_failed", "reject_ratio", "sla_passed", "incomplete_intervals", "run_too_long", "no_run"]
KINDS: tuple[Kind, ...] = (
    "run_failed",
    "reject_ratio",
    "sla_passed",
    "incomplete_intervals",
    "run_too_long",
    "no_run",
)
FAILURES: tuple[Kind, ...] = ("run_failed", "reject_ratio")
MILD: tuple[Kind, ...] = ("incomplete_intervals", "run_too_long")
RUN, LAKE = "run", "lake"  # subjects of what happens to no dataset
MOST_TEXT, MOST_LISTED, MOST_LIST = 1000, 30, 3000
"""Characters of an error's text, events, and characters of their list, that a message carries: some receivers refuse
long ones."""
MOST_PLACE, NUMBERED = 80, r"[^\s/]*\d[^\s/]*"
"""Characters of an error's place that tell it from others, and the parts of it that may differ from try to try."""


@dataclass(frozen=True)
class Event:
    """Something that lasts until it is found well again; the same kind and subject is the same event."""

    kind: Kind
    subject: str
    title: str
    lines: tuple[str, ...]
    detail: str = ""
    """What stands beside the title in a message about several."""

    @property
    def key(self) -> str:
        """What it is remembered by: no run, no attempt and no time is in it."""
        return f"{self.kind}/{self.subject}"

    @property
    def text(self) -> str:
        """The message's body."""
        return "\n".join(self.lines)


def subject_of(dataset: str, logical_date: date) -> str:
    """A dataset's day as a subject."""
    return f"{dataset} {logical_date}"


def subject_of_table(table: str) -> str:
    """A Gold table as a subject."""
    return f"gold/{table}"


def run_failure(lake: str, subject: str, command: str, run_id: str, error: OpslakeError) -> Event:
    """A run that an error ended; another kind of error, or the same at another place, is another event.

    `subject`: `run`, or the name of a command that loads nothing.
    """
    return Event(
        "run_failed",
        f"{subject}/{_cause(error, command)}",
        f"opslake: {'the run' if subject == RUN else subject} failed ({type(error).__name__})",
        (
            f"What: {_cut(str(error))}",
            f"Where: lake {lake}" + (f", run {run_id}" if run_id else ""),
            "Do: see `opslake status` and mend what the message names; "
            f"then run it again, it goes on where it was: `{command}`",
        ),
    )


def _cause(error: OpslakeError, command: str) -> str:
    """Kind and place of an error, without what differs from one try to the next: numbers, days, ids, its text."""
    foreign = error.__cause__
    kind = type(error).__name__ + (f" by {type(foreign).__name__}" if foreign is not None else "")
    place = error.where if error.where != command else None
    return kind + (f" at {re.sub(NUMBERED, '#', place)[:MOST_PLACE]}" if place else "")


def long_run(lake: str, command: str, run_id: str, seconds: float, limit_minutes: float) -> Event:
    """A run that lasted longer than the setting `run_sla_minutes` allows."""
    return Event(
        "run_too_long",
        RUN,
        f"opslake: a run took {seconds / 60:.1f} minutes",
        (
            f"What: the run lasted longer than its limit of {limit_minutes:g} minutes (run_sla_minutes)",
            f"Where: lake {lake}, run {run_id}: `{command}`",
            f"Figures: {seconds:.0f} s",
            "Do: see `opslake status --json` for what it loaded; if it is as it should be, raise run_sla_minutes",
        ),
    )


def failed_days(lake: str, states: Iterable[DayState], contracts: Mapping[str, Contract]) -> list[Event]:
    """Days that are FAILED, those without a delivery aside: these are their service level's business."""
    failed = [s for s in states if s.status is Status.FAILED and s.error_class != MISSING_DELIVERY]
    return [
        _too_many_rejects(lake, s, contracts[s.dataset])
        if s.dataset in contracts and is_over_the_ratio(s, contracts[s.dataset])
        else _failed_day(lake, s)
        for s in failed
    ]


def is_over_the_ratio(state: DayState, contract: Contract) -> bool:
    """The day failed because too many of its records were rejected."""
    figures = state.figures
    if figures is None or not figures.read or state.error_class != DataError.__name__:
        return False
    return Decimal(figures.rejected) / figures.read > contract.max_reject_ratio


def _too_many_rejects(lake: str, state: DayState, contract: Contract) -> Event:
    day, dataset, figures = state.logical_date, state.dataset, state.figures
    read, rejected = (figures.read, figures.rejected) if figures else (0, 0)
    share = rejected / read if read else 0.0
    return Event(
        "reject_ratio",
        subject_of(dataset, day),
        f"opslake: {dataset} of {day}: {share:.1%} of the records were rejected",
        (
            f"What: more than {contract.max_reject_ratio:.1%} (maxRejectRatio) were rejected; the day isn't in Silver",
            f"Where: lake {lake}, dataset {dataset}, day {day}, run {state.run_id}",
            f"Figures: {rejected:,} rejected of {read:,} read",
            f"Do: `opslake exceptions list {dataset} --date {day}` shows why; have it delivered again, or let it pass: "
            f"`opslake run --dataset {dataset} --date {day} --force --accept-rejects`",
        ),
    )


def _failed_day(lake: str, state: DayState) -> Event:
    day, dataset, figures = state.logical_date, state.dataset, state.figures
    counts = f"{figures.read:,} read, {figures.rejected:,} rejected" if figures else "none, it wasn't read to its end"
    return Event(
        "run_failed",
        subject_of(dataset, day),
        f"opslake: {dataset} of {day} failed ({state.error_class})",
        (
            f"What: {_cut(state.error_message or 'no reason recorded')}",
            f"Where: lake {lake}, dataset {dataset}, day {day}, run {state.run_id}",
            f"Figures: {counts}",
            "Do: mend what the message names; a corrected delivery is taken by the next run, the same one by "
            f"`opslake run --dataset {dataset} --date {day} --force`",
        ),
    )


def failed_tables(lake: str, tables: Iterable[TableProgress]) -> list[Event]:
    """Gold tables that failed their checks, or couldn't be computed."""
    return [
        Event(
            "run_failed",
            subject_of_table(t.table),
            f"opslake: the Gold table {t.table} failed",
            (
                f"What: {_cut(t.message or 'no reason recorded')}",
                f"Where: lake {lake}, gold/{t.table}, which stays as it was; run {t.run_id}",
                f"Figures: shown up to {t.horizon or 'no day yet'}",
                "Do: see `opslake status`; the next run tries again, "
                f"from the beginning with `opslake rebuild {t.table}`",
            ),
        )
        for t in tables
        if t.status == "FAILED"
    ]


def open_deliveries(lake: str, days: Iterable[OpenDay]) -> list[Event]:
    """Days whose time is over and that are late or missing."""
    return [_open_delivery(lake, day) for day in days]


def _open_delivery(lake: str, day: OpenDay) -> Event:
    name, until = f"{day.dataset} of {day.logical_date}", day.deadline.strftime("%Y-%m-%d %H:%M %Z")
    missing = day.condition is Condition.MISSING
    again = f"`opslake run --dataset {day.dataset} --date {day.logical_date}{'' if missing else ' --force'}`"
    return Event(
        "sla_passed",
        subject_of(day.dataset, day.logical_date),
        f"opslake: {name} is {day.condition}",
        (
            f"What: {_cut(day.reason)}",
            f"Where: lake {lake}, dataset {day.dataset}, day {day.logical_date}",
            f"Figures: due until {until}",
            f"Do: {'ask for the delivery; once it is there' if missing else 'see `opslake status`, then'} {again}",
        ),
    )


def no_run(lake: str, found: Freshness) -> list[Event]:
    """No run has come to its end for too long."""
    if found.has_run:
        return []
    last = found.last_run
    ended = f"{last.finished_at:%Y-%m-%d %H:%M} UTC ({last.command})" if last and last.finished_at else "never"
    hours = f"{LONGEST_PAUSE.total_seconds() / 3600:.0f} hours"
    return [
        Event(
            "no_run",
            LAKE,
            f"opslake: no run in {hours}",
            (
                f"What: no run has come to its end in the last {hours}",
                f"Where: lake {lake}",
                f"Figures: the last one ended: {ended}",
                "Do: see whether the schedule still fires and `opslake status` for who holds the lake; `opslake run`",
            ),
        )
    ]


def incomplete(lake: str, found: Completeness) -> list[Event]:
    """Half hours of a window that have no agent activity."""
    if found.is_complete:
        return []
    listed = "; ".join(f"{day}: {', '.join(labels)}" for day, labels in found.by_day.items())
    name = found.window.name
    days = found.window.days
    day = name if str(days[0]) == name else str(days[1])
    return [
        Event(
            "incomplete_intervals",
            name,
            f"opslake: agent activity of {name}: {len(found.missing)} of {found.expected} half hours are missing",
            (
                f"What: half hours without any agent activity ({found.window.zone.key}): {_cut(listed)}",
                f"Where: lake {lake}, gold/agent_activity_intervals, {name}",
                f"Figures: {found.present} of {found.expected} there",
                f"Do: `opslake status --dataset agent_events` shows what came; once it is there "
                f"`opslake run --dataset agent_events --date {day}`",
            ),
            detail=found.in_short,
        )
    ]


def together(events: Sequence[Event]) -> Event:
    """Several events of one kind as one message; what is remembered is each of them."""
    listed: list[str] = []
    for event in reversed(events[-MOST_LISTED:]):
        line = f"- {event.title.removeprefix('opslake: ')}" + (f": {event.detail}" if event.detail else "")
        if sum(map(len, listed)) + len(line) > MOST_LIST:
            break
        listed.insert(0, line)
    earlier = len(events) - len(listed)
    first = [f"- and {earlier} before these"] if earlier else []
    kind = events[0].kind
    last = events[-1].lines[-1]
    return Event(kind, f"{len(events)} at once", f"opslake: {len(events)} times {kind}", (*first, *listed, last))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"

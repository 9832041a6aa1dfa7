"""Who is told what after a run or a check: one message per event, for as long as it lasts.

What stands is compared with what was told (`state/notifications`): news is sent, what is well again is forgotten, and
what couldn't be sent is tried again by the next run or check while it stands. Nothing here ever fails a run or changes
its exit code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import SecretStr

from spark_jobs import verdicts
from spark_jobs.completeness import Completeness
from spark_jobs.contract import load_contracts
from spark_jobs.contract.references import is_reference
from spark_jobs.credentials import given
from spark_jobs.errors import LakeHeld, LeaseLost, UsageError, as_opslake_error, first_line
from spark_jobs.events import FAILURES, KINDS, MILD, RUN, Event, together
from spark_jobs.freshness import Freshness
from spark_jobs.log import log
from spark_jobs.receivers import Message, Receiver, deliver
from spark_jobs.settings import Settings, split_urls
from spark_jobs.verdicts import Ended, Verdict
from state.notifications import Notifications, Told

T = TypeVar("T")

MOST_MESSAGES = 5
"""More events of one kind at once than this go out as one message."""


@contextmanager
def watched(settings: Settings, command: str, subject: str = RUN) -> Iterator[Ended]:
    """Tell of what the run inside the block leaves behind, and of the error that ends it, which goes on its way.

    `subject` is the name of a command that loads nothing. Wrong usage is told to who typed it, and a lake that somebody
    else holds is no failure.
    """
    ended = Ended(command, subject=subject)
    try:
        yield ended
    except (UsageError, LakeHeld, LeaseLost):
        raise
    except Exception as error:
        if not ended.run_id:  # else the run was over, and showing its report is what failed
            ended.error = as_opslake_error(error, where=command)
            if ended.error is not error:
                ended.error.__cause__ = error
            ended.seconds = time.monotonic() - ended.began
        after_run(settings, ended)
        raise
    after_run(settings, ended)


def after_run(settings: Settings, ended: Ended) -> None:
    """Check the completeness of agents' activity, and tell of all that stands after a run."""
    memory = _memory(settings)
    incomplete = [t.subject for t in memory if t.event == "incomplete_intervals"]
    found = [_look("completeness", lambda: verdicts.of_activity(settings, ended, incomplete))]
    if settings.notify:
        contracts = _look("contracts", lambda: load_contracts(settings.contracts))
        found.append(verdicts.of_the_run(settings, ended))
        found.append(_look("gold", lambda: verdicts.of_gold(settings)))
        if contracts is not None:
            failed = _look("days", lambda: verdicts.of_failed_days(settings, contracts))
            known = {event.subject for event in failed.standing} if failed else set()
            known |= {t.subject for t in memory if t.event in FAILURES}
            late = _look("freshness", lambda: verdicts.of_freshness_after_a_run(settings, contracts, known))
            found += [failed, late]
        _tell(settings, [v for v in found if v is not None], memory, ended.run_id)


def after_completeness(settings: Settings, found: Completeness) -> None:
    """Tell of the half hours that a check found missing."""
    _tell(settings, [verdicts.of_completeness(settings, found)], _memory(settings))


def after_freshness(settings: Settings, found: Freshness, *, whole: bool) -> None:
    """Tell of what a look at the freshness found; `whole`: no day was left aside."""
    told = [verdicts.of_freshness(settings, found, whole=whole), verdicts.of_no_run(settings, found)]
    _tell(settings, told, _memory(settings))


def try_receivers(settings: Settings) -> list[tuple[str, str | None]]:
    """Send each receiver a test message; per receiver what may be shown of it, and what went wrong."""
    text = f"This is a test: what happens to the lake {settings.lake} is told here."
    message = Message("test", "opslake: a test", text, "info")
    done = deliver([(receiver, [message]) for receiver in receivers(settings)], seconds=settings.notify_seconds)
    return [(one.receiver.name, one.problem) for one in done]


def receivers(settings: Settings) -> list[Receiver]:
    """The setting's addresses, each once; a reference stands for those in the secret that it names.

    One whose secret can't be had is a receiver with a problem, and keeps no other from being told.
    """
    found: dict[str, str | None] = {}
    for one in settings.notify:
        value = one.get_secret_value()
        try:
            found |= dict.fromkeys(split_urls(given(value)))
        except Exception as error:
            told = first_line(error)
            found[value] = f"{value}: {told}" if is_reference(value) and value not in told else told
    return [Receiver(n, SecretStr(url), problem) for n, (url, problem) in enumerate(found.items(), start=1)]


def _memory(settings: Settings) -> list[Told]:
    """What was told and lasts. Where that can't be known, nothing: told twice is better than never."""
    return (_look("memory", lambda: Notifications(settings.lake).lasting()) or []) if settings.notify else []


def _look(what: str, ask: Callable[[], T]) -> T | None:
    """The answer, or None with a warning: a look that fails keeps no other from being told."""
    try:
        return ask()
    except Exception as error:
        log.warning("notify.not_known", of=what, because=first_line(error))
        return None


def _tell(settings: Settings, found: Sequence[Verdict], memory: Sequence[Told], run_id: str | None = None) -> None:
    """Send what is news to whom it is news, and remember that and what is over."""
    if not settings.notify:
        return
    try:
        sent = _send(settings, found, memory, run_id)
        standing = {event.key for verdict in found for event in verdict.standing}
        gone = [t for t in memory if t.event_key not in standing and any(v.is_over(t.event, t.subject) for v in found)]
        now = datetime.now(UTC)
        Notifications(settings.lake).put(*(replace(t, over_at=now) for t in gone), *sent)
    except Exception as error:
        log.warning("notify.failed", because=first_line(error))


def _send(settings: Settings, found: Sequence[Verdict], memory: Iterable[Told], run_id: str | None) -> list[Told]:
    withheld = {key for verdict in found for key in verdict.withheld}
    standing = {event.key: event for verdict in found for event in verdict.standing if event.key not in withheld}
    told = {(t.receiver, t.event_key) for t in memory}
    outgoing = [
        (receiver, _messages([event for key, event in standing.items() if (receiver.id, key) not in told]))
        for receiver in receivers(settings)
    ]
    rows: list[Told] = []
    for one in deliver(outgoing, seconds=settings.notify_seconds):
        events = [event for part in one.taken for event in part]
        if events:
            log.info("notify.sent", receiver=one.receiver.name, events=[event.key for event in events])
        if one.problem is not None:
            log.warning("notify.failed", receiver=one.receiver.name, because=one.problem)
        now = datetime.now(UTC)
        rows += [Told(e.key, e.kind, e.subject, one.receiver.id, now, run_id or None) for e in events]
    return rows


def _messages(events: Sequence[Event]) -> list[Message[tuple[Event, ...]]]:
    """A message per event in the order of kinds; where there are many of a kind, one for all of them."""
    found: list[Message[tuple[Event, ...]]] = []
    for kind in KINDS:
        same = [event for event in events if event.kind == kind]
        parts = [tuple(same)] if len(same) > MOST_MESSAGES else [(event,) for event in same]
        for part in parts:
            shown = part[0] if len(part) == 1 else together(part)
            found.append(Message(part, shown.title, shown.text, "warning" if kind in MILD else "failure"))
    return found

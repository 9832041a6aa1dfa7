"""A look at the lake and its landing: what a run would take up, and who has the lake. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from spark_jobs.contract import Contract
from spark_jobs.contract.formats import SERVED
from spark_jobs.settings import Settings
from state.due import Due, what_is_due
from state.landing import Delivery, find_deliveries, is_ready
from state.lease import LeaseRow, current
from state.ledger import DayState, Ledger, Standing
from trigger_function.window import look_from

WORTH_A_RUN = ("load", "finish", "missing")
"""Actions that start a job. A day that only waits, or that may be missing, is settled by the next job beside others."""
THREADS = 12  # a listing waits for the store most of its time

OfDay = TypeVar("OfDay", Standing, DayState)


@dataclass(frozen=True)
class Scope:
    """The part of the lake that a call speaks of: everything, days of every dataset, or a day of one."""

    start: date | None = None
    end: date | None = None
    dataset: str | None = None
    force: bool = False


@dataclass(frozen=True)
class View:
    """What a run would take up now, oldest first, what only waits, and who holds the lake, if anybody does."""

    due: tuple[Due, ...]
    waiting: tuple[Due, ...]
    holder: LeaseRow | None


def look(settings: Settings, contracts: Mapping[str, Contract], scope: Scope, now: datetime) -> View:
    """What is due within the scope; days that a living run has under way aren't."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="look") as pool:
        held = pool.submit(current, settings.lake)
        asked = [c for c in contracts.values() if scope.dataset in (None, c.dataset)]
        ledger = Ledger(settings.lake)
        outline = _by_dataset(ledger.outline(scope.dataset))
        starts = {c.dataset: _start(scope, c, outline, settings.business_today) for c in asked}
        known = _by_dataset(ledger.since({name: day for name, day in starts.items() if day is not None}))
        lease = held.result()
        holder = lease if lease is not None and not lease.free(now) else None
        dues_of = partial(_dues, settings, scope, now=now, live_run=holder.run_id if holder else None)
        found = pool.map(
            lambda c: dues_of(c, outline.get(c.dataset, ()), known.get(c.dataset, ()), starts[c.dataset]), asked
        )
        dues = sorted((due for dues in found for due in dues), key=lambda due: (due.logical_date, due.dataset))
    return View(
        due=tuple(due for due in dues if due.action in WORTH_A_RUN),
        waiting=tuple(due for due in dues if due.action == "wait"),
        holder=holder,
    )


def _start(scope: Scope, contract: Contract, outline: Mapping[str, Sequence[Standing]], today: date) -> date | None:
    if scope.start is not None:
        return scope.start
    return look_from(contract.starts_on, outline.get(contract.dataset, ()), today)


def _dues(
    settings: Settings,
    scope: Scope,
    contract: Contract,
    outline: Sequence[Standing],
    known: Sequence[DayState],
    start: date | None,
    *,
    now: datetime,
    live_run: str | None,
) -> list[Due]:
    today = settings.business_today
    end = scope.end or (today if start is not None else None)
    files: dict[str, Delivery] = {file.path: file for day in known for file in day.deliveries}
    if contract.format in SERVED:
        deliveries: Mapping[date, list[Delivery]] = {}  # only a run asks a server; it is started when the time is over
    else:
        deliveries = find_deliveries(
            settings.landing,
            contract.path,
            ignore_case=contract.path_ignores_case,
            known=files,
            start=start,
            end=end,
        )
    first = min((day.logical_date for day in outline), default=None)
    if contract.starts_on is None and first is not None and start is not None and first < start:
        contract = replace(contract, starts_on=first)  # which `known`, cut to the days looked at, doesn't tell
    return what_is_due(
        contract,
        deliveries,
        known,
        today=today,
        now=now,
        zone=settings.business_timezone,
        start=start,
        end=scope.end,
        force=scope.force,
        ready=partial(is_ready, settings.landing),
        live_run=live_run,
    )


def _by_dataset(days: Iterable[OfDay]) -> dict[str, list[OfDay]]:
    found: dict[str, list[OfDay]] = {}
    for day in days:
        found.setdefault(day.dataset, []).append(day)
    return found

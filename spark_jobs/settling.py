"""What a run says in the ledger of days that it doesn't load."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date

from spark_jobs.log import log
from spark_jobs.planning import Plan, Silent
from state.due import MISSING_DELIVERY, Due
from state.ledger import DayState, Status

STATUS = {"wait": Status.PENDING, "missing": Status.FAILED, "skip": Status.SKIPPED}


@dataclass
class Settled:
    """Ledger rows to write, days that failed, and days that may still get their delivery."""

    rows: list[DayState] = field(default_factory=list)
    failed: list[DayState] = field(default_factory=list)
    waiting: list[Due] = field(default_factory=list)


def settle(plan: Plan, run_id: str, told: Collection[tuple[str, date]]) -> Settled:
    """Days without a delivery (waiting, missing, skipped) and datasets whose source couldn't be asked.

    A row is written where it is news; `told` are days that the run has reported already.
    """
    known = {(s.dataset, s.logical_date): s for s in plan.states}
    settled = Settled(rows=list(plan.refreshed))
    for one in plan.silent:
        if (one.dataset, one.logical_date) not in told:
            _silent(settled, one, known.get((one.dataset, one.logical_date)), run_id)
    for due in plan.due:
        if due.action in STATUS:
            _without_delivery(settled, due, known.get((due.dataset, due.logical_date)), run_id)
    return settled


def _silent(settled: Settled, one: Silent, before: DayState | None, run_id: str) -> None:
    """The dataset has failed on its latest day; a day that is settled stays so in the ledger."""
    log.error("source.silent", dataset=one.dataset, error=str(one.error))
    row = replace(
        before or DayState(one.dataset, one.logical_date, Status.FAILED),
        status=Status.FAILED,
        run_id=run_id,
        error_class=type(one.error).__name__,
        error_message=str(one.error),
    )
    settled.failed.append(row)
    if before is None or before.status in (Status.PENDING, Status.FAILED):
        settled.rows.append(row)


def _without_delivery(settled: Settled, due: Due, before: DayState | None, run_id: str) -> None:
    row = DayState(
        dataset=due.dataset,
        logical_date=due.logical_date,
        status=STATUS[due.action],
        attempt=due.attempt,
        run_id=run_id,
        deliveries=due.deliveries,
        loaded=before.loaded if before else (),
        replayed=before.replayed if before else (),
        error_class=MISSING_DELIVERY if due.action == "missing" else None,
        error_message=due.reason,
    )
    if due.action == "wait":
        settled.waiting.append(due)
    if before is None or (before.status, before.error_message) != (row.status, row.error_message):
        settled.rows.append(row)
        if row.status is Status.FAILED:
            settled.failed.append(row)

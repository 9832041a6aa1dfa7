"""Some due days of one dataset on their way through one load, and what the ledger says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property

from pyspark.sql import SparkSession

from spark_jobs.contract import Contract
from spark_jobs.errors import OpslakeError
from spark_jobs.lake import Fence, Lake
from spark_jobs.log import log
from spark_jobs.planning import delivery_id
from spark_jobs.settings import Settings
from spark_jobs.sources.record import File
from state.due import Due
from state.landing import Delivery
from state.ledger import DayState, Figures, Ledger, Status


@dataclass(frozen=True)
class Loader:
    """What the loading of any dataset needs."""

    spark: SparkSession
    settings: Settings
    lake: Lake
    ledger: Ledger
    fence: Fence
    states: Sequence[DayState]
    accept_rejects: bool = False


@dataclass
class Batch:
    """Some due days of one dataset that are loaded by the same commits."""

    contract: Contract
    dues: tuple[Due, ...]
    before: dict[date, DayState]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    failures: dict[date, OpslakeError] = field(default_factory=dict)

    @cached_property
    def deliveries(self) -> dict[date, str]:
        """The delivery's id per day."""
        return {d.logical_date: delivery_id(d.deliveries) for d in self.dues}

    @property
    def alive(self) -> list[date]:
        """The days on which nothing has failed yet."""
        return [d.logical_date for d in self.dues if d.logical_date not in self.failures]

    def returned(self) -> list[tuple[str, Delivery]]:
        """The files, each with its delivery's id, of content that was loaded before and comes again after another."""
        loaded = {day: state.loaded for day, state in self.before.items()}
        return [
            (self.deliveries[d.logical_date], file)
            for d in self.dues
            if self.deliveries[d.logical_date] in loaded.get(d.logical_date, ())[:-1]
            for file in d.deliveries
        ]

    def files(self) -> list[File]:
        """Their landing files."""
        return [
            File(f.path, f.modified, d.logical_date, self.deliveries[d.logical_date], f.size)
            for d in self.dues
            if d.logical_date not in self.failures
            for f in d.deliveries
        ]


def new_batch(loader: Loader, contract: Contract, dues: Sequence[Due]) -> Batch:
    """These days, beside what the ledger knew of their dataset before."""
    before = {s.logical_date: s for s in loader.states if s.dataset == contract.dataset}
    return Batch(contract, tuple(dues), before)


def recovered(loader: Loader, batch: Batch, *, again: bool) -> dict[date, DayState]:
    """Days whose MERGE was committed by a run that died before it could say so: the commit has their figures.

    `again`: this run itself may have committed them, before a failure of something else.
    """
    died = {d for d, s in batch.before.items() if s.status is Status.RUNNING and s.silver_version is None}
    died &= set(batch.deliveries)
    runs = {batch.before[day].run_id for day in died} | ({loader.fence.lease.run_id} if again else set())
    if not runs:
        return {}
    notes = loader.lake.notes_of("silver", batch.contract.dataset, runs)
    version = loader.lake.version("silver", batch.contract.dataset)
    found: dict[date, DayState] = {}
    for due in batch.dues:
        day = due.logical_date
        told = [dict(note["figures"][day.isoformat()]) for note in notes if day.isoformat() in note.get("figures", {})]
        if not told or not (again or day in died):
            continue
        facts = told[-1]
        delivery = facts.pop("delivery")
        if delivery == batch.deliveries[day]:
            figures = Figures.from_json(facts)
            found[day] = loaded_row(loader, batch, due, figures, version)
            log.info("silver.recovered", dataset=batch.contract.dataset, day=str(day), read=figures.read)
        elif day in died:  # corrected since: what died unsaid is an earlier delivery that did reach Silver
            before = batch.before[day]
            batch.before[day] = replace(before, loaded=(*(d for d in before.loaded if d != delivery), delivery))
    return found


def running(loader: Loader, batch: Batch, due: Due) -> DayState:
    """The row of a day that is being loaded."""
    before = batch.before.get(due.logical_date)
    return DayState(
        dataset=batch.contract.dataset,
        logical_date=due.logical_date,
        status=Status.RUNNING,
        attempt=due.attempt,
        run_id=loader.fence.lease.run_id,
        deliveries=due.deliveries,
        loaded=before.loaded if before else (),
        replayed=before.replayed if before else (),
        started_at=batch.started,
    )


def record(loader: Loader, batch: Batch, figures: Mapping[date, Figures], version: int | None) -> list[DayState]:
    """The batch's ledger rows: RUNNING with figures until Gold is done, or FAILED with the reason."""
    rows = []
    for due in batch.dues:
        day = due.logical_date
        error = batch.failures.get(day)
        if error is None:
            rows.append(loaded_row(loader, batch, due, figures[day], version))
            continue
        log.error("day.failed", dataset=batch.contract.dataset, day=str(day), error=str(error))
        rows.append(
            replace(
                running(loader, batch, due),
                status=Status.FAILED,
                figures=figures.get(day),
                finished_at=datetime.now(UTC),
                error_class=type(error).__name__,
                error_message=str(error),
            )
        )
    loader.ledger.put(*rows)
    return rows


def loaded_row(loader: Loader, batch: Batch, due: Due, figures: Figures, version: int | None) -> DayState:
    """The row of a day that Silver has, RUNNING until Gold is done."""
    day = due.logical_date
    before = running(loader, batch, due)
    now = datetime.now(UTC)
    # of a whole list that another one replaces, corrected rows are as much gone as the others
    is_gone = batch.contract.load_mode == "replace" and before.loaded[-1:] != (batch.deliveries[day],)
    return replace(
        before,
        figures=figures,
        replayed=() if is_gone else before.replayed,
        loaded=(*(d for d in before.loaded if d != batch.deliveries[day]), batch.deliveries[day]),
        silver_version=-1 if version is None else version,
        ingestion_timestamp=now,
        finished_at=now,
        accepted_rejects=loader.accept_rejects
        and figures.read > 0
        and Decimal(figures.rejected) / figures.read > batch.contract.max_reject_ratio,
        gold_pending=True,
    )

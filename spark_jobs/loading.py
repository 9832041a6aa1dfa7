"""One dataset's due days, from the landing to Silver; a day that fails holds back no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import groupby

from spark_jobs import bronze
from spark_jobs.batch import Batch, Loader, new_batch, record, recovered, running
from spark_jobs.contract import Contract
from spark_jobs.drift import look_at_headers
from spark_jobs.errors import SourceError, Unreachable, as_opslake_error, first_line
from spark_jobs.forgotten import forgotten_of
from spark_jobs.kept import Kept
from spark_jobs.log import log
from spark_jobs.planning import in_bronze
from spark_jobs.silver_table import refuse_unfit
from spark_jobs.sources import opened
from spark_jobs.to_silver import to_silver
from spark_jobs.tries import three_tries
from state.due import Due
from state.ledger import DayState, Figures, Status

ROW_BYTES = 100
"""Of a delivered record, about: what turns `driver_rows` into bytes of files."""


def load(loader: Loader, contract: Contract, dues: Sequence[Due]) -> list[DayState]:
    """Bring due days into Silver, at most `batch_days` by one commit; returns their ledger rows, also written.

    A day that fails holds back no other, nor another dataset: its ledger row says why. Raises what is about no day:
    a lost lease, a Silver table that can't be added to.
    """
    refuse_unfit(loader.lake, contract, business_timezone=loader.settings.business_timezone)
    size, kept = loader.settings.batch_days, _kept(loader, contract, dues)
    alike = [list(group) for _, group in groupby(dues, key=lambda due: due.logical_date in kept)]
    parts = [group[start : start + size] for group in alike for start in range(0, len(group), size)]
    return [day for part in parts for day in _load_part(loader, contract, part)]


def _load_part(loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool = False) -> list[DayState]:
    """Days by one commit; where that can't be done in two halves, down to the day that fails."""
    try:
        return _load_batch(loader, contract, dues, again=again)
    except Exception as error:
        if loader.fence.lost:
            raise
        failure = as_opslake_error(error, where=contract.dataset)
        if isinstance(failure, Unreachable):
            return _unreached(loader, contract, dues, failure)
        if len(dues) == 1 and (again or isinstance(failure, SourceError)):
            batch = new_batch(loader, contract, dues)
            batch.failures[dues[0].logical_date] = failure
            return record(loader, batch, {}, None)
        log.warning("batch.again", dataset=contract.dataset, days=len(dues), because=first_line(error))
        middle = len(dues) // 2  # 0 for a single day: it may have reached Silver before it failed, so look once more
        halves = [half for half in (dues[:middle], dues[middle:]) if half]
        return [day for half in halves for day in _load_part(loader, contract, half, again=True)]


def _unreached(loader: Loader, contract: Contract, dues: Sequence[Due], failure: Unreachable) -> list[DayState]:
    """All of the days have failed: one by one they would only wait again.

    Those of a run that died stay its own in the ledger: Silver may have them, which the next run looks up.
    """
    batch = new_batch(loader, contract, dues)
    batch.failures = {due.logical_date: failure for due in dues}
    died = [s for day, s in batch.before.items() if day in batch.failures and s.status is Status.RUNNING]
    batch.dues = tuple(d for d in dues if d.logical_date not in {s.logical_date for s in died})
    told = [
        replace(s, status=Status.FAILED, error_class=type(failure).__name__, error_message=str(failure)) for s in died
    ]
    return [*record(loader, batch, {}, None), *told]


def _load_batch(loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool = False) -> list[DayState]:
    batch, done = three_tries(partial(_to_bronze, loader, contract, dues, again=again))
    if not batch.dues:
        return list(done.values())
    figures: dict[date, Figures] = {}
    version = None
    if batch.alive:
        figures, version = to_silver(loader, batch)
    return [*done.values(), *record(loader, batch, figures, version)]


def _to_bronze(
    loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool
) -> tuple[Batch, dict[date, DayState]]:
    """The days as a batch that Bronze has, without those that turn out to be in Silver already, whose rows come second.

    May be done again.
    """
    if len(_kept(loader, contract, dues)) == len(dues):
        batch, done = _begun(loader, contract, dues, again=again)
        batch.failures |= look_at_headers(batch, Kept(loader.settings.lake, contract)) if batch.dues else {}
        return batch, done
    with opened(contract, {due.logical_date: due.deliveries for due in dues}) as source:
        found = [replace(d, deliveries=tuple(source.deliveries[d.logical_date])) for d in dues]
        batch, done = _begun(loader, contract, found, again=again)
        if not batch.dues:
            return batch, done
        forgotten = forgotten_of(loader.settings) if contract.customer_id else None
        missing = look_at_headers(batch, source, forgotten)
        bronze.write(
            loader.spark,
            loader.lake,
            contract,
            source,
            batch.files(),
            loader.fence,
            load_time=batch.started,
            driver_bytes=loader.settings.driver_rows * ROW_BYTES,
            forgotten=forgotten,
        )
    log.info("bronze.kept", dataset=contract.dataset, days=len(batch.alive))
    batch.failures |= missing
    return batch, done


def _begun(
    loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool
) -> tuple[Batch, dict[date, DayState]]:
    """A batch of what Silver doesn't have yet, which the ledger calls running; and the rows of the other days."""
    batch = new_batch(loader, contract, dues)
    done = recovered(loader, batch, again=again)
    if done:
        batch.dues = tuple(d for d in batch.dues if d.logical_date not in done)
        loader.ledger.put(*done.values())
    loader.ledger.put(*(running(loader, batch, d) for d in batch.dues))
    return batch, done


def _kept(loader: Loader, contract: Contract, dues: Sequence[Due]) -> set[date]:
    """The days whose table or tab Bronze has already: what it holds is what was delivered, wherever it came from."""
    return set(in_bronze(loader.settings.lake, contract, {due.logical_date: due.deliveries for due in dues}))

"""Maintenance: every table in few files, in the order of its days, without what nobody asks for any more.

Rows stay what they are. It holds the lake's lease as a run does, and gives it up between two tables when it has held
it for a minute, so that a run needn't wait for all of it. Each step is done or not done: started again after a kill, it
does what is left.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from deltalake import DeltaTable as RustTable

from spark_jobs.errors import EngineError
from spark_jobs.gold import registry
from spark_jobs.inventory import known_tables, unknown_tables
from spark_jobs.lake import Fence, Layer
from spark_jobs.log import log
from spark_jobs.maintenance.cleaning import Removed, expired, purge, tend_log, vacuum
from spark_jobs.maintenance.compaction import compact, order_of
from spark_jobs.maintenance.crowded import crowded, size_of
from spark_jobs.maintenance.retiring import Place, retirable, retire
from spark_jobs.maintenance.statistics import agreed, restate
from spark_jobs.pipeline import PATIENCE, Pipeline, Report
from spark_jobs.publishing import Publisher
from spark_jobs.rebuilding import mark_stale
from state.ledger import Ledger, Status
from state.tables import LEASE

TURN = 60
"""Seconds for which the lake is held before it is given up between two tables."""

WHOLE = " (rebuilt whole)"


@dataclass(frozen=True)
class Care:
    """What was done for one table, or would be; `removed` are files of old versions, and their bytes.

    `restated` are files that lost statistics in the log which the contract doesn't allow any more.
    """

    table: str
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rewritten: int = 0
    retired: int = 0
    restated: int = 0
    removed: int = 0
    bytes_removed: int = 0
    log_files_removed: int = 0
    kept_because: str | None = None

    @property
    def is_nothing(self) -> bool:
        """There was nothing to do, and nothing is held back."""
        done = (self.rewritten, self.retired, self.restated, self.removed, self.log_files_removed)
        return not any(done) and self.kept_because is None


FIGURES = ("rewritten", "retired", "restated", "removed", "bytes_removed", "log_files_removed")


@dataclass
class Maintained:
    """What maintenance did for every table, and the report of its run (of a dry run: none).

    `unknown` are tables that it leaves alone, since neither a contract nor Gold knows them.
    """

    tables: list[Care] = field(default_factory=list)
    report: Report | None = None
    purged: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def figures(self) -> dict[str, int]:
        """Sums over the tables."""
        return {name: sum(getattr(care, name) for care in self.tables) for name in FIGURES}


def maintain(pipeline: Pipeline, *, purge_history: bool = False) -> Maintained:
    """Care for every table of the lake, Bronze first; `purge_history` leaves nothing but the current versions."""
    done = _begun(pipeline, purge_history)
    rest, patience = tables_of(pipeline), 0.0
    while True:
        with pipeline.held(done.report, patience) as (fence, report):
            done.report = report
            until = time.monotonic() + TURN
            if purge_history:
                _expect_rebuilds(pipeline)
            carer = Carer(pipeline, fence, unread(pipeline.publisher()), purge_history)
            while rest and time.monotonic() < until:
                done.tables.append(carer.care(*rest.pop(0)))
            settle(pipeline)
            report.own_figures = done.figures
            if not rest:
                return done
        patience = PATIENCE


def forecast(pipeline: Pipeline, *, purge_history: bool = False) -> Maintained:
    """What maintenance would do now. Takes no lease and changes nothing; what it frees itself isn't counted."""
    done = _begun(pipeline, purge_history)
    hours = 0 if purge_history else pipeline.settings.vacuum_hours
    readers = {} if purge_history else unread(pipeline.publisher())
    for layer, name in tables_of(pipeline):
        table = _table(pipeline, layer, name)
        parts = (
            [] if layer == "state" else crowded(table, pipeline.settings.rows_per_file, _order(pipeline, layer, name))
        )
        why, size = _kept_because(pipeline, layer, name, readers), size_of(table)
        care = Care(
            f"{layer}/{name}",
            files_before=size.files,
            files_after=size.files,
            bytes_before=size.bytes,
            bytes_after=size.bytes,
            rewritten=sum(part.files for part in parts),
            retired=len(_retirable(pipeline, name)) if layer == "bronze" else 0,
            restated=size.files if agreed(pipeline.contracts, layer, name, table) is not None else 0,
            removed=0 if why else len(expired(table, pipeline.lake.path(layer, name), hours)),
            kept_because=why,
        )
        done.tables.append(care)
    return done


def _begun(pipeline: Pipeline, purge_history: bool) -> Maintained:
    unknown = unknown_tables(pipeline.settings.lake, pipeline.contracts)
    return Maintained(purged=purge_history, unknown=unknown)


def tables_of(pipeline: Pipeline) -> list[tuple[Layer, str]]:
    """The tables that are there, in the order in which they are cared for."""
    wanted = [(layer, name) for layer, names in known_tables(pipeline.contracts).items() for name in names]
    wanted.remove(("state", LEASE.name))  # which a heartbeat writes meanwhile
    return [(layer, name) for layer, name in wanted if pipeline.lake.version(layer, name) is not None]


def settle(pipeline: Pipeline) -> None:
    """Have Gold take the versions that maintenance added for consumed, so that no log entry is asked for later."""
    publisher = pipeline.publisher()
    before, now = pipeline.progress.all(), publisher.known(publisher.versions())
    pipeline.progress.put(*(record for name, record in now.items() if record != before[name]))


@dataclass(frozen=True)
class Carer:
    """One turn of maintenance, while the lake is held."""

    pipeline: Pipeline
    fence: Fence
    readers: Mapping[str, Sequence[str]]
    """Per table the Gold tables that still have to read what changed in it."""
    purge_history: bool

    def care(self, layer: Layer, name: str) -> Care:
        """Everything for one table, in an order in which a kill leaves nothing undone for good."""
        had = size_of(_table(self.pipeline, layer, name))
        retired = self._retired(name) if layer == "bronze" else 0
        restated = self._restated(layer, name)
        rewritten = self._compacted(layer, name) if layer != "state" else 0  # these do it as they are written
        why = _kept_because(self.pipeline, layer, name, {} if self.purge_history else self.readers)
        removed = Removed() if why else self._cleaned(layer, name)
        has = size_of(_table(self.pipeline, layer, name))
        care = Care(
            f"{layer}/{name}",
            files_before=had.files,
            files_after=has.files,
            bytes_before=had.bytes,
            bytes_after=has.bytes,
            rewritten=rewritten,
            retired=retired,
            restated=restated,
            removed=removed.files,
            bytes_removed=removed.bytes,
            log_files_removed=removed.log_files,
            kept_because=why,
        )
        if not care.is_nothing:
            told = {name: getattr(care, name) for name in ("files_before", "files_after", *FIGURES)}
            log.info("table.maintained", table=care.table, **told, kept_because=why)
        return care

    def _retired(self, dataset: str) -> int:
        places = _retirable(self.pipeline, dataset)
        retire(self.pipeline.lake, dataset, places, self.fence)
        return len(places)

    def _restated(self, layer: Layer, name: str) -> int:
        lake = self.pipeline.lake
        columns = agreed(self.pipeline.contracts, layer, name, _table(self.pipeline, layer, name))
        return 0 if columns is None else restate(lake, layer, name, self.fence, columns, self.pipeline.spark)

    def _compacted(self, layer: Layer, name: str) -> int:
        chosen = self.pipeline.settings
        return compact(
            self.pipeline.lake,
            layer,
            name,
            self.fence,
            column=_order(self.pipeline, layer, name),
            rows_per_file=chosen.rows_per_file,
            driver_rows=chosen.driver_rows,
            spark=self.pipeline.spark,
        )

    def _cleaned(self, layer: Layer, name: str) -> Removed:
        lake, hours = self.pipeline.lake, self.pipeline.settings.vacuum_hours
        if self.purge_history:
            return purge(lake, layer, name, self.fence, before_the_log=partial(settle, self.pipeline))
        path = lake.path(layer, name)
        removed = vacuum(_table(self.pipeline, layer, name), path, hours, self.fence)
        settle(self.pipeline)
        return replace(removed, log_files=tend_log(_table(self.pipeline, layer, name), path))


def _table(pipeline: Pipeline, layer: Layer, name: str) -> RustTable:
    found = pipeline.lake.look(layer, name)
    if found is None:
        raise EngineError("the table is gone", where=f"{layer}/{name}")
    return found


def _order(pipeline: Pipeline, layer: Layer, name: str) -> str | None:
    contract = pipeline.contracts.get(name)
    return order_of(layer, name, contract.event_date if contract else None)


def _retirable(pipeline: Pipeline, dataset: str) -> set[Place]:
    ledger = Ledger(pipeline.settings.lake)
    return retirable(pipeline.settings, pipeline.lake, ledger, pipeline.contracts[dataset], pipeline.spark)


def _kept_because(pipeline: Pipeline, layer: Layer, name: str, readers: Mapping[str, Sequence[str]]) -> str | None:
    """Why old versions of a table stay: a run died on it, or Gold has yet to read what changed."""
    if layer == "silver":
        died = [s for s in pipeline.ledger.days(name, statuses=[Status.RUNNING]) if s.silver_version is None]
        if died:
            return "a run died on it: `opslake run` goes on, and needs its log"
        if pipeline.lake.last_commit("silver", name).get("rebuilding"):
            return f"a rebuild died on it: run `opslake rebuild --silver {name}`"
    waiting = readers.get(name, ()) if layer in ("silver", "gold") else ()
    return f"not read yet by {', '.join(waiting)}: `opslake run` does it" if waiting else None


def unread(publisher: Publisher) -> dict[str, list[str]]:
    """Per input the Gold tables that still have to read what changed in it; those computed whole don't."""
    found: dict[str, list[str]] = {}
    for table, reason in publisher.pending().items():
        for name in () if reason.endswith(WHOLE) else registry()[table].inputs:
            found.setdefault(name, []).append(table)
    return found


def _expect_rebuilds(pipeline: Pipeline) -> None:
    """Tables that still had to read a change feed are computed whole by the next run, which `plan` says from now on."""
    behind = {table for tables in unread(pipeline.publisher()).values() for table in tables}
    if behind:
        mark_stale(pipeline.progress, sorted(behind))

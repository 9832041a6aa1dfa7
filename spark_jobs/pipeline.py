"""The run, top to bottom: take the lake, see what is due, load it, publish Gold, say what became of it."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from spark_jobs import __version__
from spark_jobs.batch import Loader
from spark_jobs.contract import Contract, load_contracts
from spark_jobs.errors import DATA_FAILED, ENGINE_FAILED, OK, LakeHeld, LeaseLost, OpslakeError, as_opslake_error
from spark_jobs.forgetting import Forgot, forget
from spark_jobs.lake import Fence, Lake
from spark_jobs.loading import load
from spark_jobs.log import log
from spark_jobs.planning import Choice, Plan, horizons, make_plan
from spark_jobs.publication import Outcome
from spark_jobs.publishing import Publisher, publish_all
from spark_jobs.rebuilding import mark_stale, rebuild_silver
from spark_jobs.replaying import Asked, Replayed, replay
from spark_jobs.session import build_session
from spark_jobs.settings import Settings
from spark_jobs.settling import settle
from spark_jobs.silver_table import refuse_unfit
from spark_jobs.stopping import end_jvm, listen, listening, stopped
from state.due import Due
from state.lease import Lease, acquire
from state.ledger import DayState, Ledger, Status
from state.progress import Progress
from state.runs import Run, Runs

LARGE_WORK = 200_000_000
"""Bytes of due deliveries from which on the full compiler is worth its start."""

PATIENCE, PAUSE = 3600, 1
"""Seconds for which a backfill waits between its batches for a run that came in between, and between two looks."""


@dataclass
class Report:
    """What a run did: per day and dataset a ledger row, per Gold table an outcome."""

    run_id: str
    command: str
    started_at: datetime
    days: list[DayState] = field(default_factory=list)
    tables: list[Outcome] = field(default_factory=list)
    waiting: list[Due] = field(default_factory=list)
    replayed: Replayed | None = None
    own_figures: dict[str, int] | None = None
    """Of a command that loads nothing."""
    error: OpslakeError | None = None
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 done, 1 data failed its checks, 3 engine or source, or what the error says."""
        if self.error is not None:
            return self.error.exit_code
        failed = [d for d in self.days if d.status is Status.FAILED]
        if any(d.error_class in ("EngineError", "SourceError", "Unreachable") for d in failed):
            return ENGINE_FAILED
        bad_tables = [t for t in self.tables if t.status in ("failed", "waiting")]
        return DATA_FAILED if failed or bad_tables else OK

    @property
    def figures(self) -> dict[str, int]:
        """Sums over the days that were loaded; of a replay, or of a command that loads nothing, its own."""
        if self.replayed is not None:
            return self.replayed.summary
        if self.own_figures is not None:
            return self.own_figures
        names = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")
        loaded = [d.figures for d in self.days if d.figures]
        return {name: sum(getattr(f, name) for f in loaded) for name in names}


SessionMaker = Callable[[Settings, int], SparkSession]


def start_session(settings: Settings, work_bytes: int) -> SparkSession:
    """The session for a run over so many bytes of deliveries: quick to start for a day, fully compiled for a lot."""
    size = settings.jvm if settings.jvm != "auto" else ("large" if work_bytes > LARGE_WORK else "small")
    cores = None if settings.cores == "*" else int(settings.cores)
    return build_session(size=size, cores=cores, driver_memory=settings.driver_memory, lake=settings.lake)


@dataclass
class Pipeline:
    """One run's parts; `session` is asked for only when there is work for Spark."""

    settings: Settings
    command: str
    session: SessionMaker = start_session
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contracts = self.contracts or load_contracts(self.settings.contracts)
        self.lake = Lake(self.settings.lake)
        self.ledger = Ledger(self.settings.lake)
        self.progress = Progress(self.settings.lake)
        self._spark: SparkSession | None = None
        self._spark_version: str | None = None

    def spark(self, work_bytes: int = 0) -> SparkSession:
        """The run's session, started when first asked for."""
        if self._spark is None:
            self._spark = self.session(self.settings, work_bytes)
            listen(end_jvm)  # Spark has put its own answer to Ctrl-C there
            self._spark_version = self._spark.version  # Spark 3.5 asks its JVM each time, which may be gone later
            log.info("session.started", spark=self._spark_version)
        return self._spark

    def run(self, choice: Choice) -> Report:
        """Load what the choice makes due and bring Gold up to it."""
        with self.held(loads=True) as (fence, report):
            plan = make_plan(self.settings, self.contracts, choice, ledger=self.ledger)
            self._settle(plan, report)
            self._load(plan, choice, fence, report)
            self._publish(fence, report)
            self._finish(report)
        return report

    def backfill(self, choice: Choice, batch_days: int) -> Report:
        """The same in batches of days, giving the lake up between them; Gold once, at the end."""
        report, patience = Report(uuid.uuid4().hex[:12], self.command, datetime.now(UTC)), 0
        while True:
            with self.held(report, patience, loads=True) as (fence, _):
                plan = make_plan(self.settings, self.contracts, choice, ledger=self.ledger)
                tried = {(d.dataset, d.logical_date) for d in report.days}
                rest = [d for d in plan.due if (d.dataset, d.logical_date) not in tried]
                part = _first_days(rest, batch_days)
                plan = replace(plan, due=tuple(part))
                self._settle(plan, report)
                self._load(plan, choice, fence, report)
                if len(part) == len(rest):
                    self._publish(fence, report)
                    self._finish(report)
                    return report
            patience = PATIENCE

    def publish(self) -> Report:
        """Bring Gold up to Silver and load nothing."""
        with self.held() as (fence, report):
            self._publish(fence, report)
            self._finish(report)
        return report

    def rebuild(self, tables: Sequence[str] = (), silver: str | None = None) -> Report:
        """Build Gold tables (none named: all) from Silver anew, or a dataset's Silver from Bronze and then Gold."""
        with self.held() as (fence, report):
            if silver is not None:
                args = (self.spark(), self.settings, self.lake, self.ledger, fence, self.contracts[silver])
                rebuild_silver(*args)
            else:
                mark_stale(self.progress, list(tables))
            self._publish(fence, report)
            self._finish(report)
        return report

    def replay(self, asked: Asked) -> Report:
        """Validate open exceptions again, or take corrected rows from a file, and bring Gold up to what passes."""
        with self.held() as (fence, report):
            args = (self.settings, self.lake, self.ledger, fence, self.contracts[asked.dataset])
            report.replayed = replay(*args, asked, self.spark)
            self._publish(fence, report)
            self._finish(report)
        return report

    def forget(self, ids: Iterable[str]) -> tuple[Report, Forgot]:
        """Remove what the lake knows of these customers, and bring Gold up to what is left."""
        with self.held() as (fence, report):
            forgot = forget(self.spark, self.settings, self.lake, fence, self.contracts, ids)
            report.own_figures = forgot.rows
            self._publish(fence, report)
            self._finish(report)
        return report, forgot

    @contextmanager
    def held(
        self, report: Report | None = None, patience: float = 0, *, loads: bool = False
    ) -> Iterator[tuple[Fence, Report]]:
        """Hold the lake; the run's record, which says whether it loads, is written at its start and however it ends.

        `LakeHeld` when somebody else has it for longer than `patience` seconds.
        """
        report = report or Report(uuid.uuid4().hex[:12], self.command, datetime.now(UTC))
        lease = self._take(report.run_id, patience)
        runs = Runs(self.settings.lake)
        record = Run(
            run_id=report.run_id,
            command=self.command,
            started_at=report.started_at,
            lease_number=lease.number,
            host=platform.node(),
            opslake_version=__version__,
            loads=loads,
        )
        runs.put(record)
        self.ledger = Ledger(self.settings.lake, confirm=lease.confirm)
        self.progress = Progress(self.settings.lake, confirm=lease.confirm)
        with lease, listening(end_jvm):
            try:
                yield Fence(lease), report
            except (LeaseLost, LakeHeld) as error:
                report.error = error
                raise
            except (KeyboardInterrupt, SystemExit) as stop:
                report.error = stopped(stop, self.command)
                raise
            except Exception as error:
                # a commit that a new holder made impossible fails like any other: it is the lease that tells
                report.error = _lost(lease) or as_opslake_error(error, where=self.command)
                if report.error is error:
                    raise
                raise report.error from error
            finally:
                now = datetime.now(UTC)
                report.seconds = (now - report.started_at).total_seconds()
                record = replace(record, finished_at=now, exit_code=report.exit_code, spark_version=self._spark_version)
                runs.put(replace(record, figures=report.figures, error=str(report.error) if report.error else None))

    def _take(self, run_id: str, patience: float) -> Lease:
        """The lake's lease, as soon as it is free within `patience` seconds."""
        until, seconds = time.monotonic() + patience, self.settings.lease_seconds
        while True:
            try:
                return acquire(self.settings.lake, run_id=run_id, command=self.command, lease_seconds=seconds)
            except LakeHeld as held:
                if time.monotonic() >= until:
                    raise
                log.info("lake.waiting", because=held.what)
                time.sleep(PAUSE)

    def _settle(self, plan: Plan, report: Report) -> None:
        """What needs no loading: days without a delivery, and datasets whose source is silent."""
        settled = settle(plan, report.run_id, {(d.dataset, d.logical_date) for d in report.days})
        self.ledger.put(*settled.rows)
        report.waiting += settled.waiting
        report.days += settled.failed

    def _load(self, plan: Plan, choice: Choice, fence: Fence, report: Report) -> None:
        """Every dataset's due deliveries, into Silver, side by side; raises when all that could be done is done."""
        if not plan.has("load"):
            return
        work = sum(f.size for d in plan.due if d.action == "load" for f in d.deliveries)
        spark = self.spark(work)
        loader = Loader(
            spark, self.settings, self.lake, self.ledger, fence, plan.states, accept_rejects=choice.accept_rejects
        )
        tasks: list[Future[list[DayState]]] = []
        with ThreadPoolExecutor(self.settings.load_threads, thread_name_prefix="load") as pool:
            for name, contract in self.contracts.items():
                due = plan.of(name, "load")
                if due:
                    log.info("dataset.loading", dataset=name, days=len(due), first=str(due[0].logical_date))
                    tasks.append(pool.submit(load, loader, contract, due))
        for task in tasks:
            if task.exception() is None:
                report.days += task.result()
        for task in tasks:
            task.result()

    def _publish(self, fence: Fence, report: Report) -> None:
        """Gold, where something moved; never from a Silver table that is only half rebuilt."""
        for contract in self.contracts.values():
            refuse_unfit(self.lake, contract, business_timezone=self.settings.business_timezone)
        publisher = self.publisher()
        if publisher.pending():
            report.tables = publish_all(self.spark(), publisher, fence)

    def _finish(self, report: Report) -> None:
        """Days that are in Silver and went through Gold are SUCCEEDED, also those that a dead run left behind."""
        open_days = [s for s in self.ledger.days() if s.status is Status.RUNNING and s.silver_version is not None]
        done = [replace(s, status=Status.SUCCEEDED, gold_pending=False) for s in open_days]
        self.ledger.put(*done)
        finished = {(d.dataset, d.logical_date): d for d in done}
        report.days = [finished.pop((d.dataset, d.logical_date), d) for d in report.days] + list(finished.values())

    def publisher(self) -> Publisher:
        """The publication of Gold as the ledger stands now."""
        states = self.ledger.days()
        return Publisher(self.settings, self.lake, self.contracts, self.progress, horizons(states, self.contracts))


def _lost(lease: Lease) -> LeaseLost | None:
    """That the lease isn't this run's own any more, or nothing."""
    try:
        lease.confirm()
    except LeaseLost as lost:
        return lost
    return None


def _first_days(due: Sequence[Due], number: int) -> list[Due]:
    """All that falls on the first `number` days with something to load, or everything where no more follow."""
    days = sorted({d.logical_date for d in due if d.action == "load"})
    if len(days) <= number:
        return list(due)
    return [d for d in due if d.logical_date <= days[number - 1]]

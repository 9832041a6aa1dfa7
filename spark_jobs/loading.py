"""One dataset's due days, from the landing to Silver: read, keep, judge, set aside what fails, merge what changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze, rejects, silver
from spark_jobs.contract import Contract
from spark_jobs.errors import DataError, EngineError, OpslakeError, SourceError
from spark_jobs.lake import Fence, Lake, in_days
from spark_jobs.log import log
from spark_jobs.planning import delivery_id, in_silver
from spark_jobs.settings import Settings
from spark_jobs.silver_table import ensure, refuse_unfit
from spark_jobs.sources import File, header_of
from state.due import Due
from state.landing import Delivery
from state.ledger import DayState, Figures, Ledger, Status

ROW_BYTES = 100
"""Of a delivered record, about: what turns `driver_rows` into bytes of files."""


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


def load(loader: Loader, contract: Contract, dues: Sequence[Due]) -> list[DayState]:
    """Bring due days into Silver, at most `batch_days` by one commit; returns their ledger rows, also written.

    A day that fails holds back no other, nor another dataset: its ledger row says why. Raises what is about no day:
    a lost lease, a Silver table that can't be added to.
    """
    refuse_unfit(loader.lake, contract, business_timezone=loader.settings.business_timezone)
    size = loader.settings.batch_days
    parts = [dues[start : start + size] for start in range(0, len(dues), size)]
    return [day for part in parts for day in _load_part(loader, contract, part)]


def _load_part(loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool = False) -> list[DayState]:
    """Days by one commit; where that can't be done in two halves, down to the day that fails."""
    try:
        return _load_batch(loader, contract, dues, again=again)
    except Exception as error:
        if loader.fence.lost:
            raise
        failure = as_opslake_error(error, where=contract.dataset)
        if len(dues) == 1 and (again or isinstance(failure, SourceError)):
            batch = _new_batch(loader, contract, dues)
            batch.failures[dues[0].logical_date] = failure
            return _record(loader, batch, {}, None)
        log.warning("batch.again", dataset=contract.dataset, days=len(dues), because=_first_line(error))
        middle = len(dues) // 2  # 0 for a single day: it may have reached Silver before it failed, so look once more
        halves = [half for half in (dues[:middle], dues[middle:]) if half]
        return [day for half in halves for day in _load_part(loader, contract, half, again=True)]


def _new_batch(loader: Loader, contract: Contract, dues: Sequence[Due]) -> Batch:
    before = {s.logical_date: s for s in loader.states if s.dataset == contract.dataset}
    return Batch(contract, tuple(dues), before)


def _load_batch(loader: Loader, contract: Contract, dues: Sequence[Due], *, again: bool = False) -> list[DayState]:
    batch = _new_batch(loader, contract, dues)
    recovered = _recovered(loader, batch, again=again)
    if recovered:
        batch.dues = tuple(d for d in batch.dues if d.logical_date not in recovered)
        loader.ledger.put(*recovered.values())
    if not batch.dues:
        return list(recovered.values())
    loader.ledger.put(*(_running(loader, batch, d) for d in batch.dues))
    missing = _look_at_headers(batch)
    bronze.write(
        loader.spark,
        loader.lake,
        contract,
        batch.files(),
        loader.fence,
        load_time=batch.started,
        driver_bytes=loader.settings.driver_rows * ROW_BYTES,
    )
    log.info("bronze.kept", dataset=contract.dataset, days=len(batch.alive))
    batch.failures |= missing
    figures: dict[date, Figures] = {}
    version = None
    if batch.alive:
        figures, version = _to_silver(loader, batch)
    return [*recovered.values(), *_record(loader, batch, figures, version)]


def _recovered(loader: Loader, batch: Batch, *, again: bool) -> dict[date, DayState]:
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
            found[day] = _loaded(loader, batch, due, figures, version)
            log.info("silver.recovered", dataset=batch.contract.dataset, day=str(day), read=figures.read)
        elif day in died:  # corrected since: what died unsaid is an earlier delivery that did reach Silver
            before = batch.before[day]
            batch.before[day] = replace(before, loaded=(*(d for d in before.loaded if d != delivery), delivery))
    return found


def _running(loader: Loader, batch: Batch, due: Due) -> DayState:
    before = batch.before.get(due.logical_date)
    return DayState(
        dataset=batch.contract.dataset,
        logical_date=due.logical_date,
        status=Status.RUNNING,
        attempt=due.attempt,
        run_id=loader.fence.lease.run_id,
        deliveries=due.deliveries,
        loaded=before.loaded if before else (),
        started_at=batch.started,
    )


def _look_at_headers(batch: Batch) -> dict[date, OpslakeError]:
    """Days that lack a required column; those without a readable header fail at once and don't reach Bronze."""
    contract = batch.contract
    missing: dict[date, OpslakeError] = {}
    extra: dict[str, int] = {}
    absent: dict[str, int] = {}
    for file in batch.files():
        try:
            header = header_of(contract, file.path)
        except SourceError as error:
            batch.failures[file.logical_date] = error
            continue
        if header is None:
            continue
        lacking = set(header.missing)
        needed = [c.name for c in contract.columns if c.required and c.sources and set(c.sources) <= lacking]
        unknown = [name for name in header.extra if name]
        for counts, names in ((extra, unknown), (absent, lacking)):
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        if needed:
            missing[file.logical_date] = DataError(
                f"required column {', '.join(needed)} is missing",
                where=file.path,
                value=", ".join(header.names),
                hint="correct the delivery, or name the source column in the contract's transformSourceObjects",
            )
        elif contract.drift == "fail" and (unknown or lacking):
            missing[file.logical_date] = DataError(
                "the columns aren't those of the contract",
                where=file.path,
                value=", ".join(header.names),
                allowed=contract.source_names,
                hint="change the contract, or its driftPolicy to report",
            )
    if extra or absent:
        log.warning("schema.drift", dataset=contract.dataset, new_columns=extra, missing_columns=absent)
    return missing


def _to_silver(loader: Loader, batch: Batch) -> tuple[dict[date, Figures], int | None]:
    contract, lake, spark, zone = batch.contract, loader.lake, loader.spark, loader.settings.business_timezone
    with ThreadPoolExecutor(2, thread_name_prefix="beside") as beside:
        opened = beside.submit(silver.open_table, spark, lake, contract)
        judged = silver.judge(bronze_rows(loader, batch), contract, business_timezone=zone).localCheckpoint(eager=False)
        tallies = silver.tally(judged)
        tallies = {day: tallies.get(day, silver.Tally()) for day in batch.alive}
        held = _hold_back(loader, batch, tallies)
        passing = {day: t for day, t in tallies.items() if day not in held}
        opened.result()
        exceptions = beside.submit(_set_aside, loader, batch, judged, tallies, held)
        if not passing:
            exceptions.result()
            return _figures(tallies, {}, {}), None
        classified = _classified(loader, batch, judged, passing)
        figures = _figures(tallies, classified.counts, _absent(loader, batch, judged, passing))
        exceptions.result()  # before Silver, so that nobody sees a day in Silver without its exceptions
    for day in passing:
        if not figures[day].balanced:
            raise EngineError(f"{figures[day]} doesn't add up", where=f"{contract.dataset} {day}")
    ensure(spark, lake, contract, business_timezone=zone)
    told = {day.isoformat(): figures[day].to_json() | {"delivery": batch.deliveries[day]} for day in passing}
    silver.write(
        spark,
        lake,
        contract,
        classified,
        loader.fence,
        rows_per_file=loader.settings.rows_per_file,
        facts={"dataset": contract.dataset, "figures": told},
    )
    version = lake.version("silver", contract.dataset)
    log.info("silver.merged", dataset=contract.dataset, changed=classified.changes, version=version)
    return figures, version


def _set_aside(
    loader: Loader, batch: Batch, judged: DataFrame, tallies: Mapping[date, silver.Tally], held: set[date]
) -> None:
    """The batch's rejects and duplicates, to the exception path."""
    number = sum(t.rejected + t.duplicates for t in tallies.values())
    if not number and loader.lake.version("exception", batch.contract.dataset) is None:
        return
    rejects.write(
        loader.spark,
        loader.lake,
        batch.contract,
        judged,
        {day: batch.deliveries[day] for day in tallies},
        loader.fence,
        rule_set=rule_set(batch.contract),
        held=held,
        number=number,
        driver_rows=loader.settings.driver_rows,
    )


def bronze_rows(loader: Loader, batch: Batch) -> DataFrame:
    """The batch's days as Bronze has them; no rows where all deliveries are empty."""
    deliveries = {day: [batch.deliveries[day]] for day in batch.alive}
    rows = bronze.read(loader.spark, loader.lake, batch.contract, deliveries)
    return bronze.redated(rows, batch.returned())


def _hold_back(loader: Loader, batch: Batch, tallies: Mapping[date, silver.Tally]) -> set[date]:
    """The days that go no further: too many rejects, or empty where that isn't allowed."""
    contract = batch.contract
    held: set[date] = set()
    for day, found in tallies.items():
        ratio = Decimal(found.rejected) / found.read if found.read else Decimal(0)
        where = f"{contract.dataset} {day}"
        if not found.read and not contract.allow_empty:
            batch.failures[day] = DataError("the delivery is empty", where=where, hint="deliver it again with rows")
        elif ratio > contract.max_reject_ratio and not loader.accept_rejects:
            worst = sorted(found.reasons.items(), key=lambda item: -item[1])[:3]
            batch.failures[day] = DataError(
                f"{found.rejected} of {found.read} records were rejected ({ratio:.1%})",
                where=where,
                value=", ".join(f"{name}: {count}" for name, count in worst),
                allowed=f"at most {contract.max_reject_ratio:.1%} (maxRejectRatio)",
                hint=f"look at `opslake exceptions list {contract.dataset} --date {day}`; to let it pass: "
                f"`opslake run --date {day} --dataset {contract.dataset} --accept-rejects`",
            )
        else:
            continue
        held.add(day)
    return held


def _classified(
    loader: Loader, batch: Batch, judged: DataFrame, passing: Mapping[date, silver.Tally]
) -> silver.Classified:
    contract, spark, zone = batch.contract, loader.spark, loader.settings.business_timezone
    accepted = judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))
    if len(passing) < len(batch.dues):
        accepted = accepted.where(in_days(F.col("_logical_date"), passing))
    later = _later_deliveries(loader, batch, passing)
    is_whole = contract.load_mode == "replace"
    versions = None
    if later and not is_whole:
        kept = bronze.read(spark, loader.lake, contract, later)
        versions = silver.newest_versions(kept, contract, accepted.select(*contract.key), business_timezone=zone)
    return silver.classify(
        spark,
        loader.lake,
        contract,
        accepted,
        number=sum(t.accepted for t in passing.values()),
        later_versions=versions,
        delivered_keys=judged.select(*contract.key).dropna().distinct() if is_whole else None,
        all_stale=is_whole and not set(later) <= set(passing),
    )


def _later_deliveries(loader: Loader, batch: Batch, passing: Mapping[date, silver.Tally]) -> dict[date, list[str]]:
    """What was loaded of days after the batch's first, which rule 7 asks; of a corrected day its earlier content."""
    states = in_silver(loader.states, batch.contract.dataset)
    found = {
        day: [d for d in state.loaded if day not in passing or d != batch.deliveries[day]]
        for day, state in states.items()
        if day > min(passing)
    }
    return {day: loaded for day, loaded in found.items() if loaded}


def _absent(loader: Loader, batch: Batch, judged: DataFrame, passing: Iterable[date]) -> dict[date, int]:
    """Keys that a day's earlier delivery brought and its corrected one doesn't hold any more."""
    contract, counts = batch.contract, {}
    for day in passing:
        before = batch.before.get(day)
        earlier = [d for d in (before.loaded if before else ()) if d != batch.deliveries[day]]
        if not earlier or contract.load_mode == "replace":
            continue
        rows = bronze.read(loader.spark, loader.lake, contract, {day: earlier[-1:]})
        old = silver.judge(rows, contract, business_timezone=loader.settings.business_timezone)
        old_keys = old.where(F.size("_reasons") == 0).select(*contract.key).distinct()
        new_keys = judged.where(F.col("_logical_date") == F.lit(day)).select(*contract.key)
        counts[day] = old_keys.join(new_keys, list(contract.key), "left_anti").count()
    return counts


def _figures(
    tallies: Mapping[date, silver.Tally],
    classes: Mapping[date, Mapping[str, int]],
    absent: Mapping[date, int],
) -> dict[date, Figures]:
    return {
        day: Figures(
            read=found.read,
            duplicates=found.duplicates,
            rejected=found.rejected,
            absent=absent.get(day, 0),
            warnings=found.warnings,
            **classes.get(day, {}),
        )
        for day, found in tallies.items()
    }


def _record(loader: Loader, batch: Batch, figures: Mapping[date, Figures], version: int | None) -> list[DayState]:
    """The batch's ledger rows: RUNNING with figures until Gold is done, or FAILED with the reason."""
    rows = []
    for due in batch.dues:
        day = due.logical_date
        error = batch.failures.get(day)
        if error is None:
            rows.append(_loaded(loader, batch, due, figures[day], version))
            continue
        log.error("day.failed", dataset=batch.contract.dataset, day=str(day), error=str(error))
        rows.append(
            replace(
                _running(loader, batch, due),
                status=Status.FAILED,
                figures=figures.get(day),
                finished_at=datetime.now(UTC),
                error_class=type(error).__name__,
                error_message=str(error),
            )
        )
    loader.ledger.put(*rows)
    return rows


def _loaded(loader: Loader, batch: Batch, due: Due, figures: Figures, version: int | None) -> DayState:
    day = due.logical_date
    before = _running(loader, batch, due)
    now = datetime.now(UTC)
    return replace(
        before,
        figures=figures,
        loaded=(*(d for d in before.loaded if d != batch.deliveries[day]), batch.deliveries[day]),
        silver_version=-1 if version is None else version,
        ingestion_timestamp=now,
        finished_at=now,
        accepted_rejects=loader.accept_rejects
        and figures.read > 0
        and Decimal(figures.rejected) / figures.read > batch.contract.max_reject_ratio,
        gold_pending=True,
    )


def rule_set(contract: Contract) -> str:
    """A hash of the rules in force: the columns' checks, the row rules and the null tokens."""
    told = repr((contract.columns, contract.rules, contract.null_tokens, contract.earliest_date, contract.zone))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def as_opslake_error(error: Exception, *, where: str) -> OpslakeError:
    """The error itself where it is ours; one that a Spark task raised is found in the text that Spark passes on."""
    if isinstance(error, OpslakeError):
        return error
    text = str(error)
    sign = "SourceError: "
    if sign in text:
        return SourceError(text.split(sign, 1)[1].splitlines()[0])
    return EngineError(f"{type(error).__name__}: {_first_line(error)}", where=where)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__

"""Rejected records once more: judged by the contract in force, or corrected in a file, and what passes into Silver.

In this order, so that a death between any two commits is made good by the next replay: corrected rows to Bronze, to the
ledger, what passes to Silver, and only then the exceptions; records that Silver has already come out `unchanged`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze, resolving, silver
from spark_jobs.claims import refuse_disputed, unique_columns
from spark_jobs.contract import Contract
from spark_jobs.corrections import Corrections, bronze_rows, check, read_corrections, taken_up
from spark_jobs.errors import EngineError
from spark_jobs.exception_export import ID
from spark_jobs.exception_rows import Waiting, exceptions_by_id, waiting
from spark_jobs.forgotten import forgotten_of
from spark_jobs.lake import Fence, Lake
from spark_jobs.log import log
from spark_jobs.planning import in_silver, redelivered
from spark_jobs.resolving import OF, RECORD, Fates
from spark_jobs.settings import Settings
from spark_jobs.silver_table import ensure, refuse_unfit
from state.ledger import DayState, Figures, Ledger

MALFORMED = "malformed_record"
DISPUTED = "nothing of the replay is in Silver; correct the record in another file, or deliver the list again"
SUMMED = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")


@dataclass(frozen=True)
class Asked:
    """Which open exceptions of a dataset to take up: all of a day or a reason, or those that a file corrects."""

    dataset: str
    day: date | None = None
    reason: str | None = None
    file: str | None = None


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `figures` are of the records that it read, corrected ones beside those of vain corrections.

    `fates` count exceptions; `malformed` and `held` those that no contract can make right, and those of deliveries that
    aren't in Silver.
    """

    dataset: str
    figures: Figures = field(default_factory=Figures)
    fates: Fates = field(default_factory=Fates)
    malformed: int = 0
    held: int = 0

    @property
    def summary(self) -> dict[str, int]:
        """The figures for the run's record."""
        return {name: getattr(self.figures, name) for name in SUMMED} | vars(self.fates)


@dataclass(frozen=True)
class Replayer:
    """What a replay needs; `spark` is asked for only when there is something to judge."""

    settings: Settings
    lake: Lake
    ledger: Ledger
    fence: Fence
    contract: Contract
    asked: Asked
    spark: Callable[[], SparkSession]
    states: Mapping[date, DayState]
    """The dataset's days that are in Silver."""


def replay(
    settings: Settings,
    lake: Lake,
    ledger: Ledger,
    fence: Fence,
    contract: Contract,
    asked: Asked,
    spark: Callable[[], SparkSession],
) -> Replayed:
    """Take up the open exceptions that are asked for; what passes is in Silver and resolved when this returns."""
    refuse_unfit(lake, contract, business_timezone=settings.business_timezone)
    states = in_silver(ledger.days(), contract.dataset)
    its = Replayer(settings, lake, ledger, fence, contract, asked, spark, states)
    if asked.file is not None:
        corrections = read_corrections(asked.file, contract)
        its, days = _keep(its, corrections)
        if not days:
            return Replayed(contract.dataset)
        return _replayed(its, {}, {day: [corrections.delivery] for day in days})
    found = waiting(settings.lake, contract, day=asked.day, reason=asked.reason)
    open_ones = [w for w in found if w.logical_date in states and w.delivery in states[w.logical_date].loaded]
    held = sum(w.records for w in found) - sum(w.records for w in open_ones)
    originals, corrected = _deliveries(open_ones, states)
    nothing = Replayed(contract.dataset, malformed=sum(w.malformed for w in open_ones), held=held)
    if not originals and not corrected:
        return nothing
    done = _replayed(its, originals, corrected)
    return replace(done, malformed=nothing.malformed, held=held)


def _keep(its: Replayer, corrections: Corrections) -> tuple[Replayer, set[date]]:
    """Bring corrected rows to Bronze and their delivery to the ledger; returns the days with something open."""
    contract, states = its.contract, its.states
    known = exceptions_by_id(its.settings.lake, contract.dataset, corrections.names)
    days = {known[name]["_logical_date"] for name in corrections.names if name in known}
    again = taken_up(corrections, days, states)
    check(corrections, known, states, taken_up=again)
    if not again and days:
        run_id, now = its.fence.lease.run_id, datetime.now(UTC)
        rows = bronze_rows(corrections, known, contract, states, run_id=run_id, load_time=now)
        forgotten = forgotten_of(its.settings) if contract.customer_id else None
        bronze.write_rows(its.lake, contract, rows, its.fence, forgotten=forgotten)
        noted = {
            day: replace(states[day], replayed=(*states[day].replayed, corrections.delivery)) for day in sorted(days)
        }
        its.ledger.put(*noted.values())
        its = replace(its, states={**states, **noted})
        log.info("corrections.kept", dataset=contract.dataset, rows=len(corrections.rows), days=len(days))
    return its, {row["_logical_date"] for row in known.values() if row["status"] == "open"}


def _deliveries(
    open_ones: Sequence[Waiting], states: Mapping[date, DayState]
) -> tuple[dict[date, list[str]], dict[date, list[str]]]:
    """Where the records of open exceptions lie in Bronze: as delivered, and as they were corrected in vain."""
    originals: dict[date, list[str]] = {}
    for one in open_ones:
        if one.records > one.malformed:
            originals.setdefault(one.logical_date, []).append(one.delivery)
    days = {one.logical_date for one in open_ones}
    return originals, {day: list(states[day].replayed) for day in sorted(days) if states[day].replayed}


def _replayed(
    its: Replayer, originals: Mapping[date, Sequence[str]], corrected: Mapping[date, Sequence[str]]
) -> Replayed:
    """Judge the records, merge what passes into Silver, then say so of the exceptions."""
    spark, contract, zone = its.spark(), its.contract, its.settings.business_timezone
    existing = resolving.open_exceptions(spark, its.lake, contract.dataset, its.settings.driver_rows)
    if existing is None:
        return Replayed(contract.dataset)
    links, rows = _records(its, existing, originals, corrected)
    judged = silver.judge(rows, contract, business_timezone=zone).localCheckpoint(eager=False)
    tallies = silver.tally(judged)
    accepted = judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))
    figures = Figures(
        read=sum(t.read for t in tallies.values()),
        duplicates=sum(t.duplicates for t in tallies.values()),
        rejected=sum(t.rejected for t in tallies.values()),
    )
    passing = {day: t.accepted for day, t in tallies.items() if t.accepted}
    if passing:
        figures = _to_silver(its, existing, accepted, passing, figures)
    fates = resolving.write(
        spark, its.lake, contract, existing, judged.join(links, list(RECORD)), its.fence, its.settings.driver_rows
    )
    told = {name: getattr(figures, name) for name in SUMMED}
    log.info("exceptions.replayed", dataset=contract.dataset, **told, **vars(fates))
    return Replayed(contract.dataset, figures, fates)


def _records(
    its: Replayer,
    existing: DataFrame,
    originals: Mapping[date, Sequence[str]],
    corrected: Mapping[date, Sequence[str]],
) -> tuple[DataFrame, DataFrame]:
    """The records to judge as Bronze has them, and beside each the id of its exception."""
    asked, wanted = its.asked, existing
    if asked.day is not None:
        wanted = wanted.where(F.col("_logical_date") == F.lit(asked.day))
    if asked.reason is not None:
        wanted = wanted.where(F.array_contains("reject_reasons", asked.reason))
    both = {day: [*originals.get(day, ()), *corrected.get(day, ())] for day in {*originals, *corrected}}
    rows = _read(its, both)
    links = wanted.where(~F.array_contains("reject_reasons", MALFORMED)).select(ID, *RECORD)
    names = wanted.select(ID, F.col("_logical_date").alias("_day"))
    corrections = rows.where(F.col("_delivery").isin(*{each for ids in corrected.values() for each in ids}))
    same = (_name_in(corrections) == names[ID]) & (corrections["_logical_date"] == names["_day"])
    corrections = corrections.join(names, same).select(ID, *RECORD)
    links = corrections if asked.file is not None else links.unionByName(corrections)
    # new names are new columns to Spark, which else takes both sides of a later join for the same
    apart = links.select(*(F.col(name).alias(f"of{name}") for name in (ID, *RECORD)))
    links = apart.localCheckpoint(eager=False).toDF(OF, *RECORD)
    return links, rows.join(links.select(*RECORD), list(RECORD), "left_semi")


def _name_in(corrections: DataFrame) -> Column:
    """The id of the exception that a corrected row names, which Bronze keeps like any column it doesn't know."""
    return F.lower(F.trim(corrections["_extra"][ID]))


def _read(its: Replayer, deliveries: Mapping[date, Sequence[str]]) -> DataFrame:
    """Deliveries from Bronze, with the times that came-again content has in the landing now."""
    rows = bronze.read(its.spark(), its.lake, its.contract, deliveries)
    return bronze.redated(rows, [file for day in deliveries for file in redelivered(its.states[day])])


def _to_silver(
    its: Replayer, existing: DataFrame, accepted: DataFrame, passing: Mapping[date, int], figures: Figures
) -> Figures:
    """Classify what passes as of its own logical date and merge it; returns the figures, complete and checked."""
    spark, lake, contract = its.spark(), its.lake, its.contract
    classified, too_old = _classified(its, existing, accepted, passing)
    counts = Counter({"stale": too_old})
    for by_class in classified.counts.values():
        counts.update(by_class)
    classes = {name: counts[name] for name in ("inserted", "updated", "unchanged", "stale")}
    figures = Figures(**{**figures.to_json(), **classes})
    if not figures.balanced:
        raise EngineError(f"{figures} doesn't add up", where=f"replay of {contract.dataset}")
    _refuse_disputed(its, classified)
    ensure(spark, lake, contract, business_timezone=its.settings.business_timezone)
    facts = {"dataset": contract.dataset, "replayed": figures.to_json()}
    rows_per_file = its.settings.rows_per_file
    silver.write(spark, lake, contract, classified, its.fence, rows_per_file=rows_per_file, facts=facts)
    log.info("silver.merged", dataset=contract.dataset, changed=classified.changes)
    return figures


def _refuse_disputed(its: Replayer, classified: silver.Classified) -> None:
    """Raise where Silver would have two rows that claim one value of a unique column."""
    contract, spark = its.contract, its.spark()
    columns = [*contract.key, *unique_columns(contract)]
    if columns == [*contract.key] or not classified.changes:
        return
    rows = silver.last_changes(classified.rows, contract).select(*columns)
    if its.lake.version("silver", contract.dataset) is not None:
        others = its.lake.read(spark, "silver", contract.dataset).select(*columns)
        rows = others.join(rows, list(contract.key), "left_anti").unionByName(rows)
    refuse_disputed(rows, contract, max(its.states), hint=DISPUTED)


def _classified(
    its: Replayer, existing: DataFrame, accepted: DataFrame, passing: Mapping[date, int]
) -> tuple[silver.Classified, int]:
    """The classes of accepted records, and how many are stale without a look: of lists that a later one replaced."""
    contract, zone, number = its.contract, its.settings.business_timezone, sum(passing.values())
    kept, versions = accepted, None
    if contract.load_mode == "replace":
        latest = its.states[max(its.states)]
        is_of_it = F.col("_delivery").isin(*latest.loaded[-1:], *latest.replayed)
        kept = accepted.where((F.col("_logical_date") == F.lit(latest.logical_date)) & is_of_it)
        number = kept.count()
    else:
        versions = _versions_elsewhere(its, existing, accepted, min(passing))
    classified = silver.classify(
        its.spark(), its.lake, contract, kept, number=number, business_timezone=zone, later_versions=versions
    )
    return classified, sum(passing.values()) - number


def _versions_elsewhere(its: Replayer, existing: DataFrame, accepted: DataFrame, first: date) -> DataFrame:
    """The newest version of each key that was accepted on these days or later, other than what is open itself."""
    deliveries = {day: state.all_deliveries for day, state in its.states.items() if day >= first}
    rows = _read(its, deliveries)
    rows = rows.join(existing.select(*RECORD), list(RECORD), "left_anti")
    if any(its.states[day].replayed for day in deliveries):
        rows = rows.join(existing.select(ID), _name_in(rows) == existing[ID], "left_anti")
    keys = accepted.select(*its.contract.key)
    return silver.newest_versions(rows, its.contract, keys, business_timezone=its.settings.business_timezone)

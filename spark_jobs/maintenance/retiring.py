"""Old deliveries in Bronze that nothing asks for any more: corrected since, and without a trace in the lake.

A delivery stays while it is its day's current one, while an exception of it is open, while a row of Silver came from
it, and, of a dataset that is merged, while Silver would come out otherwise without it, now (a rebuild) or after an
older file arrives (rule 7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze, silver
from spark_jobs.contract import Contract
from spark_jobs.lake import Fence, Lake
from spark_jobs.log import log
from spark_jobs.lookup import open_table, select
from spark_jobs.planning import delivery_id, in_silver, redelivered
from spark_jobs.rules import VERSION
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger, Status

Place = tuple[date, str]
"""A logical date and a delivery's id."""

LINEAGE = ("_version_at", "_source_file", "_file_modified", "_row_number", "_delivery", "_logical_date")


@dataclass(frozen=True)
class Retiring:
    """What is needed to judge a dataset's old deliveries; `spark` is asked for only where records must be compared."""

    settings: Settings
    lake: Lake
    contract: Contract
    states: Mapping[date, DayState]
    spark: Callable[[], SparkSession]


def retirable(
    settings: Settings, lake: Lake, ledger: Ledger, contract: Contract, spark: Callable[[], SparkSession]
) -> set[Place]:
    """The deliveries that can go. Changes nothing."""
    states = {s.logical_date: s for s in ledger.days(contract.dataset)}
    its = Retiring(settings, lake, contract, states, spark)
    found = _replaced(its) - _in_use(its)
    loaded = {(day, name) for day, state in states.items() for name in state.all_deliveries}
    if contract.load_mode == "replace" or not found & loaded:
        return found
    if contract.carried:  # any version of a key may be the one whose value the others carry
        return found - loaded
    return (found - loaded) | _dispensable(its, found & loaded)


def retire(lake: Lake, dataset: str, places: set[Place], fence: Fence) -> None:
    """Take these deliveries out of Bronze by one commit."""
    table = lake.look("bronze", dataset)
    if table is None or not places:
        return
    where = " OR ".join(f"(_logical_date = '{day}' AND _delivery = '{name}')" for day, name in sorted(places))
    table.delete(where, commit_properties=fence.properties(dataset=dataset, retired=len(places)))
    log.info("bronze.retired", dataset=dataset, deliveries=len(places))


def _replaced(its: Retiring) -> set[Place]:
    """Deliveries of days that have succeeded with another one, long enough ago; of whole lists all but the latest."""
    long_ago = datetime.now(UTC) - timedelta(days=its.settings.superseded_days)
    days = in_silver(its.states.values(), its.contract.dataset)
    last_list = days[max(days)] if days and _settled(days[max(days)]) <= long_ago else None
    found = set()
    for day, name in bronze.present(its.lake, its.contract.dataset):
        state = its.states.get(day)
        if state is None or state.status is not Status.SUCCEEDED or _settled(state) > long_ago:
            continue
        is_past = its.contract.load_mode == "replace" and last_list is not None and day < last_list.logical_date
        if is_past or name not in (*_current(state), *state.replayed):
            found.add((day, name))
    return found


def _settled(state: DayState) -> datetime:
    return state.finished_at or datetime.now(UTC)


def _current(state: DayState) -> tuple[str, ...]:
    """The day's current delivery, by its files and by what Silver was given last: the same but after a kill."""
    of_files = (delivery_id(state.deliveries),) if state.deliveries else ()
    return (*of_files, *state.loaded[-1:])


def _in_use(its: Retiring) -> set[Place]:
    """The deliveries that an open exception or a row of Silver is of."""
    asked = {"exception": "WHERE status = 'open'", "silver": ""}
    found: set[Place] = set()
    for layer, where in asked.items():
        table = open_table(its.settings.lake, layer, its.contract.dataset)
        sql = f'SELECT DISTINCT "_logical_date" AS day, "_delivery" AS name FROM t {where}'
        found |= {(row["day"], row["name"]) for row in (select(table, sql) if table is not None else ())}
    return found


def _dispensable(its: Retiring, places: set[Place]) -> set[Place]:
    """Those of a merged dataset without which Silver is the same."""
    accepted = _accepted(its).localCheckpoint(eager=False)
    kept = _outranking(its, accepted, places)
    while places - kept:
        needed = _missed(its, accepted, places - kept)
        if not needed:
            return places - kept
        kept |= needed
    return set()


def _accepted(its: Retiring) -> DataFrame:
    """Every accepted record of the dataset that Bronze has."""
    states = in_silver(its.states.values(), its.contract.dataset)
    rows = bronze.read(
        its.spark(), its.lake, its.contract, {day: state.all_deliveries for day, state in states.items()}
    )
    rows = bronze.redated(rows, [file for state in states.values() for file in redelivered(state)])
    judged = silver.judge(rows, its.contract, business_timezone=its.settings.business_timezone)
    return judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))


def _outranking(its: Retiring, accepted: DataFrame, places: set[Place]) -> set[Place]:
    """Deliveries with a key that their day's current one doesn't have in as new a version: rule 7 may ask for it."""
    key, version = list(its.contract.key), F.struct(*VERSION)
    current = {(day, state.loaded[-1]) for day, state in its.states.items() if state.loaded}
    of_current = accepted.where(_among(current)).select(*key, "_logical_date", version.alias("_newest"))
    old = accepted.where(_among(places)).select(*key, "_logical_date", "_delivery", version.alias("_version"))
    beyond = old.join(of_current, [*key, "_logical_date"], "left").where("_newest IS NULL OR _newest < _version")
    return _places(beyond)


def _missed(its: Retiring, accepted: DataFrame, places: set[Place]) -> set[Place]:
    """Those of `places` with a key whose row in Silver isn't what a rebuild without them would give."""
    contract, key = its.contract, list(its.contract.key)
    old = accepted.where(_among(places)).select(*key, "_logical_date", "_delivery")
    rest = accepted.where(~_among(places)).join(old.select(*key).distinct(), key, "left_semi")
    zone = its.settings.business_timezone
    rebuilt = silver.classify(
        its.spark(), its.lake, contract, rest, number=0, business_timezone=zone, from_nothing=True
    )
    columns = list(dict.fromkeys((*key, *(c.name for c in contract.stored), *LINEAGE)))
    held = its.lake.read(its.spark(), "silver", contract.dataset).join(old.select(*key).distinct(), key, "left_semi")
    both = silver.last_changes(rebuilt.rows, contract).select(*columns, F.lit(1).alias("_side"))
    both = both.unionByName(held.select(*columns, F.lit(-1).alias("_side")))
    differing = both.groupBy(*columns).agg(F.sum("_side").alias("_side")).where("_side <> 0").select(*key)
    # new names are new columns to Spark 3.5, which else takes both sides of the join for the same
    apart = differing.distinct().toDF(*(f"of_{name}" for name in key))
    same = [F.col(name) == F.col(f"of_{name}") for name in key]
    return _places(old.join(apart, same, "left_semi"))


def _among(places: set[Place]) -> Column:
    names = [f"{day}/{name}" for day, name in sorted(places)]
    return F.concat_ws("/", F.col("_logical_date").cast("string"), "_delivery").isin(*names)


def _places(rows: DataFrame) -> set[Place]:
    return {(row[0], row[1]) for row in rows.select("_logical_date", "_delivery").distinct().collect()}

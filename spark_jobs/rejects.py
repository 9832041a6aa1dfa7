"""The exception path: one row per rejected or duplicate record, with a life of its own.

An exception is keyed by dataset, delivery and record number. It is `open` until its record is accepted in a later
version (`resolved`) or its delivery is replaced (`superseded`); duplicates are `informational`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable as RustTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import direct
from spark_jobs.contract import Contract
from spark_jobs.lake import STATISTICS, Fence, Lake, columns_of, create, days_sql, in_days
from spark_jobs.rules import LINEAGE, delivered_text

DUPLICATE = "duplicate_in_batch"
VERSION_IN_FUTURE = "version_in_future"
SCHEMA = """
exception_id string, dataset string, record_key string, reject_reasons array<string>, reject_reason string,
raw_record string, rule_set string, status string, resolved_by string, first_seen timestamp, _version_at timestamp,
_source_file string, _file_modified timestamp, _row_number bigint, _delivery string, _logical_date date,
_load_time timestamp, _ingested_at timestamp, _run_id string
"""
LIFE = ("exception_id", "record_key", "reject_reasons", "status", "_version_at", "_delivery", "_logical_date")
STATUS_COLUMNS = ("status", "resolved_by")
PARTITIONS = ("_logical_date",)


def write(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    judged: DataFrame,
    deliveries: Mapping[date, str],
    fence: Fence,
    *,
    rule_set: str,
    held: Collection[date] = (),
    number: int,
    driver_rows: int,
) -> None:
    """Bring the exceptions of `deliveries` up to date in one commit, or in none where nothing changes.

    `judged` has one row per record of these deliveries, with `_reasons`, `_duplicate` and `_record` (see
    `silver.judge`), and `number` of them are exceptions; the rows of `held` days aren't accepted, so they resolve
    nothing. Up to `driver_rows` are committed from the driver.
    """
    passed = judged.where(~in_days("_logical_date", held)) if held else judged
    new = _exceptions(judged, contract, fence, rule_set)
    if len(deliveries) > 1:  # day by day, a later one of these deliveries would resolve what an earlier one left open
        new = _resolved_within(new, _accepted(passed, contract), contract)
    seen = lake.look("exception", contract.dataset)
    seen_days = _days_with_exceptions(lake, contract.dataset) & set(deliveries)
    moved = None
    if seen is not None:
        existing = _alive(spark, lake, contract.dataset, seen, seen_days, driver_rows)
        if existing is not None:
            moved = _moved(existing, _accepted(passed, contract), contract, deliveries, again=bool(seen_days))
    if number <= driver_rows and (seen is None or direct.rows_in(seen) <= 10 * driver_rows):
        found = direct.collect(moved) if moved is not None else None
        _write_here(lake, contract, seen, direct.collect(new) if number else None, found, seen_days, fence)
        return
    if seen is None:
        path = lake.path("exception", contract.dataset)
        create(spark, path, columns_of(SCHEMA), partition_by=PARTITIONS, stats=statistics(contract))
    _write_there(spark, lake, contract, new, moved, seen_days, fence)


def statistics(contract: Contract) -> list[str]:
    """What prunes files; a key that is personal would show in the log."""
    is_personal = any(contract.column(name).is_personal for name in contract.key)
    return ["status"] if is_personal else ["record_key", "status"]


def _alive(
    spark: SparkSession, lake: Lake, dataset: str, seen: RustTable, days: Collection[date], driver_rows: int
) -> DataFrame | None:
    """The exceptions that a load may move: open ones with a key, and all of `days`; None where there are none."""
    if direct.rows_in(seen) > 10 * driver_rows:
        return lake.read_files(spark, "exception", dataset)
    shape = direct.shape_of(seen)
    shape = pa.schema([shape.field(name) for name in LIFE])
    where = f"(status = 'open' AND record_key IS NOT NULL) OR {days_sql('_logical_date', days)}"
    rows = direct.existing_columns(seen, shape, where)
    return direct.frame_of(spark, rows) if rows.num_rows else None


def _write_here(
    lake: Lake,
    contract: Contract,
    seen: RustTable | None,
    new: pa.Table | None,
    moved: pa.Table | None,
    seen_days: set[date],
    fence: Fence,
) -> None:
    """The exceptions are on the driver: days in which one moves are written anew, the others only added to."""
    facts = {"dataset": contract.dataset}
    days = seen_days | (set(moved["_logical_date"].to_pylist()) if moved is not None else set())
    shape = new.schema if new is not None else None
    if seen is None or not days:
        if new is not None and new.num_rows:
            layout = {STATISTICS: ",".join(statistics(contract))}
            direct.commit(
                lake,
                "exception",
                contract.dataset,
                seen,
                new,
                fence,
                facts=facts,
                append=True,
                partition_by=PARTITIONS,
                properties=layout,
            )
        return
    shape = shape or direct.shape_of(seen)
    old = direct.existing_columns(seen, shape, days_sql("_logical_date", days))
    kept = _with_status(old, moved) if moved is not None else old
    fresh = new.filter(pc.invert(pc.is_in(new["exception_id"], value_set=old["exception_id"]))) if new else None
    if (fresh is None or not fresh.num_rows) and kept.equals(old):
        return
    if fresh is not None:
        days |= set(fresh["_logical_date"].to_pylist())
        kept = pa.concat_tables([kept, fresh])
    predicate = days_sql("_logical_date", days)
    direct.commit(lake, "exception", contract.dataset, seen, kept, fence, facts=facts, predicate=predicate)


def _with_status(old: pa.Table, moved: pa.Table) -> pa.Table:
    """The rows with the status that some of them have moved to."""
    place = pc.index_in(old["exception_id"], value_set=moved["exception_id"])
    for name in STATUS_COLUMNS:
        values = pc.if_else(pc.is_valid(place), moved[name].take(place), old[name])
        old = old.set_column(old.schema.get_field_index(name), old.schema.field(name), values)
    return old


def _write_there(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    new: DataFrame,
    moved: DataFrame | None,
    seen_days: set[date],
    fence: Fence,
) -> None:
    """Spark writes."""
    path = lake.path("exception", contract.dataset)
    if moved is None:
        _append(new, path, fence, contract)
        return
    moved = moved.localCheckpoint()
    moved_days = {row[0] for row in moved.select("_logical_date").distinct().collect()}
    if not moved_days and not seen_days:
        _append(new, path, fence, contract)
    else:
        _merge(spark, lake, contract, new, moved, moved_days | seen_days, fence)


def record_key(contract: Contract) -> Column:
    """The key as text, null where a part of it is."""
    parts = [F.col(k).cast("string") for k in contract.key]
    known = F.lit(True)
    for part in parts:
        known = known & part.isNotNull()
    return F.when(known, F.concat_ws("\u001f", *parts))


def _exceptions(judged: DataFrame, contract: Contract, fence: Fence, rule_set: str) -> DataFrame:
    """The rejected and duplicate records, in the shape of the table."""
    reasons = F.when(F.col("_duplicate"), F.array(F.lit(DUPLICATE))).otherwise(F.col("_reasons"))
    identity = F.concat_ws(
        "\u001f", F.lit(contract.dataset), F.col("_delivery"), F.col("_row_number"), F.col("_source_file")
    )
    rows = judged.where((F.size("_reasons") > 0) | F.col("_duplicate"))
    return rows.select(
        F.sha2(identity, 256).alias("exception_id"),
        F.lit(contract.dataset).alias("dataset"),
        record_key(contract).alias("record_key"),
        reasons.alias("reject_reasons"),
        F.concat_ws(", ", reasons).alias("reject_reason"),
        delivered_text(rows).alias("raw_record"),
        F.lit(rule_set).alias("rule_set"),
        F.when(F.col("_duplicate"), "informational").otherwise("open").alias("status"),
        F.lit(None).cast("string").alias("resolved_by"),
        F.col("_load_time").alias("first_seen"),
        "_version_at",
        *LINEAGE,
        F.current_timestamp().alias("_ingested_at"),
        F.lit(fence.lease.run_id).alias("_run_id"),
    )


def _accepted(judged: DataFrame, contract: Contract) -> DataFrame:
    """Per key the newest record that Silver was given."""
    by = F.struct("_version_at", "_logical_date", "_delivery", "_row_number").alias("by")
    winners = judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))
    return (
        winners.select(record_key(contract).alias("record_key"), by).groupBy("record_key").agg(F.max("by").alias("by"))
    )


def _resolves(contract: Contract) -> Column:
    """`by` is a later version than the exception; one whose own version can't be believed is judged by its day."""
    unbelievable = [VERSION_IN_FUTURE, *(c.invalid_reason for c in contract.columns if c.name == contract.ordering)]
    later = F.col("by._version_at") > F.col("_version_at")
    return (
        F.when(
            F.arrays_overlap("reject_reasons", F.array(*map(F.lit, unbelievable))),
            F.col("by._logical_date") > F.col("_logical_date"),
        )
        .when(F.col("_version_at").isNull(), F.col("by").isNotNull())
        .otherwise(later)
    )


def _resolved_within(new: DataFrame, accepted: DataFrame, contract: Contract) -> DataFrame:
    """The new exceptions, those resolved whose key was accepted in a later version of the same batch."""
    open_keys = new.where("status = 'open'").select("record_key").distinct()
    by = accepted.join(F.broadcast(open_keys), "record_key", "left_semi")
    resolved = (F.col("status") == "open") & F.coalesce(_resolves(contract), F.lit(False))
    return (
        new.join(F.broadcast(by), "record_key", "left")
        .select(
            *(c for c in new.columns if c not in STATUS_COLUMNS),
            F.when(resolved, F.lit("resolved")).otherwise(F.col("status")).alias("status"),
            F.when(resolved, _resolver()).alias("resolved_by"),
        )
        .select(*new.columns)
    )


def _resolver() -> Column:
    """What `resolved_by` says: the delivery and the record of the later version."""
    return F.concat_ws("/", F.lit("later_version"), F.col("by._delivery"), F.col("by._row_number"))


def _moved(
    existing: DataFrame, accepted: DataFrame, contract: Contract, deliveries: Mapping[date, str], *, again: bool
) -> DataFrame:
    """The exceptions whose life goes on by this load, with their new status: few columns and few rows.

    Open ones are resolved by `accepted`; those of a day's other deliveries are superseded, and those of its current
    one live again where another content of the day had superseded them (`again`: there are exceptions of these days).
    """
    of_current = F.lit(False)
    for day, delivery in deliveries.items():
        of_current = of_current | ((F.col("_logical_date") == F.lit(day)) & (F.col("_delivery") == F.lit(delivery)))
    of_days = in_days("_logical_date", deliveries)
    status, replaced = F.col("status"), of_days & ~of_current
    no_one = F.lit(None).cast("string").alias("resolved_by")
    superseded = existing.where(status.isin("open", "informational") & replaced).select(
        "exception_id", "_logical_date", F.lit("superseded").alias("status"), no_one
    )
    duplicate = F.array_contains("reject_reasons", DUPLICATE)
    revived = existing.where((status == "superseded") & of_current).select(
        "exception_id", "_logical_date", F.when(duplicate, "informational").otherwise("open").alias("status"), no_one
    )
    resolved = (
        existing.where((status == "open") & F.col("record_key").isNotNull() & ~replaced)
        .select("exception_id", "record_key", "reject_reasons", "_version_at", "_logical_date")
        .join(F.broadcast(accepted), "record_key", "inner")
        .where(_resolves(contract))
        .select("exception_id", "_logical_date", F.lit("resolved").alias("status"), _resolver().alias("resolved_by"))
    )
    return superseded.unionByName(revived).unionByName(resolved) if again else resolved


def outgrown(existing: DataFrame, judged: DataFrame, contract: Contract) -> DataFrame:
    """Of open exceptions those whose key is accepted in a later version among `judged`, with their new status."""
    return _moved(existing, _accepted(judged, contract), contract, {}, again=False)


def _days_with_exceptions(lake: Lake, dataset: str) -> set[date]:
    table = lake.look("exception", dataset)
    return set() if table is None else {date.fromisoformat(p["_logical_date"]) for p in table.partitions()}


def _append(new: DataFrame, path: str, fence: Fence, contract: Contract) -> None:
    rows = new.coalesce(1).localCheckpoint()
    if rows.isEmpty():
        return
    options = fence.append_options(dataset=contract.dataset)
    rows.write.format("delta").mode("append").options(**options).save(path)


def _merge(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    new: DataFrame,
    moved: DataFrame,
    days: set[date],
    fence: Fence,
) -> None:
    """Insert what is new and move what has moved, in one MERGE bounded by the days in which something can match."""
    session = spark.newSession()
    path = lake.path("exception", contract.dataset)
    there = spark.read.format("delta").load(path).where(in_days("_logical_date", days)).select("exception_id")
    fresh = new.join(there, "exception_id", "left_anti")
    source = fresh.unionByName(moved, allowMissingColumns=True).localCheckpoint()
    if source.isEmpty():
        return
    target = lake.delta(session, "exception", contract.dataset)
    condition = f"t.exception_id = s.exception_id AND {days_sql('t._logical_date', days)}"
    fence.tell_merge(session, dataset=contract.dataset)
    (
        target.alias("t")
        .merge(source.alias("s"), condition)
        .whenMatchedUpdate(set={name: f"s.{name}" for name in STATUS_COLUMNS})
        .whenNotMatchedInsertAll()
        .execute()
    )

"""The publication of a Gold table's slices: checked, compared with what is there, and only what differs replaced.

Few rows are committed from the driver (direct.py), many by Spark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable as RustTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from spark_jobs import direct
from spark_jobs.checks import Verdict, compare, orphans
from spark_jobs.errors import DataError
from spark_jobs.feed import slices_note
from spark_jobs.gold import GoldTable, Relationship
from spark_jobs.lake import STATISTICS, Fence, Lake, create, days_sql, in_days
from spark_jobs.log import log
from spark_jobs.lookup import one_of


@dataclass(frozen=True)
class Move:
    """What has to be computed again, and why."""

    reason: str
    whole: bool = False
    days: frozenset[date] = frozenset()
    keys: DataFrame | None = None
    bounds: frozenset[date] = frozenset()
    rows: Mapping[str, DataFrame] = field(default_factory=dict)
    """Inputs whose rows of the moved keys are known already, from their change feed."""

    @property
    def is_nothing(self) -> bool:
        """No slice moved."""
        return not self.whole and not self.days and self.keys is None


@dataclass(frozen=True)
class Outcome:
    """What became of one table in a run."""

    table: str
    status: str  # published, equal, untouched, failed, waiting
    reason: str
    slices: int = 0
    rows: int = 0
    seconds: float = 0.0
    messages: tuple[str, ...] = field(default=())


def slice_sql(table: GoldTable, days: frozenset[date]) -> str:
    """The test that a row's day is one of the moved ones, or not before them for a running sum."""
    column = str(table.slices.column)
    return f"{column} >= DATE '{min(days)}'" if table.slices.kind == "from_date" else days_sql(column, days)


@dataclass(frozen=True)
class Publication:
    """What the publication of any table needs."""

    spark: SparkSession
    lake: Lake
    fence: Fence
    rows_per_file: int
    driver_rows: int
    """Up to so many rows of a table are compared and committed on the driver."""
    personal: frozenset[str] = frozenset()
    """Names of columns that some contract classifies: no new table has statistics of them."""


def statistics(schema: pa.Schema, personal: Collection[str]) -> list[str] | None:
    """The columns of a new table that have statistics; None where nothing is personal: Delta's own choice.

    Delta refuses to be told of columns of truth values and of nested ones.
    """
    if not set(personal) & set(schema.names):
        return None
    refused = {f.name for f in schema if pa.types.is_nested(f.type) or pa.types.is_boolean(f.type)}
    return [name for name in schema.names if name not in refused | set(personal)]


def publish(by: Publication, table: GoldTable, result: DataFrame, move: Move) -> Outcome:
    """Check the slices, then replace those that differ by one commit; none when all are equal.

    Raises `DataError` when a check of severity error fails: nothing is published then.
    """
    seen = by.lake.look("gold", table.name)
    if move.keys is not None and seen is not None:
        here = _merge_here(by, table, result, seen, move)
        return here if here is not None else _merge(by, table, result.localCheckpoint(eager=False), move)
    touched = 0 if seen is None else direct.rows_in(seen, slice_sql(table, move.days) if move.days else None)
    if (table.slices.kind != "by_key" or _fits_a_file(by, table)) and touched <= direct.REWRITTEN * by.driver_rows:
        rows = direct.collect(result.limit(by.driver_rows + 1) if move.whole or touched > by.driver_rows else result)
        here = _publish_here(by, table, rows, seen, move) if rows.num_rows <= by.driver_rows else None
        if here is not None:
            return here
    return _publish_there(by, table, result.localCheckpoint(eager=False), move)


def _fits_a_file(by: Publication, table: GoldTable) -> bool:
    """Whether its rows, which aren't more than its inputs have, are few enough for a single file."""
    found = [by.lake.look(layer, name) for name in table.inputs for layer in ("silver", "gold")]
    return sum(direct.rows_in(one) for one in found if one is not None) <= min(by.rows_per_file, by.driver_rows)


def _publish_here(
    by: Publication, table: GoldTable, rows: pa.Table, seen: RustTable | None, move: Move
) -> Outcome | None:
    """The rows are on the driver, and are committed from it; None where slices are of another shape than the table."""
    column = None if move.whole or table.slices.kind == "whole" else table.slices.column
    there = "true" if column is None else slice_sql(table, move.days)
    old = direct.existing(seen, rows.schema, there) if seen is not None else None
    if old is None and seen is not None and column is not None:
        return None
    verdict = direct.compare(table, rows, old, column)
    warnings = _passed(table, verdict, _lost(by.lake, table, rows))
    if old is not None and not verdict.differing:
        return Outcome(table.name, "equal", move.reason, rows=verdict.rows, messages=warnings)
    if column is None or old is None:
        stats = statistics(rows.schema, by.personal)
        direct.commit(
            by.lake,
            "gold",
            table.name,
            seen,
            rows,
            by.fence,
            new_schema=old is None,
            facts={"table": table.name},
            properties={STATISTICS: ",".join(stats)} if stats else None,
        )
    else:
        days = [d for d in verdict.differing if isinstance(d, date)]
        changed = rows.filter(pc.is_in(rows[column], value_set=pa.array(days, pa.date32())))
        facts = {"table": table.name, **slices_note(column, days)}
        predicate = days_sql(column, days)
        direct.commit(by.lake, "gold", table.name, seen, changed, by.fence, predicate=predicate, facts=facts)
    return Outcome(table.name, "published", move.reason, len(verdict.differing), verdict.rows, messages=warnings)


def _merge_here(by: Publication, table: GoldTable, result: DataFrame, seen: RustTable, move: Move) -> Outcome | None:
    """The rows of changed keys in the place of what the table holds of these keys, where that differs.

    None where they are too many, or of another shape than what is there.
    """
    assert move.keys is not None
    key, bounds = str(table.slices.column), _bounds_sql(table, move)
    if direct.rows_in(seen, bounds) > direct.REWRITTEN * by.driver_rows:
        return None
    keys = direct.collect(move.keys.limit(by.driver_rows + 1))
    rows = direct.collect(result.limit(by.driver_rows + 1))
    if max(keys.num_rows, rows.num_rows) > by.driver_rows:
        return None
    within = f"{bounds} AND " if bounds else ""
    old = direct.existing(seen, rows.schema, within + one_of(key, keys[key].to_pylist()))
    if old is None:
        return None
    verdict = direct.compare(table, rows, old, key)
    warnings = _passed(table, verdict, _lost(by.lake, table, rows))
    if not verdict.differing:
        return Outcome(table.name, "equal", move.reason, rows=verdict.rows, messages=warnings)
    moved = rows.filter(pc.is_in(rows[key], value_set=pa.array(verdict.differing, rows.schema.field(key).type)))
    direct.commit(
        by.lake,
        "gold",
        table.name,
        seen,
        moved,
        by.fence,
        facts={"table": table.name},
        predicate=within + one_of(key, verdict.differing),
        file_bytes=direct.file_bytes(seen, by.rows_per_file),
    )
    number = len(verdict.differing)
    return Outcome(table.name, "published", move.reason, number, verdict.rows, messages=warnings)


def _bounds_sql(table: GoldTable, move: Move) -> str | None:
    return days_sql(table.slices.bounded_by, move.bounds) if table.slices.bounded_by else None


def _lost(lake: Lake, table: GoldTable, rows: pa.Table) -> dict[Relationship, int]:
    named = [c for c in table.checks if isinstance(c, Relationship)]
    return {c: direct.strangers(rows, c.column, lake.look("gold", c.table), c.to) for c in named}


def _publish_there(by: Publication, table: GoldTable, rows: DataFrame, move: Move) -> Outcome:
    """Spark compares and writes."""
    spark, lake = by.spark, by.lake
    there = lake.version("gold", table.name) is not None
    same_shape = there and _same_shape(lake.read(spark, "gold", table.name), rows)
    old = _existing(spark, table, move, lake) if same_shape else None
    sliced = None if move.whole or table.slices.kind == "whole" else table.slices.column
    verdict = compare(table, rows, old, slice_column=sliced)
    warnings = _passed(table, verdict, _orphans(by, table, rows))
    if same_shape and not verdict.differing:
        return Outcome(table.name, "equal", move.reason, rows=verdict.rows, messages=warnings)
    if sliced is None:
        _overwrite(by, table, rows, verdict.rows, same_shape=same_shape)
    else:
        _replace(by, table, rows, [d for d in verdict.differing if isinstance(d, date)])
    slices = len(verdict.differing)
    return Outcome(table.name, "published", move.reason, slices, verdict.rows, messages=warnings)


def _orphans(by: Publication, table: GoldTable, rows: DataFrame) -> dict[Relationship, int]:
    named = [c for c in table.checks if isinstance(c, Relationship)]
    there = {c.table: by.lake.version("gold", c.table) is not None for c in named}
    return {c: orphans(rows, c, by.lake.read(by.spark, "gold", c.table) if there[c.table] else None) for c in named}


def _same_shape(old: DataFrame, new: DataFrame) -> bool:
    return old.dtypes == new.dtypes  # whether a list may hold nulls is no difference


def _existing(spark: SparkSession, table: GoldTable, move: Move, lake: Lake) -> DataFrame:
    old = lake.read(spark, "gold", table.name)
    return old if move.whole else old.where(slice_sql(table, move.days))


def _passed(table: GoldTable, verdict: Verdict, lost: Mapping[Relationship, int]) -> tuple[str, ...]:
    """The warnings; raises `DataError` where a check of severity error fails."""
    errors, warnings = list(verdict.errors), list(verdict.warnings)
    for check, rows in lost.items():
        if rows:
            text = f"{table.name}: {rows} rows whose {check.column} isn't in {check.table}.{check.to}"
            (errors if check.severity == "error" else warnings).append(text)
    for warning in warnings:
        log.warning("gold.check", table=table.name, finding=warning)
    if errors:
        raise DataError(
            "; ".join(errors), where=f"gold/{table.name}", hint="nothing of it was published; the next run tries again"
        )
    return tuple(warnings)


def _overwrite(by: Publication, table: GoldTable, rows: DataFrame, number: int, *, same_shape: bool) -> None:
    path = by.lake.path("gold", table.name)
    if by.lake.version("gold", table.name) is None:
        create(by.spark, path, rows.schema, stats=statistics(to_arrow_schema(rows.schema), by.personal))
    bound = table.slices.bounded_by
    if number <= by.rows_per_file:
        rows = rows.coalesce(1)
    elif bound:
        parts = max(2, min(200, number // (by.rows_per_file * 8)))
        ranges = dict.fromkeys((bound, *table.grain))  # a day of many rows is split by its key
        rows = rows.repartitionByRange(parts, *ranges).sortWithinPartitions(bound)
    writer = rows.write.format("delta").mode("overwrite").option("userMetadata", by.fence.metadata(table=table.name))
    if bound:
        writer = writer.option("maxRecordsPerFile", by.rows_per_file)
    (writer if same_shape else writer.option("overwriteSchema", "true")).save(path)


def _replace(by: Publication, table: GoldTable, rows: DataFrame, days: list[date]) -> None:
    """Put the slices of these days in the place of what is there; the commit says which they are."""
    column = str(table.slices.column)
    metadata = by.fence.metadata(table=table.name, **slices_note(column, days))
    (
        rows.where(in_days(column, days))
        .coalesce(1)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", days_sql(f"`{column}`", days))
        .option("userMetadata", metadata)
        .save(by.lake.path("gold", table.name))
    )


def _merge(by: Publication, table: GoldTable, rows: DataFrame, move: Move) -> Outcome:
    """The rows of changed keys in one MERGE; rows of these keys that aren't computed any more go."""
    assert move.keys is not None
    spark, lake = by.spark, by.lake
    verdict = compare(table, rows, None, slice_column=None)
    warnings = _passed(table, verdict, _orphans(by, table, rows))
    gone = _gone(spark, table, rows, move, lake)
    source = rows.withColumn("_gone", F.lit(False)).unionByName(
        gone.withColumn("_gone", F.lit(True)), allowMissingColumns=True
    )
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxRecordsPerFile", by.rows_per_file)
    bound = table.slices.bounded_by
    condition = " AND ".join(f"t.`{c}` = s.`{c}`" for c in table.grain)
    if bound:
        condition += f" AND {days_sql(f't.`{bound}`', move.bounds)}"
    differs = " OR ".join(f"NOT (t.`{c}` <=> s.`{c}`)" for c in rows.columns if c not in table.grain)
    before = lake.version("gold", table.name)
    by.fence.tell_merge(session, table=table.name)
    (
        lake.delta(session, "gold", table.name)
        .alias("t")
        .merge(source.alias("s"), condition)
        .whenMatchedDelete("s._gone")
        .whenMatchedUpdate(differs, set={f"`{c}`": f"s.`{c}`" for c in rows.columns})
        .whenNotMatchedInsert("NOT s._gone", values={f"`{c}`": f"s.`{c}`" for c in rows.columns})
        .execute()
    )
    status = "equal" if lake.version("gold", table.name) == before else "published"
    return Outcome(table.name, status, move.reason, verdict.rows, verdict.rows, messages=warnings)


def _gone(spark: SparkSession, table: GoldTable, rows: DataFrame, move: Move, lake: Lake) -> DataFrame:
    """The grain of rows to delete: changed keys' rows that the function doesn't give any more."""
    key = str(table.slices.column)
    assert move.keys is not None
    if table.grain == (key,):
        return move.keys.join(rows.select(key), key, "left_anti")
    bound = table.slices.bounded_by
    there = lake.read(spark, "gold", table.name)
    there = there.where(in_days(bound, move.bounds)) if bound else there
    held = there.join(F.broadcast(move.keys), key, "left_semi").select(*table.grain)
    return held.join(rows.select(*table.grain), list(table.grain), "left_anti")

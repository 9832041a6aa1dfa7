"""The incremental engine of Gold: which slices moved, what they hold now, and their publication.

A table's progress record says which version of each input it last consumed. The change feeds since then name the
slices that moved; the function computes them from the rows that they need; what comes out is checked, compared with
what is there, and only what differs is replaced, in one commit.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs.checks import Verdict, compare, orphans
from spark_jobs.errors import DataError, EngineError
from spark_jobs.feed import FeedGone, Feeds, slices_note
from spark_jobs.gold import GoldTable, Relationship, measures, registry
from spark_jobs.lake import Fence, Lake, create, days_sql, in_days
from spark_jobs.log import log
from state.progress import TableProgress

SMALL_TABLE = 2_000_000
"""Bytes of a table's files up to which it is written anew instead of being cut."""


@dataclass(frozen=True)
class Inputs:
    """What a table would be computed from now: versions of its inputs, its horizon and its settings."""

    versions: Mapping[str, int]
    horizon: date
    zone: str
    contracts: Mapping[str, str]
    """Per Silver input the hash of its schema."""
    keys: Mapping[str, tuple[str, ...]]
    """Per Silver input its key."""


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


def fingerprint(table: GoldTable, inputs: Inputs) -> str:
    """A hash of everything but the data that a table's content follows from."""
    source = inspect.getsource(inspect.getmodule(table.function) or table.function)
    told = [source, inspect.getsource(measures), repr((table.grain, table.slices, table.checks)), inputs.zone]
    told += [f"{name}={inputs.contracts[name]}" for name in sorted(inputs.contracts)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def why(table: GoldTable, inputs: Inputs, progress: TableProgress | None, lake: Lake) -> tuple[bool, str] | None:
    """Whether a table must be rebuilt whole, and the reason; None when it is up to date. Needs no JVM."""
    version = lake.version("gold", table.name)
    if version is None or progress is None:
        return True, "new table"
    if progress.status == "STALE":
        return True, "rebuild was asked for"
    if progress.fingerprint != fingerprint(table, inputs):
        return True, "its definition changed"
    seen = version if progress.table_version is None else progress.table_version
    if lake.usurped("gold", table.name, seen, progress.lease_number):
        return True, "a run that had lost its lease has written it"
    if progress.horizon is None or inputs.horizon < progress.horizon:
        return True, "the horizon moved back"
    if any(inputs.versions[name] < progress.consumed.get(name, -1) for name in table.inputs):
        return True, "an input was replaced by an older one"
    moved = [name for name in table.inputs if inputs.versions[name] != progress.consumed.get(name)]
    if moved:
        return False, f"{', '.join(moved)} changed"
    if inputs.horizon > progress.horizon:
        return False, f"horizon {progress.horizon} to {inputs.horizon}"
    return None if progress.status == "OK" else (False, "its last publication failed")


def find_move(
    table: GoldTable, inputs: Inputs, progress: TableProgress | None, lake: Lake, feeds: Feeds
) -> Move | None:
    """The slices that moved since the table's progress; None when the table is up to date."""
    asked = why(table, inputs, progress, lake)
    if asked is None:
        return None
    must_be_whole, reason = asked
    if must_be_whole or progress is None:
        return Move(reason, whole=True)
    changed = {n for n in table.inputs if inputs.versions[n] != progress.consumed.get(n)}
    slices = table.slices
    if slices.kind == "whole" or changed - set(slices.moved_by):
        return Move(reason, whole=True)
    try:
        if slices.kind == "by_key":
            return _moved_keys(table, inputs, progress, feeds, changed, reason)
        spans = {n: (progress.consumed[n], inputs.versions[n]) for n in changed}
        days = {d for n in changed for c in slices.moved_by[n] for d in feeds.days(n, spans[n], c)}
    except FeedGone as gone:
        return Move(str(gone), whole=True)
    ahead = {d + timedelta(days=n) for d in days for n in range(1, slices.look_ahead + 1)}
    return Move(reason, days=frozenset(days | ahead | _new_days(progress, inputs)))


def _new_days(progress: TableProgress, inputs: Inputs) -> set[date]:
    """The days by which the horizon moved, gaps included."""
    assert progress.horizon is not None
    return {progress.horizon + timedelta(days=n) for n in range(1, (inputs.horizon - progress.horizon).days + 1)}


def _moved_keys(
    table: GoldTable, inputs: Inputs, progress: TableProgress, feeds: Feeds, changed: set[str], reason: str
) -> Move:
    if not changed:
        return Move(reason)
    key, bound = str(table.slices.column), table.slices.bounded_by
    spans = {n: (progress.consumed[n], inputs.versions[n]) for n in changed}
    bounds = {d for n in changed for d in feeds.days(n, spans[n], bound)} if bound else set()
    images = {n: feeds.images(n, spans[n]) for n in changed}
    keys = [images[n].select(F.col(c).alias(key)) for n in changed for c in table.slices.moved_by[n]]
    rows = {n: _newest(images[n], inputs.keys[n], spans[n]) for n in changed if inputs.keys.get(n) == (key,)}
    return Move(reason, keys=reduce(DataFrame.unionByName, keys).distinct(), bounds=frozenset(bounds), rows=rows)


def _newest(images: DataFrame, key: tuple[str, ...], span: tuple[int, int]) -> DataFrame:
    """The rows that the input holds now of the keys in its change feed: nothing of them needs to be looked up."""
    if span[1] - span[0] > 1:
        newest = F.max("_commit_version").over(Window.partitionBy(*key))
        images = images.withColumn("_newest", newest).where("_commit_version = _newest").drop("_newest")
    return images.where(F.col("_change_type").isin("insert", "update_postimage"))


def compute(spark: SparkSession, table: GoldTable, move: Move, inputs: Inputs, lake: Lake) -> DataFrame:
    """The rows of the moved slices, and only those."""
    frames = [move.rows[n] if n in move.rows else _narrowed(spark, table, n, move, lake) for n in table.inputs]
    options: dict[str, Any] = {"horizon": inputs.horizon, "zone": inputs.zone}
    result = table.function(*frames, **{name: options[name] for name in table.options})
    if move.whole:
        return result
    if move.keys is not None:
        known = set(move.rows) >= set(table.inputs)
        keyed = F.broadcast(move.keys)
        return result if known else result.join(keyed, str(table.slices.column), "left_semi").select(*result.columns)
    return result.where(_slice_filter(table, F.col(str(table.slices.column)), move.days))


def _slice_filter(table: GoldTable, column: Column, days: frozenset[date]) -> Column:
    return column >= F.lit(min(days)) if table.slices.kind == "from_date" else in_days(column, days)


def _narrowed(spark: SparkSession, table: GoldTable, name: str, move: Move, lake: Lake) -> DataFrame:
    """An input cut to the rows that the moved slices need."""
    layer = "gold" if name in registry() else "silver"
    frame = lake.read(spark, layer, name)  # type: ignore[arg-type]
    columns = table.slices.moved_by.get(name, ())
    if move.whole or table.slices.kind == "from_date" or not columns:
        return frame
    if move.keys is not None:
        bound = table.slices.bounded_by
        bounded = frame.where(in_days(F.col(bound), move.bounds)) if bound else frame
        keys = move.keys.withColumnRenamed(str(table.slices.column), columns[0])
        return bounded.join(F.broadcast(keys), columns[0], "left_semi")
    back = {d - timedelta(days=n) for d in move.days for n in range(table.slices.look_back + 1)}
    return frame.where(reduce(Column.__or__, (in_days(F.col(c), back) for c in columns)))


def publish(
    spark: SparkSession, table: GoldTable, result: DataFrame, move: Move, lake: Lake, fence: Fence, rows_per_file: int
) -> Outcome:
    """Check the slices, then replace those that differ by one commit; none when all are equal.

    Raises `DataError` when a check of severity error fails: nothing is published then.
    """
    rows = result.localCheckpoint(eager=False)
    there = lake.version("gold", table.name) is not None
    if move.keys is not None and there:
        return _merge(spark, table, rows, move, lake, fence, rows_per_file)
    same_shape = there and _same_shape(lake.read(spark, "gold", table.name), rows)
    old = _existing(spark, table, move, lake) if same_shape else None
    sliced = None if move.whole or table.slices.kind == "whole" else table.slices.column
    verdict = compare(table, rows, old, slice_column=sliced)
    _refuse(spark, table, rows, verdict, lake)
    if same_shape and not verdict.differing:
        return Outcome(table.name, "equal", move.reason, rows=verdict.rows, messages=verdict.warnings)
    if sliced is None:
        _overwrite(spark, table, rows, lake, fence, rows_per_file, verdict.rows, same_shape=same_shape)
    else:
        _replace(spark, table, rows, [d for d in verdict.differing if isinstance(d, date)], lake, fence)
    slices = len(verdict.differing)
    return Outcome(table.name, "published", move.reason, slices, verdict.rows, messages=verdict.warnings)


def _same_shape(old: DataFrame, new: DataFrame) -> bool:
    return [(f.name, f.dataType) for f in old.schema] == [(f.name, f.dataType) for f in new.schema]


def _existing(spark: SparkSession, table: GoldTable, move: Move, lake: Lake) -> DataFrame:
    old = lake.read(spark, "gold", table.name)
    return old if move.whole else old.where(_slice_filter(table, F.col(str(table.slices.column)), move.days))


def _refuse(spark: SparkSession, table: GoldTable, rows: DataFrame, verdict: Verdict, lake: Lake) -> None:
    errors = list(verdict.errors)
    for check in table.checks:
        if isinstance(check, Relationship):
            lost = orphans(rows, check, lake.read(spark, "gold", check.table))
            text = f"{table.name}: {lost} rows whose {check.column} isn't in {check.table}.{check.to}"
            if lost and check.severity == "error":
                errors.append(text)
            elif lost:
                log.warning("gold.check", table=table.name, finding=text)
    for warning in verdict.warnings:
        log.warning("gold.check", table=table.name, finding=warning)
    if errors:
        raise DataError(
            "; ".join(errors), where=f"gold/{table.name}", hint="nothing of it was published; the next run tries again"
        )


def _overwrite(
    spark: SparkSession,
    table: GoldTable,
    rows: DataFrame,
    lake: Lake,
    fence: Fence,
    rows_per_file: int,
    number: int,
    *,
    same_shape: bool,
) -> None:
    path = lake.path("gold", table.name)
    if lake.version("gold", table.name) is None:
        create(spark, path, rows.schema)
    bound = table.slices.bounded_by
    if number <= rows_per_file:
        rows = rows.coalesce(1)
    elif bound:
        parts = max(2, min(200, number // (rows_per_file * 8)))
        rows = rows.repartitionByRange(parts, bound).sortWithinPartitions(bound)
    writer = rows.write.format("delta").mode("overwrite").option("userMetadata", fence.metadata(table=table.name))
    if bound:
        writer = writer.option("maxRecordsPerFile", rows_per_file)
    (writer if same_shape else writer.option("overwriteSchema", "true")).save(path)


def _replace(
    spark: SparkSession, table: GoldTable, rows: DataFrame, days: list[date], lake: Lake, fence: Fence
) -> None:
    """Put the slices of these days in the place of what is there; the commit says which they are.

    A small table is written anew: that is one job, where `replaceWhere` looks for the files and rows to keep first.
    """
    column = str(table.slices.column)
    new = rows.where(in_days(F.col(column), days))
    small = lake.size("gold", table.name) <= SMALL_TABLE
    if small:
        new = lake.read(spark, "gold", table.name).where(~in_days(F.col(column), days)).unionByName(new)
    writer = new.coalesce(1).write.format("delta").mode("overwrite")
    if not small:
        writer = writer.option("replaceWhere", days_sql(f"`{column}`", days))
    metadata = fence.metadata(table=table.name, **slices_note(column, days))
    writer.option("userMetadata", metadata).save(lake.path("gold", table.name))


def _merge(
    spark: SparkSession, table: GoldTable, rows: DataFrame, move: Move, lake: Lake, fence: Fence, rows_per_file: int
) -> Outcome:
    """The rows of changed keys in one MERGE; rows of these keys that aren't computed any more go."""
    assert move.keys is not None
    verdict = compare(table, rows, None, slice_column=None)
    _refuse(spark, table, rows, verdict, lake)
    gone = _gone(spark, table, rows, move, lake)
    source = rows.withColumn("_gone", F.lit(False)).unionByName(
        gone.withColumn("_gone", F.lit(True)), allowMissingColumns=True
    )
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxRecordsPerFile", rows_per_file)
    bound = table.slices.bounded_by
    condition = " AND ".join(f"t.`{c}` = s.`{c}`" for c in table.grain)
    if bound:
        condition += f" AND {days_sql(f't.`{bound}`', move.bounds)}"
    differs = " OR ".join(f"NOT (t.`{c}` <=> s.`{c}`)" for c in rows.columns if c not in table.grain)
    before = lake.version("gold", table.name)
    fence.tell_merge(session, table=table.name)
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
    return Outcome(table.name, status, move.reason, verdict.rows, verdict.rows, messages=verdict.warnings)


def _gone(spark: SparkSession, table: GoldTable, rows: DataFrame, move: Move, lake: Lake) -> DataFrame:
    """The grain of rows to delete: changed keys' rows that the function doesn't give any more."""
    key = str(table.slices.column)
    assert move.keys is not None
    if table.grain == (key,):
        return move.keys.join(rows.select(key), key, "left_anti")
    bound = table.slices.bounded_by
    there = lake.read(spark, "gold", table.name)
    there = there.where(in_days(F.col(bound), move.bounds)) if bound else there
    held = there.join(F.broadcast(move.keys), key, "left_semi").select(*table.grain)
    return held.join(rows.select(*table.grain), list(table.grain), "left_anti")


def refresh(
    spark: SparkSession,
    table: GoldTable,
    inputs: Inputs,
    progress: TableProgress | None,
    lake: Lake,
    fence: Fence,
    feeds: Feeds,
    *,
    rows_per_file: int,
) -> tuple[Outcome, TableProgress | None]:
    """Bring one table up to its inputs; returns what became of it and its new progress record (None: as it was)."""
    started, before = datetime.now(UTC), lake.version("gold", table.name)
    move = find_move(table, inputs, progress, lake, feeds)
    if move is None:
        return Outcome(table.name, "untouched", "up to date"), None
    try:
        if move.is_nothing:
            outcome = Outcome(table.name, "equal", move.reason)
        else:
            result = compute(spark, table, move, inputs, lake)
            outcome = publish(spark, table, result, move, lake, fence, rows_per_file)
    except DataError as error:
        outcome = Outcome(table.name, "failed", move.reason, messages=(str(error),))
    except OSError as error:
        raise EngineError(f"{error}", where=f"gold/{table.name}") from error
    seconds = (datetime.now(UTC) - started).total_seconds()
    outcome = Outcome(**{**vars(outcome), "seconds": seconds})
    record = _progressed(table, inputs, progress, lake, fence, outcome)
    if lake.usurped("gold", table.name, before or 0, fence.lease.number):  # while this run looked at other slices
        record = replace(record, status="STALE")
    return outcome, record


def _progressed(
    table: GoldTable, inputs: Inputs, progress: TableProgress | None, lake: Lake, fence: Fence, outcome: Outcome
) -> TableProgress:
    failed = outcome.status == "failed"
    kept = progress or TableProgress(table.name)
    return TableProgress(
        table=table.name,
        consumed=kept.consumed if failed else {n: inputs.versions[n] for n in table.inputs},
        horizon=kept.horizon if failed else inputs.horizon,
        lease_number=kept.lease_number if failed else fence.lease.number,
        # a failed table keeps what made it due for a rebuild: the old definition, or that one was asked for
        fingerprint=fingerprint(table, inputs) if not failed else "" if kept.status == "STALE" else kept.fingerprint,
        table_version=kept.table_version if failed else lake.version("gold", table.name),
        status="FAILED" if failed else "OK",
        message="; ".join(outcome.messages) or None,
        run_id=fence.lease.run_id,
        updated_at=datetime.now(UTC),
    )

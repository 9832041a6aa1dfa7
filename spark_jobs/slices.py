"""The incremental engine of Gold: which slices moved, what they hold now, and their publication.

A table's progress record says which version of each input it last consumed. The change feeds since then name the
slices that moved; the function computes them from the rows that they need; what comes out is checked, compared with
what is there, and only what differs is replaced, in one commit.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.errors import DataError, EngineError
from spark_jobs.feed import FeedGone, Feeds
from spark_jobs.gold import GoldTable, measures, registry
from spark_jobs.lake import Fence, Lake, Layer, days_sql, in_days
from spark_jobs.periods import days_after, days_before, days_of, first_day
from spark_jobs.publication import Move, Outcome, Publication, publish, slice_sql
from state.progress import TableProgress

ABSENT = -1
"""The version of a dataset that was never delivered: it is read as a table without rows."""

MANY_FILES = 200
"""Of a table of more files than that, all of which are read, Spark's own snapshot is cheaper than naming each."""

BESIDE = re.compile(r"^from (spark_jobs\.gold\.\w+) import", re.MULTILINE)


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
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The limits that the contracts of its datasets declare."""
    absent: Mapping[str, StructType] = field(default_factory=dict)
    """The columns of datasets that were never delivered."""

    def options(self, table: GoldTable) -> dict[str, Any]:
        """What the table's function is passed by name."""
        known = {**self.thresholds, "horizon": self.horizon, "year": self.horizon.year, "zone": self.zone}
        return {name: known[name] for name in table.options}


def fingerprint(table: GoldTable, inputs: Inputs) -> str:
    """A hash of everything but the data that a table's content follows from."""
    told = [*_sources(table), repr((table.grain, table.slices, table.checks)), inputs.zone]
    told += [f"{name}={inputs.contracts[name]}" for name in sorted(inputs.contracts)]
    told += [f"{name}={inputs.thresholds[name]}" for name in sorted(set(table.options) & set(inputs.thresholds))]
    told += [f"year={inputs.horizon.year}"] if "year" in table.options else []
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _sources(table: GoldTable) -> list[str]:
    """The text of the function's module, and of those beside it that it imports from."""
    texts = {measures.__name__: inspect.getsource(measures)}
    new = {table.name: inspect.getsource(inspect.getmodule(table.function) or table.function)}
    while new:
        texts |= new
        named = {name for text in new.values() for name in BESIDE.findall(text)} - set(texts)
        new = {name: inspect.getsource(importlib.import_module(name)) for name in named}
    return [texts[name] for name in sorted(texts)]


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
    arrived = any(progress.consumed.get(n) == ABSENT for n in changed)
    if slices.kind == "whole" and "horizon" not in table.options and not changed and progress.status == "OK":
        return Move(reason)  # a new horizon says nothing to it
    if slices.kind == "whole" or arrived or changed - set(slices.moved_by):
        return Move(reason, whole=True)
    try:
        if slices.kind == "by_key":
            return _moved_keys(table, inputs, progress, feeds, changed, reason)
        spans = {n: (progress.consumed[n], inputs.versions[n]) for n in changed}
        days = {d for n in changed for c in slices.moved_by[n] for d in feeds.days(n, spans[n], c, slices.reads.get(n))}
    except FeedGone as gone:
        return Move(str(gone), whole=True)
    days |= {later for d in days for later in _ahead(table, d, inputs)} | _new_days(progress, inputs)
    return Move(reason, days=frozenset(first_day(d, slices.period) for d in days))


def _ahead(table: GoldTable, day: date, inputs: Inputs) -> list[date]:
    """The days after a changed one that change with it."""
    look = table.slices.look_ahead
    if isinstance(look, str):
        return days_after(day, inputs.thresholds[look], inputs.zone)
    return [day + timedelta(days=n) for n in range(1, look + 1)]


def _back(table: GoldTable, day: date, inputs: Inputs) -> list[date]:
    """The days before one of which it reads rows too."""
    look = table.slices.look_back
    if isinstance(look, str):
        return days_before(day, inputs.thresholds[look], inputs.zone)
    return [day - timedelta(days=n) for n in range(1, look + 1)]


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
    spans = {n: (progress.consumed[n], inputs.versions[n]) for n in sorted(changed)}
    bounds = {d for n in changed for d in feeds.days(n, spans[n], bound)} if bound else set()
    keys = feeds.values(spans, table.slices.moved_by, called=key)
    # where keys come from several inputs, the feed of one doesn't have its rows of the others' keys
    told = [n for n in changed if len(changed) == 1 and inputs.keys[n] == tuple(table.slices.moved_by[n]) == (key,)]
    rows = {n: _newest(feeds.images(n, spans[n]), (key,), spans[n]) for n in told}
    return Move(reason, keys=keys, bounds=frozenset(bounds), rows=rows)


def _newest(images: DataFrame, key: tuple[str, ...], span: tuple[int, int]) -> DataFrame:
    """The rows that the input holds now of the keys in its change feed: nothing of them needs to be looked up."""
    if span[1] - span[0] > 1:
        newest = F.max("_commit_version").over(Window.partitionBy(*key))
        images = images.withColumn("_newest", newest).where("_commit_version = _newest").drop("_newest")
    return images.where(F.col("_change_type").isin("insert", "update_postimage"))


def compute(spark: SparkSession, table: GoldTable, move: Move, inputs: Inputs, lake: Lake) -> DataFrame:
    """The rows of the moved slices, and only those."""
    frames = [move.rows[n] if n in move.rows else _narrowed(spark, table, n, move, inputs, lake) for n in table.inputs]
    reads = table.slices.reads
    given = [f.select(*reads[n]) if n in reads else f for n, f in zip(table.inputs, frames, strict=True)]
    result = table.function(*given, **inputs.options(table))
    if move.whole:
        return result
    if move.keys is not None:
        known = set(move.rows) >= set(table.inputs)
        keyed = F.broadcast(move.keys)
        return result if known else result.join(keyed, str(table.slices.column), "left_semi").select(*result.columns)
    return result.where(slice_sql(table, move.days))


def _narrowed(spark: SparkSession, table: GoldTable, name: str, move: Move, inputs: Inputs, lake: Lake) -> DataFrame:
    """An input cut to the rows that the moved slices need."""
    if name in inputs.absent:
        return spark.createDataFrame([], inputs.absent[name])
    layer: Layer = "gold" if name in registry() else "silver"
    if name in table.slices.needs:
        needed = table.slices.needs[name].format(horizon=f"DATE '{inputs.horizon}'")
        return lake.read_files(spark, layer, name, needed).where(needed)
    columns = table.slices.moved_by.get(name, ())
    if move.whole or table.slices.kind == "from_date" or not columns:
        found = lake.look(layer, name) if layer == "silver" and move.whole else None
        has_many = found is not None and len(found.file_uris()) > MANY_FILES
        return lake.read(spark, layer, name) if has_many else lake.read_files(spark, layer, name)
    if move.keys is not None:
        within = days_sql(table.slices.bounded_by, move.bounds) if table.slices.bounded_by else "true"
        rows = lake.read_files(spark, layer, name, within if table.slices.bounded_by else None).where(within)
        keys = move.keys.withColumnRenamed(str(table.slices.column), columns[0])
        return rows.join(F.broadcast(keys), columns[0], "left_semi").select(*rows.columns)
    days = {d for first in move.days for d in days_of(first, table.slices.period)}
    read = days | {earlier for d in days for earlier in _back(table, d, inputs)}
    frame = lake.read_files(spark, layer, name, " OR ".join(days_sql(c, read) for c in columns))
    return frame.where(reduce(Column.__or__, (in_days(c, read) for c in columns)))


def refresh(
    by: Publication, table: GoldTable, inputs: Inputs, progress: TableProgress | None, feeds: Feeds
) -> tuple[Outcome, TableProgress | None]:
    """Bring one table up to its inputs; returns what became of it and its new progress record (None: as it was)."""
    lake, fence = by.lake, by.fence
    started, before = datetime.now(UTC), lake.version("gold", table.name)
    move = find_move(table, inputs, progress, lake, feeds)
    if move is None:
        return Outcome(table.name, "untouched", "up to date"), None
    try:
        if move.is_nothing:
            outcome = Outcome(table.name, "equal", move.reason)
        else:
            outcome = publish(by, table, compute(by.spark, table, move, inputs, lake), move)
    except DataError as error:
        outcome = Outcome(table.name, "failed", move.reason, messages=(str(error),))
    except OSError as error:
        raise EngineError(f"{error}", where=f"gold/{table.name}") from error
    outcome = replace(outcome, seconds=(datetime.now(UTC) - started).total_seconds())
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

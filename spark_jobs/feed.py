"""What changed in a table's inputs since a version, found out once per input and range and shared by all that ask.

A Gold table's commits say which slices they replaced, which answers for days without reading anything. Silver's
change feed gives everything else.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import direct
from spark_jobs.gold import registry
from spark_jobs.lake import Lake, runs_of

Range = tuple[int, int]
GONE = ("FileNotFoundException", "DELTA_MISSING_CHANGE_DATA", "VersionNotFound", "DELTA_CHANGE_TABLE_FEED_DISABLED")


class FeedGone(Exception):
    """What changed can't be told any more: compute the table whole."""


def slices_note(column: str, days: Collection[date]) -> dict[str, object]:
    """What a commit says of the slices that it replaces, as contiguous runs of days."""
    return {"slices": {"column": column, "runs": [[str(a), str(b)] for a, b in runs_of(days)]}}


class Feeds:
    """The changed rows, old and new images, of the inputs that moved, and the days that they name."""

    def __init__(self, spark: SparkSession, lake: Lake, driver_rows: int = 0) -> None:
        self._spark, self._lake, self._driver_rows = spark, lake, driver_rows
        self._images: dict[tuple[str, Range], DataFrame] = {}
        self._rows: dict[tuple[str, Range], pa.Table | None] = {}
        self._days: dict[tuple[str, Range, tuple[str, ...] | None], dict[str, set[date]]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def images(self, name: str, span: Range) -> DataFrame:
        """All images of rows of `name` changed after version `span[0]` up to `span[1]`, in the table's columns."""
        with self._of(name):
            return self._load(name, span)

    def values(self, spans: Mapping[str, Range], columns: Mapping[str, Sequence[str]], *, called: str) -> DataFrame:
        """What the changed rows of these inputs have in these columns of theirs, each value but null once.

        Raises `FeedGone` where nothing tells it.
        """
        here = {name: self._rows_of(name, span) for name, span in spans.items()}
        found = [rows[column] for name, rows in here.items() if rows is not None for column in columns[name]]
        if None not in here.values():
            chunks = [chunk.cast(found[0].type) for values in found for chunk in values.chunks]
            distinct = pa.chunked_array(chunks, found[0].type).unique().drop_null()
            return direct.frame_of(self._spark, pa.table({called: distinct}))
        with _or_gone(", ".join(spans)):
            images = {name: self.images(name, span) for name, span in spans.items()}
            named = [images[name].select(F.col(column).alias(called)) for name in spans for column in columns[name]]
            return reduce(DataFrame.unionAll, named).where(F.col(called).isNotNull()).distinct().localCheckpoint()

    def _rows_of(self, name: str, span: Range) -> pa.Table | None:
        with self._of(name):
            return self._here(name, span)

    def days(self, name: str, span: Range, column: str, reads: Sequence[str] | None = None) -> set[date]:
        """The values of one date column in the changed rows of `name`; raises `FeedGone` where nothing tells them.

        With `reads`, rows that changed in none of these columns may be left out.
        """
        if name in registry():
            return self._noted(name, span, column)
        with _or_gone(name):
            return self._values(name, span, None if reads is None else tuple(reads))[column]

    def _of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def _noted(self, name: str, span: Range, column: str) -> set[date]:
        notes = self._lake.notes("gold", name, *span)
        slices = [None] if notes is None else [note.get("slices") for note in notes]  # none: maintenance alone
        if any(s is None or s["column"] != column for s in slices):
            raise FeedGone(f"{name} was replaced whole")
        runs = [(date.fromisoformat(a), date.fromisoformat(b)) for s in slices if s for a, b in s["runs"]]
        return {a + timedelta(days=n) for a, b in runs for n in range((b - a).days + 1)}

    def _load(self, name: str, span: Range) -> DataFrame:
        rows = self._here(name, span)
        if rows is not None and (name, span) not in self._images:
            self._images[name, span] = direct.frame_of(self._spark, rows)
        if (name, span) not in self._images:
            feed = (
                self._spark.read.format("delta")
                .option("readChangeFeed", "true")
                .option("startingVersion", span[0] + 1)
                .option("endingVersion", span[1])
                .load(self._lake.path("silver", name))
            )
            self._images[name, span] = feed.localCheckpoint(eager=False)
        return self._images[name, span]

    def _here(self, name: str, span: Range) -> pa.Table | None:
        """The same rows on the driver; None where they are many, or where delta-rs can't tell them."""
        if (name, span) not in self._rows:
            table = self._lake.look("silver", name) if self._driver_rows else None
            self._rows[name, span] = None if table is None else direct.changes(table, span, self._driver_rows)
        return self._rows[name, span]

    def _days_of(self, name: str, span: Range) -> dict[str, set[date]]:
        images = self._load(name, span)
        types = dict(images.dtypes)
        wanted = [c for c in _date_columns(name) if types.get(c) == "date"]
        row = images.agg(*(F.collect_set(c).alias(c) for c in wanted)).first()
        return {c: set(row[c]) if row is not None else set() for c in wanted}

    def _values(self, name: str, span: Range, reads: tuple[str, ...] | None) -> dict[str, set[date]]:
        """Per date column that any table moves by, its values in the changed rows; Spark aggregates once for all."""
        with self._of(name):
            rows = self._here(name, span)
            wanted = (name, span, None if rows is None else reads)
            if wanted not in self._days:
                if rows is None:
                    self._days[wanted] = self._days_of(name, span)
                else:
                    self._days[wanted] = _days_here(name, rows if reads is None else _differing(rows, reads))
            return self._days[wanted]


def _differing(images: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """The rows, cut to `columns`, of which the table has more or fewer than before.

    What images of several versions say of a row adds up: one that is again as it was is no change.
    """
    is_new = pc.is_in(images["_change_type"], value_set=pa.array(["insert", "update_postimage"]))
    counts = pc.if_else(is_new, 1, -1)
    summed = images.select(columns).append_column("_more", counts).group_by(columns).aggregate([("_more", "sum")])
    return summed.filter(pc.not_equal(summed["_more_sum"], 0))


@contextmanager
def _or_gone(name: str) -> Iterator[None]:
    """Have what Spark says of a feed that isn't there any more be `FeedGone`."""
    try:
        yield
    except Exception as error:
        if any(sign in f"{type(error).__name__} {error}" for sign in GONE):
            raise FeedGone(f"the change feed of {name} is no longer there") from error
        raise


def _days_here(name: str, rows: pa.Table) -> dict[str, set[date]]:
    wanted = [c for c in _date_columns(name) if c in rows.column_names and pa.types.is_date(rows.schema.field(c).type)]
    return {c: set(rows[c].drop_null().unique().to_pylist()) for c in wanted}


def _date_columns(name: str) -> list[str]:
    """The columns of input `name` by which some Gold table's slices move or are bounded."""
    found: set[str] = set()
    for table in registry().values():
        if name in table.inputs:
            found |= set(table.slices.moved_by.get(name, ()))
            found |= {table.slices.bounded_by} if table.slices.bounded_by else set()
    return sorted(found)

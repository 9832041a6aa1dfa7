"""Change feeds of a table's inputs, read once per input and range of versions and shared by all that ask."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.gold import GoldTable, registry
from spark_jobs.lake import Lake

Range = tuple[int, int]
GONE = ("FileNotFoundException", "DELTA_MISSING_CHANGE_DATA", "VersionNotFound", "DELTA_CHANGE_TABLE_FEED_DISABLED")


class Feeds:
    """The changed rows, old and new images, of every input that moved; one materialised frame per input and range."""

    def __init__(self, spark: SparkSession, lake: Lake) -> None:
        self._spark, self._lake = spark, lake
        self._images: dict[tuple[str, Range], DataFrame] = {}
        self._days: dict[tuple[str, Range], dict[str, set[date]]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def images(self, name: str, consumed: int, version: int) -> DataFrame:
        """All images of rows of `name` changed after version `consumed` up to `version`, in the columns of the table."""
        with self._of(name):
            return self._load(name, (consumed, version))

    def days(self, ranges: Mapping[str, Range], table: GoldTable) -> set[date]:
        """The days that the table's `moved_by` columns name in the changed rows of these inputs."""
        found: set[date] = set()
        for name, span in ranges.items():
            for column in table.slices.moved_by[name]:
                found |= self._values(name, span).get(column, set())
        return found

    def values(self, ranges: Mapping[str, Range], column: str) -> set[date]:
        """The values of one date column in the changed rows of these inputs."""
        return {day for name, span in ranges.items() for day in self._values(name, span).get(column, set())}

    @staticmethod
    def is_gone(error: Exception) -> bool:
        """The feed isn't there any more (its files or log were removed, or it was off), as opposed to a real failure."""
        return any(sign in f"{type(error).__name__} {error}" for sign in GONE)

    def _of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def _load(self, name: str, span: Range) -> DataFrame:
        if (name, span) not in self._images:
            layer = "gold" if name in registry() else "silver"
            feed = (
                self._spark.read.format("delta")
                .option("readChangeFeed", "true")
                .option("startingVersion", span[0] + 1)
                .option("endingVersion", span[1])
                .load(self._lake.path(layer, name))  # type: ignore[arg-type]
            )
            self._images[name, span] = feed.localCheckpoint(eager=False)
        return self._images[name, span]

    def _values(self, name: str, span: Range) -> dict[str, set[date]]:
        """Per date column that any table moves by, its values in the changed rows; one aggregation for all."""
        with self._of(name):
            if (name, span) not in self._days:
                images = self._load(name, span)
                wanted = [c for c in _date_columns(name) if c in dict(images.dtypes) and dict(images.dtypes)[c] == "date"]
                row = images.agg(*(F.collect_set(c).alias(c) for c in wanted)).first() if wanted else None
                self._days[name, span] = {c: set(row[c]) for c in wanted} if row is not None else {}
            return self._days[name, span]


def _date_columns(name: str) -> list[str]:
    """The columns of input `name` by which some Gold table's slices move or are bounded."""
    found: set[str] = set()
    for table in registry().values():
        if name in table.inputs:
            found |= set(table.slices.moved_by.get(name, ()))
            found |= {table.slices.bounded_by} if table.slices.bounded_by else set()
    return sorted(found)

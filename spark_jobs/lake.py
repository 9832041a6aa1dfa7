"""Where tables lie, and how one is opened, looked at and committed to.

Versions and last commits are read with delta-rs (no JVM); data is read and written by Spark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any, Literal

from delta.tables import DeltaTable, DeltaTableBuilder
from deltalake import CommitProperties
from deltalake import DeltaTable as RustTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.errors import EngineError, LeaseLost
from state.lease import Lease
from state.stores import delta_options

Layer = Literal["bronze", "silver", "exception", "gold", "state"]

STATISTICS = "delta.dataSkippingStatsColumns"
"""The property of a table that names the columns which have statistics in its log."""
MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END")
PROPERTIES = {
    "delta.checkpointPolicy": "classic",
    "delta.enableDeletionVectors": "false",
    "delta.checkpoint.writeStatsAsStruct": "true",
    "delta.autoOptimize.optimizeWrite": "false",
}


@dataclass(frozen=True)
class Lake:
    """A lake by its root; tables lie at `<root>/<layer>/<name>`."""

    root: str

    @property
    def storage_options(self) -> dict[str, str]:
        """What delta-rs needs to open its tables."""
        return delta_options(self.root)

    def path(self, layer: Layer, name: str) -> str:
        """The folder of one table."""
        return f"{self.root}/{layer}/{name}"

    def look(self, layer: Layer, name: str) -> RustTable | None:
        """The table as delta-rs sees it, without its data; None when there is none."""
        try:
            return RustTable(self.path(layer, name), storage_options=self.storage_options)
        except TableNotFoundError:
            return None

    def version(self, layer: Layer, name: str) -> int | None:
        """The table's latest version, None when there is no table."""
        found = self.look(layer, name)
        return None if found is None else int(found.version())

    def last_commit(self, layer: Layer, name: str) -> dict[str, Any]:
        """What the table's last data-changing commit says of itself (run_id, lease, …); empty when it says nothing."""
        found = self.look(layer, name)
        for number in (10, None):
            for entry in found.history(number) if found is not None else ():
                if not _is_maintenance(entry):
                    return _metadata_of(entry.get("userMetadata"))
        return {}

    def notes_of(self, layer: Layer, name: str, runs: Collection[str]) -> list[dict[str, Any]]:
        """What the commits of these runs say of themselves, the latest last; older than 100 versions isn't found."""
        found = self.look(layer, name)
        notes = [] if found is None else [_metadata_of(entry.get("userMetadata")) for entry in found.history(100)]
        return [note for note in reversed(notes) if note.get("run_id") in runs]

    def notes(self, layer: Layer, name: str, after: int, upto: int) -> list[dict[str, Any]] | None:
        """What each commit after version `after` up to `upto` says of itself; None where one of them is gone."""
        found = self.look(layer, name)
        if found is None:
            return None
        entries = {entry.get("version"): entry for entry in found.history(int(found.version()) - after)}
        wanted = [entries.get(version) for version in range(after + 1, upto + 1)]
        kept = [entry for entry in wanted if entry is None or not _is_maintenance(entry)]
        return None if None in kept else [_metadata_of(e.get("userMetadata")) for e in kept if e is not None]

    def changed(self, layer: Layer, name: str, after: int, upto: int) -> bool:
        """Whether a commit after version `after` up to `upto` is more than maintenance, or can't be asked any more."""
        return self.notes(layer, name, after, upto) != []

    def usurped(self, layer: Layer, name: str, after: int, lease: int) -> bool:
        """Whether a commit after version `after` is of an earlier lease than number `lease`, or of none."""
        notes = self.notes(layer, name, after, self.version(layer, name) or 0)
        return any(note.get("lease", 0) < lease for note in notes or [])

    def read(self, spark: SparkSession, layer: Layer, name: str) -> DataFrame:
        """The table's rows."""
        return spark.read.format("delta").load(self.path(layer, name))

    def read_files(self, spark: SparkSession, layer: Layer, name: str, where: str | None = None) -> DataFrame:
        """The rows of a table by the files that its log lists: all, or those that can hold rows of which `where` holds.

        That is some jobs less than a snapshot made by Spark for each table that is only read, and right for tables
        without deletion vectors and column mapping, which a lake doesn't have. Rows are the caller's to filter.
        """
        found = self.look(layer, name)
        if found is None:
            return self.read(spark, layer, name)
        schema = StructType.fromJson(json.loads(found.schema().to_json()))
        files = found.file_uris(file_pruning_predicate=where)
        reader = spark.read.schema(schema).option("basePath", self.path(layer, name))
        return reader.parquet(*files) if files else spark.createDataFrame([], schema)

    def delta(self, spark: SparkSession, layer: Layer, name: str) -> DeltaTable:
        """The table as a target of MERGE and DELETE."""
        return DeltaTable.forPath(spark, self.path(layer, name))


def _is_maintenance(entry: Mapping[str, Any]) -> bool:
    """Whether a commit left the table's rows as they were, by its operation or by its own word."""
    return entry.get("operation") in MAINTENANCE or bool(_metadata_of(entry.get("userMetadata")).get("maintenance"))


def _metadata_of(text: object) -> dict[str, Any]:
    try:
        told = json.loads(str(text)) if text else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


@dataclass(frozen=True)
class Fence:
    """What every commit of a run passes: the lease is still ours, and the commit says whose it is."""

    lease: Lease
    _commits: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    @property
    def lost(self) -> bool:
        """The lease was taken from this run."""
        try:
            self.lease.confirm()
        except LeaseLost:
            return True
        return False

    def metadata(self, **facts: Any) -> str:
        """Text for the commit's `userMetadata`; raises `LeaseLost` where the lease was taken from this run."""
        self.lease.confirm()
        return json.dumps({"run_id": self.lease.run_id, "lease": self.lease.number, **facts}, default=str)

    def properties(self, **facts: Any) -> CommitProperties:
        """The same for a commit by delta-rs, which lands on the version that was looked at, or not at all."""
        return CommitProperties(custom_metadata={"userMetadata": self.metadata(**facts)}, max_commit_retries=0)

    def append_options(self, **facts: Any) -> dict[str, str | int]:
        """Options of an append, which Delta by itself lets through whatever came before it.

        The transaction number grows with the lease: Delta skips an append that a run asked for before it lost its
        lease and that lands after one of the new holder.
        """
        return {
            "userMetadata": self.metadata(**facts),
            "txnAppId": "opslake",
            "txnVersion": self.lease.number * 1_000_000 + next(self._commits),
        }

    def tell_merge(self, session: SparkSession, **facts: Any) -> None:
        """The same for a MERGE, which takes it from its session: give each thread a session of its own."""
        session.conf.set("spark.databricks.delta.commitInfo.userMetadata", self.metadata(**facts))


@contextmanager
def alone(layer: Layer, name: str) -> Iterator[None]:
    """A commit that finds another one before it becomes an error that says so."""
    try:
        yield
    except CommitFailedError as error:
        raise EngineError(
            f"somebody else has committed meanwhile: {error}", where=f"{layer}/{name}", hint="run again"
        ) from error


ALIASES = {"int": "integer", "bigint": "long", "smallint": "short", "tinyint": "byte"}


def columns_of(ddl: str) -> StructType:
    """The columns that a piece of DDL declares; needs no session, and is the same on every Spark line."""
    fields = [part.strip().rsplit(" ", 1) for part in re.split(r",(?![^<(]*[>)])", ddl)]
    columns = [
        {"name": name.strip().strip("`"), "type": _type_json(kind), "nullable": True, "metadata": {}}
        for name, kind in fields
    ]
    return StructType.fromJson({"type": "struct", "fields": columns})


def _type_json(kind: str) -> str | dict[str, Any]:
    """A type as Spark and Delta write it in JSON."""
    if kind.startswith("array<"):
        return {"type": "array", "elementType": _type_json(kind[6:-1]), "containsNull": True}
    if kind.startswith("map<"):
        key, value = kind[4:-1].split(",", 1)
        return {"type": "map", "keyType": _type_json(key), "valueType": _type_json(value), "valueContainsNull": True}
    return ALIASES.get(kind, kind)


def create(spark: SparkSession, path: str, schema: StructType, **layout: Any) -> None:
    """Create an empty table where there is none; the options are those of `_built`."""
    _built(DeltaTable.createIfNotExists(spark), path, schema, **layout).execute()


def replace_schema(spark: SparkSession, path: str, schema: StructType, **layout: Any) -> None:
    """Put an empty table in the place of another, in one commit; the options are those of `_built`.

    `createOrReplace` would only compare the two, because the table stands in no catalogue.
    """
    _built(DeltaTable.replace(spark), path, schema, **layout).execute()


def _built(
    builder: DeltaTableBuilder,
    path: str,
    schema: StructType,
    *,
    generated: Mapping[str, str] | None = None,
    partition_by: Iterable[str] = (),
    change_feed: bool = False,
    stats: Iterable[str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> DeltaTableBuilder:
    """The builder of a table; `generated` are integer columns computed from the others."""
    builder = builder.location(path)
    for one in schema.fields:
        builder = builder.addColumn(one.name, one.dataType)
    for name, expression in (generated or {}).items():
        builder = builder.addColumn(name, "INT", generatedAlwaysAs=expression)
    for key, value in {**PROPERTIES, **(properties or {})}.items():
        builder = builder.property(key, value)
    if change_feed:
        builder = builder.property("delta.enableChangeDataFeed", "true")
    if stats is not None:
        builder = builder.property(STATISTICS, ",".join(stats))
    columns = list(partition_by)
    return builder.partitionedBy(*columns) if columns else builder


def runs_of(days: Iterable[date]) -> list[tuple[date, date]]:
    """The days as contiguous runs (first, last), in order: bounds of this form are what prunes files."""
    runs: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if runs and day - runs[-1][1] <= timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def in_days(column: str, days: Iterable[date]) -> Column:
    """`column` is one of `days`, as literal bounds on contiguous runs."""
    return F.expr(days_sql(f"`{column}`", days))


def days_sql(column: str, days: Iterable[date]) -> str:
    """The same test as SQL text, for `replaceWhere` and MERGE conditions."""
    tests = [
        f"{column} = DATE'{a}'" if a == b else f"{column} BETWEEN DATE'{a}' AND DATE'{b}'" for a, b in runs_of(days)
    ]
    return "(" + " OR ".join(tests) + ")" if tests else "false"

"""Compaction: the crowded parts of a table in few files, in the order of its days.

The rows stay what they are: the commits say so (`dataChange` false), and the change feed has nothing of them. delta-rs
sorts and writes up to ten times `driver_rows` rows at once without a JVM, Spark's OPTIMIZE what is more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deltalake import WriterProperties
from pyspark.sql import SparkSession

from spark_jobs import direct
from spark_jobs.gold import registry
from spark_jobs.lake import Fence, Lake, Layer, alone
from spark_jobs.maintenance.crowded import WHOLE_FILE, Part, crowded, file_size, together
from spark_jobs.session import new_session

Filters = list[tuple[str, str, Any]]


def order_of(layer: Layer, name: str, event_date: str | None) -> str | None:
    """The date column by which a table's files hold a few days each; None where it has none."""
    if layer == "silver":
        return event_date
    if layer != "gold" or name not in registry():
        return None
    slices = registry()[name].slices
    return slices.bounded_by or (slices.column if slices.kind in ("by_date", "from_date") else None)


def compact(
    lake: Lake,
    layer: Layer,
    name: str,
    fence: Fence,
    *,
    column: str | None,
    rows_per_file: int,
    driver_rows: int,
    spark: Callable[[], SparkSession],
) -> int:
    """Write the table's crowded parts anew, a commit per group of partitions; returns the files that are replaced.

    Raises `EngineError` when somebody else has committed since.
    """
    table = lake.look(layer, name)
    parts = [] if table is None else crowded(table, rows_per_file, column)
    if table is None or not parts:
        return 0
    size = file_size(table, rows_per_file) if column else WHOLE_FILE
    for group in together(parts):
        if sum(part.rows for part in group) <= direct.REWRITTEN * driver_rows:
            _here(lake, layer, name, fence, group, column, size)
        else:
            _there(lake, layer, name, fence, group, column, size, spark())
    return sum(part.files for part in parts)


def _here(
    lake: Lake, layer: Layer, name: str, fence: Fence, group: Sequence[Part], column: str | None, size: int
) -> None:
    table = lake.look(layer, name)
    assert table is not None  # it was there a moment ago, and this run holds the lake
    options: dict[str, Any] = {
        "partition_filters": _filters(group),
        "target_size": size,
        "commit_properties": fence.properties(maintenance=True),
        "writer_properties": WriterProperties(compression="SNAPPY"),
    }
    with alone(layer, name):
        if column is None:
            table.optimize.compact(**options)
        else:
            table.optimize.z_order([column], **options)


def _there(
    lake: Lake,
    layer: Layer,
    name: str,
    fence: Fence,
    group: Sequence[Part],
    column: str | None,
    size: int,
    spark: SparkSession,
) -> None:
    """The same by Spark, in as many tasks as there are files to write."""
    session = new_session(spark)
    session.conf.set("spark.databricks.delta.optimize.maxFileSize", size)
    session.conf.set("spark.databricks.delta.optimize.minFileSize", size)
    fence.tell_merge(session, maintenance=True)
    work = lake.delta(session, layer, name).optimize()
    tests = [
        f"`{key}` IN ({', '.join(map(_quoted, values))})" if mark == "in" else f"`{key}` = {_quoted(values)}"
        for key, mark, values in _filters(group) or ()
    ]
    work = work.where(" AND ".join(tests)) if tests else work
    work.executeCompaction() if column is None else work.executeZOrderBy(column)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _filters(group: Sequence[Part]) -> Filters | None:
    """The partitions of a group, which differ in their last column alone; None for a table without partitions."""
    first = group[0].partition
    if not first:
        return None
    return [
        *((name, "=", value) for name, value in first[:-1]),
        (first[-1][0], "in", [p.partition[-1][1] for p in group]),
    ]

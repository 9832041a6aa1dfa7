"""Statistics in the log: none of a column that a contract classifies, also where the table is older than that.

Delta has the columns that get statistics as a property of the table, and a file's statistics in the entry that adds the
file: checkpoints hand these on as they are for as long as the file lives. So the files are added once more, with what
may be known of them, and then the property is set. Older entries go with the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable as RustTable
from deltalake.transaction import AddAction, RemoveAction
from pyspark.sql import SparkSession

from spark_jobs import bronze_files, publication, rejects, silver_table
from spark_jobs.contract import Contract
from spark_jobs.lake import STATISTICS, Fence, Lake, Layer, alone
from spark_jobs.session import new_session
from state.stores import open_files

BOUNDS = ("minValues", "maxValues", "nullCount")


def agreed(contracts: Mapping[str, Contract], layer: Layer, name: str, table: RustTable) -> list[str] | None:
    """The columns that may have statistics; None where the table has been told so, or has nothing personal."""
    columns = [field.name for field in table.schema().fields]
    wanted: list[str] | None = None
    if layer == "bronze":
        wanted = [bronze_files.STATISTICS]
    elif layer == "exception" and name in contracts:
        wanted = rejects.statistics(contracts[name])
    elif layer == "silver" and name in contracts:
        wanted = silver_table.statistics(contracts[name])
    elif layer == "gold":
        personal = frozenset(c.name for its in contracts.values() for c in its.columns if c.is_personal)
        wanted = publication.statistics(pa.schema(table.schema().to_arrow()), personal)
    if not wanted:
        return None
    partitions = table.metadata().partition_columns  # have none
    wanted = [column for column in wanted if column in columns and column not in partitions]
    held = table.metadata().configuration.get(STATISTICS)
    return None if held is not None and sorted(held.split(",")) == sorted(wanted) else wanted


def restate(
    lake: Lake, layer: Layer, name: str, fence: Fence, columns: Sequence[str], spark: Callable[[], SparkSession]
) -> int:
    """Have the table know statistics of these columns alone; returns the files whose statistics were others.

    Two commits that change no row. The property is the last one: it is what says that all is done.
    """
    table, path = lake.look(layer, name), lake.path(layer, name)
    if table is None:
        return 0
    table.create_checkpoint()  # the one place with every file's statistics as they were written
    files: list[AddAction | RemoveAction] = list(_restated(path, table.version(), columns))
    if files:
        partitions = table.metadata().partition_columns
        properties = fence.properties(maintenance=True, restated=len(files))
        with alone(layer, name):
            table.create_write_transaction(files, "append", table.schema(), partitions, commit_properties=properties)
    session = new_session(spark())  # delta-rs would raise the reader version of tables that Spark has made
    fence.tell_merge(session, maintenance=True)
    session.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{STATISTICS}' = '{','.join(columns)}')")
    return len(files)


def _restated(path: str, version: int, columns: Sequence[str]) -> Iterator[AddAction]:
    """Files of a version that has a checkpoint, as they are to be added again; those that say no more are left out."""
    system, root = open_files(f"{path}/_delta_log/{version:020d}.checkpoint.parquet")
    with system.open(root, "rb") as checkpoint:
        entries = pq.read_table(checkpoint, columns=["add"])["add"].to_pylist()
    for entry in entries:
        before = json.loads((entry or {}).get("stats") or "{}")
        after = {key: _only(value, columns) if key in BOUNDS else value for key, value in before.items()}
        if entry is not None and after != before:
            yield AddAction(
                unquote(entry["path"]),  # which is written as a URL
                entry["size"],
                dict(entry["partitionValues"]),
                entry["modificationTime"],
                False,
                json.dumps(after),
            )


def _only(values: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in columns}

"""What a table doesn't need any more: files of old versions, and log entries before a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable as RustTable

from spark_jobs.lake import Fence, Lake, Layer, alone
from state.stores import open_files

LONG_LOG = 10
"""Commits since the last checkpoint from which on readers are spared them by a new one."""

ENTRY = re.compile(r"\.?(\d{20})\.")
"""A file of the log that belongs to a version: commit, checkpoint, checksum (and Hadoop's own of these)."""


@dataclass(frozen=True)
class Removed:
    """Files of old versions and their bytes; log entries."""

    files: int = 0
    bytes: int = 0
    log_files: int = 0


def expired(table: RustTable, path: str, hours: float) -> list[str]:
    """The files that a vacuum with this retention would remove.

    delta-rs also names those that were removed before, as long as the log remembers them.
    """
    named = table.vacuum(int(hours), dry_run=True, enforce_retention_duration=False, full=True)
    if not named:
        return []
    system, root = open_files(path)
    there = {str(file).removeprefix(root).lstrip("/") for file in system.find(root)}
    return [file for file in named if file in there]


def vacuum(table: RustTable, path: str, hours: float, fence: Fence) -> Removed:
    """Remove the files that no version of the last `hours` needs, also those of killed runs; two commits or none.

    A file counts as old by the moment when it was replaced; one that no version knows, by its own age.
    """
    gone = expired(table, path, hours)
    if not gone:
        return Removed()
    properties = fence.properties(maintenance=True)
    table.vacuum(int(hours), dry_run=False, enforce_retention_duration=False, full=True, commit_properties=properties)
    sizes = [_metric(entry, "sizeOfDataToDelete") for entry in table.history(5)]
    return Removed(files=len(gone), bytes=next((size for size in sizes if size is not None), 0))


def tend_log(table: RustTable, path: str) -> int:
    """Write a checkpoint where many commits follow the last one, and remove what is past the log's own retention.

    Returns the number of log files that went.
    """
    before = log_files(path)
    last = max((version for name, version in before.items() if "checkpoint" in name), default=-1)
    if table.version() - last < LONG_LOG:
        return 0
    table.create_checkpoint()
    table.cleanup_metadata()
    return len(before.keys() - log_files(path).keys())


def purge(lake: Lake, layer: Layer, name: str, fence: Fence, *, before_the_log: Callable[[], None]) -> Removed:
    """Leave nothing of a table but its current version: no file, no change feed and no log entry of an earlier one.

    The last log entry, which stays, is one of its own that names no rows. `before_the_log` is called before older ones
    go, for whoever must know what they were. Time travel ends here.
    """
    table, path = lake.look(layer, name), lake.path(layer, name)
    if table is None:
        return Removed()
    gone = vacuum(table, path, 0, fence)
    table = lake.look(layer, name)
    assert table is not None  # it was there a moment ago, and this run holds the lake
    if all(version == table.version() for version in log_files(path).values()):
        return gone
    properties = fence.properties(maintenance=True)
    with alone(layer, name):
        table.create_write_transaction([], mode="append", schema=table.schema(), commit_properties=properties)
    before_the_log()
    table = lake.look(layer, name)
    assert table is not None
    table.create_checkpoint()
    return Removed(gone.files, gone.bytes, _forget_before(path, table.version()))


def log_files(path: str) -> Mapping[str, int]:
    """The files of a table's log that belong to a version, with it."""
    system, root = open_files(f"{path}/_delta_log")
    names = [str(file).rpartition("/")[2] for file in system.ls(root, detail=False)]
    return {name: int(found[1]) for name in names if (found := ENTRY.match(name))}


def _forget_before(path: str, version: int) -> int:
    """Remove the log's files of versions before one that has a checkpoint, oldest first."""
    system, root = open_files(f"{path}/_delta_log")
    old = sorted((number, name) for name, number in log_files(path).items() if number < version)
    for _, name in old:
        system.rm_file(f"{root}/{name}")
    return len(old)


def _metric(entry: Mapping[str, Any], name: str) -> int | None:
    value = (entry.get("operationMetrics") or {}).get(name)
    return None if value is None else int(value)

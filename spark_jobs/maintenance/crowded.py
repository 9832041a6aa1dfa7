"""Which parts of a table lie in more files than they need, or in files that don't keep to a few days each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable as RustTable

SLACK = 3
"""So many times the files that its rows need leave a part alone: else every day's file would rewrite its month."""

WHOLE_FILE = 128_000_000
"""Bytes of a file in a table that isn't ordered by a day."""


@dataclass(frozen=True)
class Part:
    """The files of one partition (of an unpartitioned table: all), as its log has them."""

    partition: tuple[tuple[str, str], ...]
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Size:
    """What a table's current version holds."""

    files: int = 0
    rows: int = 0
    bytes: int = 0


def size_of(table: RustTable) -> Size:
    """Files, rows and bytes of the table's version, by its log."""
    files = _files(table)
    rows, size = (sum(file[name] or 0 for file in files) for name in ("num_records", "size_bytes"))
    return Size(len(files), rows, size)


def crowded(table: RustTable, rows_per_file: int, column: str | None) -> list[Part]:
    """The parts to write anew, by files of `rows_per_file` rows in the order of `column`; without one, by large files.

    A part whose partition has a null, or whose files don't say their rows, is left alone.
    """
    parts: dict[tuple[tuple[str, str], ...], list[Mapping[str, Any]]] = {}
    for file in _files(table):
        values = {name.removeprefix("partition."): file[name] for name in file if name.startswith("partition.")}
        if None not in values.values() and file["num_records"] is not None:
            parts.setdefault(tuple((name, str(value)) for name, value in values.items()), []).append(file)
    found = []
    for partition, files in parts.items():
        rows, size = (sum(file[name] for file in files) for name in ("num_records", "size_bytes"))
        needed = ceil(rows / rows_per_file) if column else ceil(size / WHOLE_FILE)
        if len(files) > SLACK * max(1, needed) or (column and _is_mixed(files, column)):
            found.append(Part(partition, len(files), rows, size))
    return sorted(found, key=lambda part: part.partition)


def file_size(table: RustTable, rows: int) -> int:
    """Bytes of a file of so many rows, by the file that holds the most: small ones are mostly footer."""
    files = [file for file in _files(table) if file["num_records"]]
    largest = max(files, key=lambda file: file["num_records"], default=None)
    return WHOLE_FILE if largest is None else max(1, rows * largest["size_bytes"] // largest["num_records"])


def together(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts in groups that one filter names: those that differ in their last partition column alone."""
    groups: dict[tuple[tuple[str, str], ...], list[Part]] = {}
    for part in parts:
        groups.setdefault(part.partition[:-1], []).append(part)
    return list(groups.values())


def _is_mixed(files: Iterable[Mapping[str, Any]], column: str) -> bool:
    """Whether days lie in twice as many files as they would in order."""
    spans = [(file.get(f"min.{column}"), file.get(f"max.{column}")) for file in files]
    known = [(first, last) for first, last in spans if isinstance(first, date) and isinstance(last, date)]
    if len(known) < 2:
        return False
    days = (max(last for _, last in known) - min(first for first, _ in known)).days + 1
    return sum((last - first).days + 1 for first, last in known) > 2 * (days + len(known))


def _files(table: RustTable) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return found

"""Records as Arrow batches of Bronze's columns: text as delivered, what the contract doesn't know, and lineage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import pyarrow as pa

from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.record import ObjectRow, Row

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 32_000_000  # keeps a task's memory bounded where single values are huge
_EXTRA = pa.map_(pa.string(), pa.string())
_INSTANT = pa.timestamp("us", tz="UTC")
LINEAGE = ("_source_file", "_file_modified", "_delivery", "_logical_date", "_load_time", "_run_id")

AnyRow = TypeVar("AnyRow", Row, ObjectRow)


def bronze_schema(known: Sequence[str]) -> pa.Schema:
    """The columns of a batch, in order: the contract's as text, then those that describe the record."""
    return pa.schema(
        [
            *((name, pa.string()) for name in known),
            ("_extra", _EXTRA),
            ("_corrupt_record", pa.string()),
            ("_header", pa.string()),
            ("_row_number", pa.int64()),
            ("_source_file", pa.string()),
            ("_file_modified", _INSTANT),
            ("_delivery", pa.string()),
            ("_logical_date", pa.date32()),
            ("_load_time", _INSTANT),
            ("_run_id", pa.string()),
        ]
    )


def record_batches(
    rows: Iterable[Row], header: HeaderMap, known: tuple[str, ...], lineage: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    """The records of a file with one header, in order, at most BATCH_ROWS in a batch; none when there are none.

    `lineage` holds the LINEAGE columns of the file; its instants carry a zone.
    """
    schema, header_text = bronze_schema(known), _json_list(header.names)
    position = {name: index for index, name in enumerate(header.columns) if name is not None}
    extra = [(name, index) for index, name in enumerate(header.extra) if name is not None]
    blank = (None,) * len(header.names)
    for numbers, records, texts in _chunks(rows, _row_size):
        readable = [record is not None for record in records]
        columns = list(zip(*(blank if record is None else record for record in records), strict=True))
        arrays = [_text(columns[position[name]]) if name in position else _nulls(len(numbers)) for name in known]
        extras = _extra_of_columns([(name, columns[index]) for name, index in extra], readable)
        yield _assemble(schema, [*arrays, extras, _text(texts)], header_text, numbers, lineage)


def object_batches(
    rows: Iterable[ObjectRow], known: tuple[str, ...], lineage: Mapping[str, Any], *, keep_source_row_id: bool = False
) -> Iterator[pa.RecordBatch]:
    """The same for records that carry their own names, each matched by its own; `_header` is the batch's sorted union.

    SourceError when two names of one record end at the same column.
    """
    schema = bronze_schema(known)
    for numbers, records, texts in _chunks(rows, _object_size):
        shapes: dict[tuple[str, ...], tuple[list[str | None], list[tuple[str, str]]]] = {}
        values: list[Sequence[str | None]] = []
        extras: list[list[tuple[str, str | None]] | None] = []
        for number, record in zip(numbers, records, strict=True):
            shape = tuple(record or ())
            if shape not in shapes:
                where = f"{lineage['_source_file']}, record {number}"
                names = match_headers(shape, known, keep_source_row_id=keep_source_row_id, where=where)
                shapes[shape] = _keys(names, known)
            keys, unknown = shapes[shape]
            values.append([None if key is None or record is None else record.get(key) for key in keys])
            extras.append([(name, record[key]) for name, key in unknown] if record and unknown else None)
        arrays = [_text(column) for column in zip(*values, strict=True)]
        header_text = _json_list(sorted({name for shape in shapes for name in shape}))
        yield _assemble(schema, [*arrays, pa.array(extras, _EXTRA), _text(texts)], header_text, numbers, lineage)


def _keys(header: HeaderMap, known: tuple[str, ...]) -> tuple[list[str | None], list[tuple[str, str]]]:
    """The delivered name of each of the contract's columns, and the others as (folded, delivered)."""
    delivered = {target: name for target, name in zip(header.columns, header.names, strict=True) if target is not None}
    unknown = [(target, name) for target, name in zip(header.extra, header.names, strict=True) if target is not None]
    return [delivered.get(name) for name in known], unknown


def _chunks(
    rows: Iterable[AnyRow], size: Callable[[AnyRow], int]
) -> Iterator[tuple[list[int], list[Any], list[str | None]]]:
    """Runs of rows as (numbers, records, malformed texts), as long as the limits on rows and characters allow."""
    chunk: list[AnyRow] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += size(row)
        if len(chunk) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield _unzipped(chunk)
            chunk, characters = [], 0
    if chunk:
        yield _unzipped(chunk)


def _unzipped(chunk: Sequence[tuple[int, Any, str | None]]) -> tuple[list[int], list[Any], list[str | None]]:
    return [row[0] for row in chunk], [row[1] for row in chunk], [row[2] for row in chunk]


def _row_size(row: Row) -> int:
    _, values, text = row
    if values is None:
        return len(text or "")
    return sum(map(len, filter(None, values)))


def _object_size(row: ObjectRow) -> int:
    _, record, text = row
    if record is None:
        return len(text or "")
    return sum(map(len, filter(None, record.values())))


def _text(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _nulls(rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string())


def _extra_of_columns(columns: list[tuple[str, Sequence[str | None]]], readable: list[bool]) -> pa.Array:
    """One map per record from the columns that the contract doesn't know; null for a malformed record."""
    rows = len(readable)
    if not columns:
        return pa.nulls(rows, _EXTRA)
    width = len(columns)
    offsets = pa.array(range(0, rows * width + 1, width), pa.int32())
    keys = pa.array([name for name, _ in columns] * rows, pa.string())
    items = _text(list(chain.from_iterable(zip(*(values for _, values in columns), strict=True))))
    if all(readable):
        return pa.MapArray.from_arrays(offsets, keys, items)
    return pa.MapArray.from_arrays(offsets, keys, items, mask=pa.array([not r for r in readable], pa.bool_()))


def _assemble(
    schema: pa.Schema, delivered: list[pa.Array], header_text: str, numbers: list[int], lineage: Mapping[str, Any]
) -> pa.RecordBatch:
    rows = len(numbers)
    repeated = [pa.repeat(pa.scalar(lineage[name], schema.field(name).type), rows) for name in LINEAGE]
    header = pa.repeat(pa.scalar(header_text, pa.string()), rows)
    return pa.RecordBatch.from_arrays([*delivered, header, pa.array(numbers, pa.int64()), *repeated], schema=schema)


def _json_list(names: Iterable[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)

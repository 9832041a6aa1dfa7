"""Records as Arrow batches of Bronze's columns: text as delivered, what the contract doesn't know, and lineage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.record import ObjectRow, Row

BATCH_ROWS = 20_000
BATCH_BYTES = 64_000_000  # keeps a task's memory bounded where values are long; a single record may exceed it
_BLOCK_ROWS = 1_000
_BLOCK_CHARACTERS = 8_000_000
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
    blocks = (_block_of_rows(chunk, header, known) for chunk in _chunks(rows, _row_size))
    return _batches(blocks, known, lambda _: header.names, lineage)


def object_batches(
    rows: Iterable[ObjectRow], known: tuple[str, ...], lineage: Mapping[str, Any], *, keep_source_row_id: bool = False
) -> Iterator[pa.RecordBatch]:
    """The same for records that carry their own names, each matched by its own; `_header` is the batch's sorted union.

    SourceError when two names of one record end at the same column.
    """
    match = partial(match_headers, known=known, keep_source_row_id=keep_source_row_id)
    source_file = str(lineage["_source_file"])
    blocks = (_block_of_objects(chunk, match, known, source_file) for chunk in _chunks(rows, _object_size))
    return _batches(blocks, known, sorted, lineage)


class _Block(NamedTuple):
    """Some records as columns: the contract's, then `_extra` and `_corrupt_record`."""

    numbers: pa.Array
    columns: list[pa.Array]
    names: frozenset[str]  # delivered, of records that carry their own

    @property
    def size(self) -> int:
        return sum(column.nbytes for column in self.columns)


def _block_of_rows(chunk: Sequence[Row], header: HeaderMap, known: tuple[str, ...]) -> _Block:
    records = [row[1] for row in chunk]
    readable = [record is not None for record in records]
    blank = (None,) * len(header.names)
    columns = list(zip(*(blank if record is None else record for record in records), strict=True))
    position = {name: index for index, name in enumerate(header.columns) if name is not None}
    extra = [(name, columns[index]) for index, name in enumerate(header.extra) if name is not None]
    arrays = [_text(columns[position[name]]) if name in position else _nulls(len(chunk)) for name in known]
    return _block(chunk, [*arrays, _extra_of_columns(extra, readable)], frozenset())


def _block_of_objects(
    chunk: Sequence[ObjectRow], match: Callable[..., HeaderMap], known: tuple[str, ...], source_file: str
) -> _Block:
    shapes: dict[tuple[str, ...], tuple[list[str | None], list[tuple[str, str]]]] = {}
    values: list[list[str | None]] = []
    extras: list[list[tuple[str, str | None]] | None] = []
    for number, delivered, _ in chunk:
        record: dict[str | None, str | None] = delivered or {}  # type: ignore[assignment]
        shape = tuple(delivered or ())
        if shape not in shapes:
            shapes[shape] = _keys(match(shape, where=f"{source_file}, record {number}"), known)
        keys, unknown = shapes[shape]
        values.append(list(map(record.get, keys)))
        extras.append([(name, record[key]) for name, key in unknown] or None)
    columns = [_text(column) for column in zip(*values, strict=True)]
    names = frozenset(name for shape in shapes for name in shape)
    return _block(chunk, [*columns, pa.array(extras, _EXTRA)], names)


def _block(chunk: Sequence[AnyRow], columns: list[pa.Array], names: frozenset[str]) -> _Block:
    numbers = pa.array([row[0] for row in chunk], pa.int64())
    return _Block(numbers, [*columns, _text([row[2] for row in chunk])], names)


def _keys(header: HeaderMap, known: tuple[str, ...]) -> tuple[list[str | None], list[tuple[str, str]]]:
    """The delivered name of each of the contract's columns, and the others as (folded, delivered)."""
    delivered = {target: name for target, name in zip(header.columns, header.names, strict=True) if target is not None}
    unknown = [(target, name) for target, name in zip(header.extra, header.names, strict=True) if target is not None]
    return [delivered.get(name) for name in known], unknown


def _chunks(rows: Iterable[AnyRow], size: Callable[[AnyRow], int]) -> Iterator[list[AnyRow]]:
    """Short runs of rows: Python objects that still lie in the processor's cache become columns much faster."""
    chunk: list[AnyRow] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += size(row)
        if len(chunk) >= _BLOCK_ROWS or characters >= _BLOCK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


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


def _extra_of_columns(columns: Sequence[tuple[str, Sequence[str | None]]], readable: list[bool]) -> pa.Array:
    """One map per record from the columns that the contract doesn't know; null for a malformed record."""
    rows = len(readable)
    if not columns:
        return pa.nulls(rows, _EXTRA)
    names = [name for name, _ in columns]
    records = zip(*(values for _, values in columns), strict=True)
    if not all(readable):
        pairs = (zip(names, record, strict=True) for record in records)
        return pa.array([list(pair) if ok else None for ok, pair in zip(readable, pairs, strict=True)], _EXTRA)
    return maps(names, _text(list(chain.from_iterable(records))))


def maps(names: Sequence[str], values: pa.Array) -> pa.Array:
    """One map per record from the names to its values, which stand record by record in one array."""
    rows = len(values) // len(names)
    offsets = pa.array(range(0, rows * len(names) + 1, len(names)), pa.int32())
    return pa.MapArray.from_arrays(offsets, pa.array([*names] * rows, pa.string()), values)


def _batches(
    blocks: Iterable[_Block],
    known: tuple[str, ...],
    header: Callable[[Iterable[str]], Sequence[str]],
    lineage: Mapping[str, Any],
) -> Iterator[pa.RecordBatch]:
    """Blocks joined into batches; `header` gives a batch's header from the names that its records carried."""
    schema = bronze_schema(known)
    joined: list[_Block] = []
    rows = size = 0
    for block in blocks:
        if joined and (rows + len(block.numbers) > BATCH_ROWS or size + block.size > BATCH_BYTES):
            yield _assemble(schema, joined, header, lineage)
            joined, rows, size = [], 0, 0
        joined.append(block)
        rows += len(block.numbers)
        size += block.size
    if joined:
        yield _assemble(schema, joined, header, lineage)


def _assemble(
    schema: pa.Schema,
    blocks: list[_Block],
    header: Callable[[Iterable[str]], Sequence[str]],
    lineage: Mapping[str, Any],
) -> pa.RecordBatch:
    numbers = pa.concat_arrays([block.numbers for block in blocks])
    delivered = [pa.concat_arrays(list(column)) for column in zip(*(block.columns for block in blocks), strict=True)]
    names = json.dumps(list(header(frozenset().union(*(block.names for block in blocks)))), ensure_ascii=False)
    constants = {"_header": names, **{name: lineage[name] for name in LINEAGE}}
    repeated = {
        name: pa.repeat(pa.scalar(value, schema.field(name).type), len(numbers)) for name, value in constants.items()
    }
    columns = [*delivered, repeated.pop("_header"), numbers, *repeated.values()]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

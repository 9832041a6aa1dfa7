"""Parquet files: every value as the text that a CSV of the same rows would have, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from spark_jobs.errors import SourceError
from spark_jobs.sources.batches import record_batches
from spark_jobs.sources.headers import match_headers
from spark_jobs.sources.record import ReadLayout, Row

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS = 10_000


def read_batches(
    stream: BinaryIO, layout: ReadLayout, where: str, lineage: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    """The records of a file as batches of Bronze's columns; times have their zone's offset where they have a zone."""
    file = _opened(stream, where)
    names = tuple(file.schema_arrow.names)
    header = match_headers(names, layout.known, keep_source_row_id=layout.keep_source_row_id, where=where)
    yield from record_batches(_rows(file, where), header, layout.known, lineage)


def read_header(stream: BinaryIO, _options: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The names of a file's columns; SourceError when it is no Parquet file."""
    return tuple(_opened(stream, where).schema_arrow.names)


def _opened(stream: BinaryIO, where: str) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"not a Parquet file that can be read: {error}", where=where) from error


def _rows(file: pq.ParquetFile, where: str) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS):
            columns = [_texts(column) for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, values, None
    except pa.ArrowException as error:
        raise SourceError(f"can't be read: {error}", where=f"{where}, after record {number}") from error


def _texts(column: pa.Array) -> list[str | None]:
    """The values as text: numbers and dates as they are written, truths as true and false, bytes as hexadecimal."""
    import json

    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return list(column.to_pylist())
    if pa.types.is_boolean(kind):
        return [None if value is None else str(value).lower() for value in column.to_pylist()]
    if pa.types.is_timestamp(kind):  # to the microsecond, which is all that Silver keeps
        plain = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).to_pylist()
        return [None if value is None else value.isoformat(sep=" ") for value in plain]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if value is None else value.hex() for value in column.to_pylist()]
    if pa.types.is_nested(kind):
        return [None if v is None else json.dumps(v, default=str, ensure_ascii=False) for v in column.to_pylist()]
    if pa.types.is_decimal(kind):
        return [None if value is None else format(value, "f") for value in column.to_pylist()]
    return [None if value is None else str(value) for value in column.to_pylist()]

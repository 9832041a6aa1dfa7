"""Sources: each turns deliveries into text columns with lineage, the shape of Bronze.

Files are parsed by plain Python generators, a module per format (csv.py, json.py, parquet.py), that run inside Spark
tasks, some files a task; they are streamed, so that a file's size is bounded by nothing but time. The module of a
format has `read_batches`, and `read_header` where a file names its columns once; contract/formats.py lists the formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import fsspec

from spark_jobs.errors import SourceError
from spark_jobs.sources.batches import bronze_schema
from spark_jobs.sources.headers import HeaderMap, match_headers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark_jobs.contract import Contract


@dataclass(frozen=True)
class File:
    """One landing file of a delivery."""

    path: str
    modified: datetime
    logical_date: date
    delivery: str
    size: int


class Format(Protocol):
    """The module that reads a format."""

    def read_batches(
        self, stream: BinaryIO, layout: Layout, where: str, lineage: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """The records of a file as batches of Bronze's columns; SourceError when it can't be read at all."""


@dataclass(frozen=True)
class Layout:
    """What a task needs of the contract to read a file."""

    format: str
    options: Mapping[str, Any]
    known: tuple[str, ...]
    keep_source_row_id: bool


def layout_of(contract: Contract) -> Layout:
    """The part of a contract that says how its files read."""
    return Layout(contract.format, contract.options, contract.source_names, contract.keep_source_row_id)


def read_files(
    spark: SparkSession, contract: Contract, files: list[File], *, run_id: str, load_time: datetime
) -> DataFrame:
    """Every record of `files` as text: contract's source columns, `_extra`, `_corrupt_record` and lineage."""
    layout = layout_of(contract)
    parts = min(len(files), 4 * spark.sparkContext.defaultParallelism)
    read = partial(_read_batches, files=tuple(files), layout=layout, run_id=run_id, load_time=load_time)
    return spark.range(0, len(files), 1, max(parts, 1)).mapInArrow(read, schema(layout.known))


def read_here(contract: Contract, files: list[File], *, run_id: str, load_time: datetime) -> pa.Table:
    """The same records on the driver, for a few small files."""
    import pyarrow as pa

    layout = layout_of(contract)
    batches = [batch for file in files for batch in _read_file(file, layout, run_id, load_time)]
    return pa.Table.from_batches(batches, bronze_schema(layout.known))


def schema(known: tuple[str, ...]) -> str:
    """The columns of Bronze, as DDL."""
    columns = [f"`{name}` string" for name in known]
    return ", ".join(
        [
            *columns,
            "_extra map<string,string>, _corrupt_record string, _header string, _row_number bigint",
            "_source_file string, _file_modified timestamp, _delivery string, _logical_date date",
            "_load_time timestamp, _run_id string",
        ]
    )


def header_of(contract: Contract, path: str) -> HeaderMap | None:
    """How a file's header maps onto the contract; None for a format whose records carry their own names.

    Raises `SourceError` for a file without a header, or with two headers of one name.
    """
    read_header = getattr(_format(contract.format), "read_header", None)
    if read_header is None:
        return None
    try:
        with fsspec.open(path, "rb") as stream:
            header = read_header(stream, contract.options, path)
    except OSError as error:
        raise SourceError(f"can't be read: {error}", where=path) from error
    if header is None:
        return None
    return match_headers(header, contract.source_names, keep_source_row_id=contract.keep_source_row_id, where=path)


def _read_batches(
    batches: Iterator[pa.RecordBatch], *, files: tuple[File, ...], layout: Layout, run_id: str, load_time: datetime
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for position in batch.column(0).to_pylist():
            yield from _read_file(files[position], layout, run_id, load_time)


def _read_file(file: File, layout: Layout, run_id: str, load_time: datetime) -> Iterator[pa.RecordBatch]:
    lineage = {
        "_source_file": file.path,
        "_file_modified": file.modified,
        "_delivery": file.delivery,
        "_logical_date": file.logical_date,
        "_load_time": load_time,
        "_run_id": run_id,
    }
    try:
        with fsspec.open(file.path, "rb") as stream:
            yield from _format(layout.format).read_batches(stream, layout, file.path, lineage)
    except (OSError, EOFError) as error:
        raise SourceError(f"can't be read: {error}", where=file.path) from error


def _format(name: str) -> Format:
    return cast(Format, import_module(f"{__name__}.{name}"))

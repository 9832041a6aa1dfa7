"""Sources: each turns deliveries into text columns with lineage, the shape of Bronze.

Files are parsed by plain Python generators, a module per format (csv.py, json.py, parquet.py), that run inside Spark
tasks, some files a task; they are streamed, so that a file's size is bounded by nothing but time. The module of a
format has `read_batches`, and `read_header` where a file names its columns once; contract/formats.py lists the formats.

Tables and tabs are no files: their module (postgres.py, sheet.py) finds their deliveries and opens them itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from spark_jobs.contract.formats import SERVED
from spark_jobs.errors import SourceError
from spark_jobs.sources.batches import bronze_schema
from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.record import Asked, Each, File, lineage_of
from state.landing import Delivery
from state.stores import open_files

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark_jobs.contract import Contract


class Format(Protocol):
    """The module that reads a format."""

    def read_batches(
        self, stream: BinaryIO, layout: Layout, where: str, lineage: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """The records of a file as batches of Bronze's columns; SourceError when it can't be read at all."""


class Opened(Protocol):
    """The deliveries of some days, as they are while they are open."""

    @property
    def deliveries(self) -> Mapping[date, Sequence[Delivery]]:
        """The deliveries by day, with their checksums."""

    def header(self, file: File) -> HeaderMap | None:
        """How the columns map onto the contract; None where records carry their own names. May raise SourceError."""

    def is_small(self, files: Sequence[File], driver_bytes: int) -> bool:
        """Whether the driver reads them."""

    def here(self, files: Sequence[File], *, run_id: str, load_time: datetime) -> pa.Table:
        """The records of small deliveries on the driver, in the shape of Bronze."""

    def there(
        self, spark: SparkSession, files: Sequence[File], each: Each, columns: str, *, run_id: str, load_time: datetime
    ) -> DataFrame:
        """What `each` makes, in Spark's tasks, of the records in the shape of Bronze; `columns` as DDL."""

    def explained(self, error: Exception) -> SourceError | None:
        """The source's own failure in what Spark raised while it read `there`."""


class Served(Protocol):
    """The module of a format that isn't files."""

    def find(self, contract: Contract, asked: Asked) -> dict[date, list[Delivery]]:
        """What the source holds by day, as cheaply as it can be had; SourceError when it can't be asked."""

    def opened(
        self, contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]
    ) -> AbstractContextManager[Opened]:
        """The deliveries, open for reading; SourceError for one that isn't there any more."""


@dataclass(frozen=True)
class Landed:
    """Files of the landing: what they hold stays as it was found."""

    contract: Contract
    deliveries: Mapping[date, Sequence[Delivery]]

    def header(self, file: File) -> HeaderMap | None:
        """How the file's header maps onto the contract."""
        return header_of(self.contract, file.path)

    def is_small(self, files: Sequence[File], driver_bytes: int) -> bool:
        """Whether the files together are that small."""
        return sum(file.size for file in files) <= driver_bytes

    def here(self, files: Sequence[File], *, run_id: str, load_time: datetime) -> pa.Table:
        """The files' records on the driver."""
        return read_here(self.contract, list(files), run_id=run_id, load_time=load_time)

    def there(
        self, spark: SparkSession, files: Sequence[File], each: Each, columns: str, *, run_id: str, load_time: datetime
    ) -> DataFrame:
        """Parses the files in Spark's tasks, some files each."""
        parts = min(len(files), 4 * spark.sparkContext.defaultParallelism)
        layout = layout_of(self.contract)
        read = partial(_read_batches, files=tuple(files), layout=layout, run_id=run_id, load_time=load_time, each=each)
        return spark.range(0, len(files), 1, max(parts, 1)).mapInArrow(read, columns)

    def explained(self, _error: Exception) -> None:
        """The error says it itself."""
        return


def served(contract: Contract) -> Served:
    """The module that finds and opens the contract's deliveries, which aren't files."""
    return cast(Served, import_module(f"{__name__}.{contract.format}"))


def opened(contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]) -> AbstractContextManager[Opened]:
    """Deliveries that were found, open for reading."""
    if contract.format in SERVED:
        return served(contract).opened(contract, deliveries)
    return nullcontext(Landed(contract, deliveries))


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
        with _open(path) as stream:
            header = read_header(stream, contract.options, path)
    except OSError as error:
        raise SourceError(f"can't be read: {error}", where=path) from error
    if header is None:
        return None
    return match_headers(header, contract.source_names, keep_source_row_id=contract.keep_source_row_id, where=path)


def _read_batches(
    batches: Iterator[pa.RecordBatch],
    *,
    files: tuple[File, ...],
    layout: Layout,
    run_id: str,
    load_time: datetime,
    each: Each,
) -> Iterator[pa.RecordBatch]:
    positions = (position for batch in batches for position in batch.column(0).to_pylist())
    yield from each(batch for position in positions for batch in _read_file(files[position], layout, run_id, load_time))


def _read_file(file: File, layout: Layout, run_id: str, load_time: datetime) -> Iterator[pa.RecordBatch]:
    lineage = lineage_of(file, run_id, load_time)
    try:
        with _open(file.path) as stream:
            yield from _format(layout.format).read_batches(stream, layout, file.path, lineage)
    except (OSError, EOFError) as error:
        raise SourceError(f"can't be read: {error}", where=file.path) from error


def _open(path: str) -> BinaryIO:
    files, place = open_files(path)
    return cast(BinaryIO, files.open(place, "rb"))


def _format(name: str) -> Format:
    return cast(Format, import_module(f"{__name__}.{name}"))

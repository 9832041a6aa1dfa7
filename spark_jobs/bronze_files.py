"""The files of Bronze, written where the records are read: by Spark's tasks, or by the driver for small deliveries.

Records never become Spark's rows on their way: that costs several times what parsing them does. Whoever writes tells
the driver of its files, which one commit then adds to the table; what a task wrote in vain is in no commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import chain, groupby
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from state.stores import open_files, store_of

PARTITIONS = ("_logical_date", "_delivery")
STATISTICS = "_row_number"
GROUP_ROWS = 100_000
GROUP_BYTES = 64_000_000  # of a row group, which is kept until it is written

Clean = Callable[[pa.Table], pa.Table]
Part = tuple[tuple[date, str], pa.Table]


class Written(NamedTuple):
    """A file of one delivery: where it lies below the table, and what the table's log says of it."""

    path: str
    size: int
    logical_date: date
    delivery: str
    records: int
    first: int
    last: int
    """The least and the greatest `_row_number`."""


WRITTEN = "path string, size bigint, logical_date date, delivery string, records bigint, first bigint, last bigint"
"""The same as DDL."""


def write_files(batches: Iterable[pa.RecordBatch], *, table: str, clean: Clean | None) -> Iterator[Written]:
    """Write records in the shape of Bronze below the table's root: a file for each run of records of one delivery.

    `clean` gives what of the records is kept.
    """
    for (day, delivery), parts in groupby(_parts(batches, clean), key=lambda part: part[0]):
        yield _written(table, day, delivery, (rows for _, rows in parts))


def write_in_task(batches: Iterable[pa.RecordBatch], *, table: str, clean: Clean | None) -> Iterator[pa.RecordBatch]:
    """The same in a task; yields rows of WRITTEN."""
    for file in write_files(batches, table=table, clean=clean):
        yield pa.RecordBatch.from_pylist([file._asdict()])


def _parts(batches: Iterable[pa.RecordBatch], clean: Clean | None) -> Iterator[Part]:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        rows = rows if clean is None else clean(rows)
        pairs = rows.select(PARTITIONS).group_by(PARTITIONS, use_threads=False).aggregate([]).to_pylist()
        for pair in pairs:
            day, delivery = (pair[name] for name in PARTITIONS)
            its = (pc.field(PARTITIONS[0]) == day) & (pc.field(PARTITIONS[1]) == delivery)
            yield (day, delivery), rows if len(pairs) == 1 else rows.filter(its)


def _written(table: str, day: date, delivery: str, parts: Iterator[pa.Table]) -> Written:
    path = f"_logical_date={day}/_delivery={delivery}/part-{uuid4()}.snappy.parquet"
    files, place = open_files(f"{table}/{path}")
    if store_of(table) is None:
        files.makedirs(place.rpartition("/")[0], exist_ok=True)
    groups = _row_groups(part.drop_columns(list(PARTITIONS)) for part in parts)
    group, records, numbers = next(groups), 0, []
    with files.open(place, "wb") as out:
        # what isn't in the log's statistics shall not be in those of the files either: it may be personal
        with pq.ParquetWriter(out, group.schema, write_statistics=[STATISTICS], store_schema=False) as writer:
            for rows in chain([group], groups):
                writer.write_table(rows)
                records += rows.num_rows
                numbers.append(pc.min_max(rows[STATISTICS]).as_py())
        size = out.tell()
    return Written(path, size, day, delivery, records, min(n["min"] for n in numbers), max(n["max"] for n in numbers))


def _row_groups(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The parts joined to what is written at once."""
    kept: list[pa.Table] = []
    for part in parts:
        kept.append(part)
        if sum(p.num_rows for p in kept) >= GROUP_ROWS or sum(p.nbytes for p in kept) >= GROUP_BYTES:
            yield pa.concat_tables(kept)
            kept = []
    if kept:
        yield pa.concat_tables(kept)

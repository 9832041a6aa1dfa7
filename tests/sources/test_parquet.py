"""Parquet files: the text that the same rows would have in a CSV."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark_jobs.errors import SourceError
from spark_jobs.sources import Layout
from spark_jobs.sources.parquet import read_batches, read_header

AT = datetime(2026, 3, 2, tzinfo=UTC)
LINEAGE: dict[str, Any] = {
    "_source_file": "day.parquet", "_file_modified": AT, "_delivery": "d1", "_logical_date": date(2026, 3, 2),
    "_load_time": AT, "_run_id": "r1",
}  # fmt: skip


def written(table: pa.Table, **options: Any) -> io.BytesIO:
    """The table as a file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    sink.seek(0)
    return sink


def read(file: io.BytesIO, *known: str) -> list[dict[str, Any]]:
    """All records of a file."""
    layout = Layout("parquet", {}, known, keep_source_row_id=False)
    return [row for batch in read_batches(file, layout, "day.parquet", LINEAGE) for row in batch.to_pylist()]


def test_values_of_every_type_are_text() -> None:
    """Empty text stays empty, null stays null, times keep their zone's offset."""
    moment = datetime(2026, 3, 1, 8, 30)
    (row, nothing) = read(
        written(
            pa.table(
                {
                    "text": ["", None],
                    "whole": pa.array([7, None], pa.int32()),
                    "amount": pa.array([Decimal("12000.50"), None], pa.decimal128(9, 2)),
                    "true": [True, None],
                    "day": [date(2026, 3, 1), None],
                    "wall": pa.array([moment, None], pa.timestamp("ns")),
                    "at": pa.array([moment.replace(tzinfo=UTC), None], pa.timestamp("ms", "UTC")),
                    "bytes": [b"\xff", None],
                    "list": [["a", None], None],
                }
            )
        ),
        "text", "whole", "amount", "true", "day", "wall", "at", "bytes", "list",
    )  # fmt: skip
    assert list(row.values())[:9] == [
        "", "7", "12000.50", "true", "2026-03-01", "2026-03-01 08:30:00", "2026-03-01 08:30:00+00:00", "ff",
        '["a", null]',
    ]  # fmt: skip
    assert list(nothing.values())[:9] == [None] * 9


def test_records_are_numbered_over_row_groups() -> None:
    """A header is matched like any other; an exported index goes."""
    table = pa.table({"__index_level_0__": [5, 6, 7], "Request ID": ["a", "b", "c"], "mood": ["x", "y", "z"]})
    rows = read(written(table, row_group_size=2), "request_id")
    assert [(r["_row_number"], r["request_id"], r["_extra"]) for r in rows] == [
        (1, "a", [("mood", "x")]),
        (2, "b", [("mood", "y")]),
        (3, "c", [("mood", "z")]),
    ]


def test_a_file_that_is_no_parquet_is_an_error_that_names_it() -> None:
    """Its header is asked first, before a record is read."""
    with pytest.raises(SourceError, match=r"^day\.parquet: not a Parquet file"):
        read_header(io.BytesIO(b"PAR1 and nothing else"), {}, "day.parquet")

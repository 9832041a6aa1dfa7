"""Which parts of a table are written anew. No Spark: the tables are made with delta-rs."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from spark_jobs.lake import Fence, Lake
from spark_jobs.lookup import select
from spark_jobs.maintenance.compaction import compact
from spark_jobs.maintenance.crowded import crowded, size_of
from state.lease import acquire


def put(path: Path, month: int, *days: int) -> None:
    """One file with a row of each day of the month."""
    rows = pa.table(
        {
            "day": pa.array([date(2024, month, day) for day in days], pa.date32()),
            "id": [f"{month}-{day}" for day in days],
            "month": pa.array([month] * len(days), pa.int32()),
        }
    )
    write_deltalake(path, rows, mode="append", partition_by=["month"])


def rows_of(table: DeltaTable) -> list[str]:
    """Every row."""
    return sorted(map(repr, select(table, "SELECT * FROM t")))


def months(path: Path, rows_per_file: int, column: str | None = "day") -> list[str]:
    """The months that are crowded."""
    return [part.partition[0][1] for part in crowded(DeltaTable(path), rows_per_file, column)]


def test_a_month_of_many_small_files_is_crowded_and_another_is_left_alone(tmp_path: Path) -> None:
    """Up to three times the files that the rows need, each of a day of its own, are no reason to write them again."""
    for day in (1, 2, 3, 4):
        put(tmp_path, 5, day)
    for day in (1, 2, 3):
        put(tmp_path, 6, day)
    assert months(tmp_path, 100) == ["5"]
    assert months(tmp_path, 1) == []


def test_files_that_share_their_days_are_crowded_however_few_they_are(tmp_path: Path) -> None:
    """Two files of the whole month each aren't, since two in order take as many; six are."""
    for start in range(1, 7):
        put(tmp_path, 5, start, 30)
    assert months(tmp_path, 2) == ["5"]
    assert months(tmp_path, 2, column=None) == ["5"]  # six files of some bytes
    put(tmp_path, 6, 1, 30)
    put(tmp_path, 6, 2, 29)
    assert months(tmp_path, 2) == ["5"]


def test_a_crowded_month_is_put_in_order_and_then_isn_t_any_more(tmp_path: Path) -> None:
    """Its rows are what they were, its files hold a few days each, no data changed, and the next time does nothing."""
    table = tmp_path / "silver" / "t"
    for start in range(1, 10):
        put(table, 5, *range(start, 31, 9))
    put(table, 6, 1)
    before = rows_of(DeltaTable(table))
    lease = acquire(str(tmp_path), run_id="m", command="maintain", lease_seconds=60)
    fence = Fence(lease)
    how: dict[str, Any] = {"column": "day", "rows_per_file": 8, "driver_rows": 100}
    assert compact(Lake(str(tmp_path)), "silver", "t", fence, spark=_none, **how) == 9
    assert compact(Lake(str(tmp_path)), "silver", "t", fence, spark=_none, **how) == 0
    lease.release()
    found = DeltaTable(table)
    assert rows_of(found) == before
    files = pa.table(found.get_add_actions(flatten=True)).to_pylist()
    spans = sorted((f["min.day"], f["max.day"]) for f in files if f["partition.month"] == 5)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    assert size_of(found).rows == len(before)
    entry = found.history(1)[0]
    assert (entry["operation"], '"maintenance": true' in entry["userMetadata"]) == ("OPTIMIZE", True)


def _none() -> object:
    raise AssertionError("so few rows need no Spark")

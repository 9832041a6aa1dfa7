"""Small tables of a lake, written without Spark in the shape in which the engine writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from deltalake import write_deltalake

INSTANT = datetime(2026, 3, 3, 6, tzinfo=UTC)
LINEAGE = {
    "_source_file": pa.string(),
    "_file_modified": pa.timestamp("us", tz="UTC"),
    "_row_number": pa.int64(),
    "_delivery": pa.string(),
    "_logical_date": pa.date32(),
    "_load_time": pa.timestamp("us", tz="UTC"),
    "_run_id": pa.string(),
}
TICKET = {
    "ticket_id": pa.string(),
    "status": pa.string(),
    "agent_id": pa.string(),
    "created_date": pa.date32(),
    "resolved_date": pa.date32(),
}
EXCEPTION = {
    "exception_id": pa.string(),
    "dataset": pa.string(),
    "record_key": pa.string(),
    "reject_reasons": pa.list_(pa.string()),
    "raw_record": pa.string(),
    "rule_set": pa.string(),
    "status": pa.string(),
    "resolved_by": pa.string(),
    "first_seen": pa.timestamp("us", tz="UTC"),
}
BRONZE = {
    "ticket_id": pa.string(),
    "status": pa.string(),
    "_extra": pa.map_(pa.string(), pa.string()),
    "_corrupt_record": pa.string(),
}


def came(day: int, record: int, delivery: str | None = None) -> dict[str, Any]:
    """The lineage of a record of the file of a day of March 2026."""
    logical = date(2026, 3, day)
    return {
        "_source_file": f"/landing/tickets/2026/03/{logical}.csv",
        "_file_modified": INSTANT,
        "_row_number": record,
        "_delivery": delivery or f"{day:012x}",
        "_logical_date": logical,
        "_load_time": INSTANT,
        "_run_id": "r1",
    }


def write(
    root: Path,
    layer: str,
    name: str,
    types: Mapping[str, pa.DataType],
    rows: Sequence[Mapping[str, Any]],
    **options: Any,
) -> None:
    """Append rows to a table of these columns; what a row doesn't name is null."""
    schema = pa.schema(list(types.items()))
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    write_deltalake(f"{root}/{layer}/{name}", table, mode="append", **options)


def write_silver(root: Path, *rows: Mapping[str, Any]) -> None:
    """Rows of silver/tickets."""
    write(root, "silver", "tickets", TICKET | LINEAGE, rows)


def write_bronze(root: Path, *rows: Mapping[str, Any]) -> None:
    """Rows of bronze/tickets."""
    write(root, "bronze", "tickets", BRONZE | LINEAGE, rows, partition_by=["_logical_date", "_delivery"])


def write_exceptions(root: Path, *rows: Mapping[str, Any]) -> None:
    """Rows of exception/tickets."""
    usual = {"dataset": "tickets", "rule_set": "5e7", "status": "open", "first_seen": INSTANT}
    filled = [usual | row for row in rows]
    write(root, "exception", "tickets", EXCEPTION | LINEAGE, filled, partition_by=["_logical_date"])


INTERVAL = {
    "extension": pa.string(),
    "interval_start": pa.timestamp("us", tz="UTC"),
    "ops_date": pa.date32(),
    "interval_label": pa.string(),
    "productive_seconds": pa.int64(),
    "events": pa.int64(),
    "agent_id": pa.string(),
}


def write_intervals(root: Path, extension: str, zone: str, starts: Iterable[datetime]) -> None:
    """Rows of gold/agent_activity_intervals: a full half hour of work from each of the instants."""
    rows = []
    for start in starts:
        wall = start.astimezone(ZoneInfo(zone))
        facts = {"ops_date": wall.date(), "interval_label": f"{wall:%H:%M}", "productive_seconds": 1800, "events": 1}
        rows.append({"extension": extension, "interval_start": start, "agent_id": f"extension:{extension}"} | facts)
    write(root, "gold", "agent_activity_intervals", INTERVAL, rows)

"""Inline rows to Silver and Gold frames, and frames to plain text rows that read like the expected ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import DataFrame, SparkSession

TICKET_TYPES = {
    "ticket_id": "string",
    "created_at": "timestamp",
    "resolved_at": "timestamp",
    "resolution_hours": "decimal(18,4)",
    "sla_hours": "decimal(9,2)",
    "sla_breached_reported": "boolean",
    "priority": "string",
    "category": "string",
    "channel": "string",
    "customer_tier": "string",
    "status": "string",
    "agent_id": "string",
    "updated_at": "timestamp",
    "created_date": "date",
    "resolved_date": "date",
    "sla_due_at": "timestamp",
    "sla_due_date": "date",
    "_version_at": "timestamp",
    "_source_file": "string",
    "_file_modified": "timestamp",
    "_row_number": "bigint",
    "_delivery": "string",
    "_logical_date": "date",
    "_load_time": "timestamp",
    "_ingested_at": "timestamp",
    "_run_id": "string",
    "year": "int",
    "month": "int",
}

Row = dict[str, str | None]


def ticket(ticket_id: str, created_at: str, resolved_at: str | None = None, **given: str | None) -> Row:
    """A Silver ticket in UTC, `yyyy-mm-dd hh:mm:ss`; 24 hours of SLA, Medium, category net, agent a1 unless given."""
    due = datetime.fromisoformat(created_at) + timedelta(hours=float(given.get("sla_hours") or 24))
    row: Row = {
        "ticket_id": ticket_id,
        "created_at": created_at,
        "resolved_at": resolved_at,
        "sla_hours": "24",
        "priority": "Medium",
        "category": "net",
        "status": "Resolved" if resolved_at else "Open",
        "agent_id": "a1",
        "created_date": created_at[:10],
        "resolved_date": resolved_at[:10] if resolved_at else None,
        "sla_due_at": str(due),
        "sla_due_date": str(due)[:10],
        "_row_number": "1",
        "_source_file": "landing/t.csv",
    }
    return row | given


def tickets(spark: SparkSession, *rows: Row) -> DataFrame:
    """A Silver frame of the rows; columns that a row doesn't name are null."""
    return typed(spark, TICKET_TYPES, [tuple(row.get(name) for name in TICKET_TYPES) for row in rows])


def typed(spark: SparkSession, types: dict[str, str], rows: list[tuple[str | None, ...]]) -> DataFrame:
    """A frame of text rows cast to `types`."""
    text = spark.createDataFrame(rows, ", ".join(f"`{name}` string" for name in types))
    return text.selectExpr(*(f"CAST(`{name}` AS {kind}) AS `{name}`" for name, kind in types.items()))


def flows(spark: SparkSession, *rows: tuple[str | None, ...]) -> DataFrame:
    """ticket_flow_daily of (ops_date, priority, opened, closed)."""
    return typed(spark, {"ops_date": "date", "priority": "string", "opened": "bigint", "closed": "bigint"}, list(rows))


def shown(frame: DataFrame, *names: str) -> list[tuple[str | None, ...]]:
    """The rows, or only the named columns of them, as text, in order of the first columns."""
    chosen = names or tuple(frame.columns)
    rows = frame.selectExpr(*(f"CAST(`{name}` AS string) AS `{name}`" for name in chosen)).collect()
    return sorted((tuple(row) for row in rows), key=lambda row: [(value is None, value or "") for value in row])

"""The delivery that is measured: 1,000 new tickets and 1,000 changed ones, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.generated import AGENTS, DELIVERY_DAY, instant, new_ones, silver_rows
from spark_jobs.contract import Contract

NEW = 1_000
CHANGED = ((14, 900), (90, 90), (None, 10))
"""Of the changed ones so many were created in the last so many days, None: before those."""

HEADER = (
    "ticket_id", "created_at", "resolved_at", "resolution_hours", "sla_hours", "sla_breached", "priority", "category",
    "channel", "customer_tier", "status", "agent_id", "updated_at",
)  # fmt: skip


def write_delivery(spark: SparkSession, contract: Contract, silver: DataFrame, tickets: int, path: Path) -> None:
    """Write the day's file for a history of so many tickets, which `silver` holds; new and changed ones are mixed."""
    new = _as_text(silver_rows(spark, contract, new_ones(tickets, NEW))).collect()
    rows = [*new, *(row for frame in _changed(silver) for row in _as_text(frame).collect())]
    wanted = NEW + sum(count for _, count in CHANGED)
    if len(rows) != wanted:
        raise ValueError(f"{len(rows)} rows to deliver, not {wanted}: the history is too small")
    _write(path, sorted(rows, key=lambda row: str(row[0])[::-1]))


def _changed(silver: DataFrame) -> list[DataFrame]:
    """Tickets of each age, chosen by hash, in their new version."""
    frames, until = [], DELIVERY_DAY
    for days, count in CHANGED:
        since = DELIVERY_DAY - timedelta(days=days) if days else None
        aged = silver.where(f"created_date < DATE'{until}'")
        aged = aged.where(f"created_date >= DATE'{since}'") if since else aged
        chosen = aged.orderBy(F.xxhash64("ticket_id", F.lit(20)), "ticket_id").limit(count)
        frames.append(_next_version(chosen))
        until = since or until
    return frames


def _next_version(rows: DataFrame) -> DataFrame:
    """What was open is resolved; of the rest some are reopened, some closed or unclosed, some change the agent."""
    at = f"timestamp_seconds({instant(DELIVERY_DAY)} + pmod(xxhash64(ticket_id, 21), 86400))"
    lot = "pmod(xxhash64(ticket_id, 22), 100)"
    agent = f"format_string('A%02d', pmod(xxhash64(ticket_id, 23), {AGENTS}))"
    drawn = rows.selectExpr("*", f"{at} AS at", f"{lot} AS lot", "resolved_at IS NULL AS was_open")
    replaced = drawn.drop("resolved_at", "status", "agent_id", "updated_at")
    new = [
        "CASE WHEN was_open THEN at WHEN lot < 5 THEN null ELSE resolved_at END AS resolved_at",
        "CASE WHEN was_open THEN 'Resolved' WHEN lot < 5 THEN 'In Progress' WHEN lot < 60 THEN "
        "if(status = 'Closed', 'Resolved', 'Closed') ELSE status END AS status",
        f"if(was_open OR lot < 60, agent_id, {agent}) AS agent_id",
        "at AS updated_at",
    ]
    return drawn.selectExpr(*replaced.columns, *new)


def _as_text(rows: DataFrame) -> DataFrame:
    def when(column: str) -> str:
        return f"coalesce(date_format({column}, 'yyyy-MM-dd HH:mm:ss'), '') AS {column}"

    hours = "(unix_seconds(resolved_at) - unix_seconds(created_at)) / 3600D"
    late = "resolved_at > created_at + sla_hours * INTERVAL 1 HOUR"
    return rows.selectExpr(
        "ticket_id",
        when("created_at"),
        when("resolved_at"),
        f"if(resolved_at IS NULL, '', format_string('%.4f', {hours})) AS resolution_hours",
        "CAST(sla_hours AS STRING) AS sla_hours",
        f"coalesce(CAST({late} AS STRING), '') AS sla_breached",
        "priority",
        "category",
        "channel",
        "customer_tier",
        "status",
        "if(agent_id = '-1', '', agent_id) AS agent_id",
        when("updated_at"),
    )


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(HEADER)
        out.writerows(rows)

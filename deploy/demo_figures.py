"""Shows some Gold figures of a lake: last week by domain, or (--busiest) the key of the busiest agent's day."""

from __future__ import annotations

import sys
from typing import Any

from deltalake import DeltaTable, QueryBuilder
from rich.console import Console
from rich.table import Table

TICKETS = """
SELECT ops_date, created, resolved, backlog_size, due, breached, breach_rate, avg_tat, p90_tat, active_agents
FROM daily_ops_metrics ORDER BY ops_date DESC LIMIT 7
"""
CALLS = """
SELECT s.call_date, total_calls, completed_calls, dropped_calls, failed_calls, completion_rate, avg_duration_seconds,
    p90_duration_seconds, talk_seconds
FROM call_daily_summary AS s JOIN call_duration_metrics AS m ON m.call_date = s.call_date
ORDER BY s.call_date DESC LIMIT 7
"""
ACTIVITY = """
SELECT c.ops_date, coalesce(agents, 0) AS agents, coalesce(productive_hours, 0) AS productive_hours,
    intervals_present, intervals_expected, is_complete, missing_intervals
FROM activity_completeness AS c LEFT JOIN (
    SELECT ops_date, count(DISTINCT agent_id) AS agents, round(sum(productive_seconds) / 3600.0, 1) AS productive_hours
    FROM agent_activity_intervals GROUP BY ops_date
) AS i ON i.ops_date = c.ops_date
ORDER BY c.ops_date DESC LIMIT 7
"""
WEEK = (
    ("Tickets: daily_ops_metrics", TICKETS, ("daily_ops_metrics",)),
    ("Calls: call_daily_summary, call_duration_metrics", CALLS, ("call_daily_summary", "call_duration_metrics")),
    (
        "Activity: agent_activity_intervals, activity_completeness",
        ACTIVITY,
        ("agent_activity_intervals", "activity_completeness"),
    ),
)
BUSIEST = """
SELECT ops_date, agent_id FROM daily_agent_load WHERE agent_id <> '-1'
ORDER BY tickets_resolved DESC, ops_date, agent_id LIMIT 1
"""


def rows(lake: str, query: str, *tables: str) -> list[dict[str, Any]]:
    """The rows of a query over Gold tables, read without Spark."""
    builder = QueryBuilder()
    for table in tables:
        builder = builder.register(table, DeltaTable(f"{lake}/gold/{table}"))
    result = builder.execute(query)
    return [dict(zip(batch.schema.names, values, strict=True)) for batch in result for values in _values(batch)]


def _values(batch: Any) -> zip[tuple[Any, ...]]:
    return zip(*(batch.column(name).to_pylist() for name in batch.schema.names), strict=True)


def shown(value: object) -> str:
    """A cell for people; of a list how many there are, from where to where."""
    if isinstance(value, list):
        return f"{len(value)}: {value[0]} to {value[-1]}" if value else ""
    return "" if value is None else str(value)


def main(lake: str, *, busiest: bool) -> None:
    """Print the key, or a table for each domain."""
    if busiest:
        key = rows(lake, BUSIEST, "daily_agent_load")[0]
        print(",".join(f"{name}={value}" for name, value in key.items()))
        return
    for title, query, tables in WEEK:
        week = rows(lake, query, *tables)
        table = Table(*week[0], title=f"{title}, the last seven days", title_justify="left", box=None)
        for row in week:
            table.add_row(*(shown(value) for value in row.values()))
        Console(width=150).print(table, "")


if __name__ == "__main__":
    main(sys.argv[1], busiest="--busiest" in sys.argv)

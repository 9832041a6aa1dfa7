"""Shows some Gold figures of a lake: last week's operations, or (--busiest) the key of the busiest agent's day."""

from __future__ import annotations

import sys
from typing import Any

from deltalake import DeltaTable, QueryBuilder
from rich.console import Console
from rich.table import Table

WEEK = """
SELECT ops_date, created, resolved, backlog_size, due, breached, breach_rate, avg_tat, p90_tat, active_agents
FROM daily_ops_metrics ORDER BY ops_date DESC LIMIT 7
"""
BUSIEST = """
SELECT ops_date, agent_id FROM daily_agent_load WHERE agent_id <> '-1'
ORDER BY tickets_resolved DESC, ops_date, agent_id LIMIT 1
"""


def rows(lake: str, table: str, query: str) -> list[dict[str, Any]]:
    """The rows of a query over one Gold table, read without Spark."""
    result = QueryBuilder().register(table, DeltaTable(f"{lake}/gold/{table}")).execute(query)
    return [dict(zip(batch.schema.names, values, strict=True)) for batch in result for values in _values(batch)]


def _values(batch: Any) -> zip[tuple[Any, ...]]:
    return zip(*(batch.column(name).to_pylist() for name in batch.schema.names), strict=True)


def main(lake: str, *, busiest: bool) -> None:
    """Print the key, or a table for people."""
    if busiest:
        key = rows(lake, "daily_agent_load", BUSIEST)[0]
        print(",".join(f"{name}={value}" for name, value in key.items()))
        return
    week = rows(lake, "daily_ops_metrics", WEEK)
    table = Table(*week[0], title="gold/daily_ops_metrics, the last seven days", box=None)
    for row in week:
        table.add_row(*("" if value is None else f"{value}" for value in row.values()))
    Console(width=130).print(table)


if __name__ == "__main__":
    main(sys.argv[1], busiest="--busiest" in sys.argv)

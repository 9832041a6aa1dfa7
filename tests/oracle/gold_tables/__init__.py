"""Every Gold table of tickets, each from Silver alone and from nothing that another one computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from tests.oracle.difference import sortable
from tests.oracle.gold_tables.agents import agent_backlog_daily, daily_agent_load
from tests.oracle.gold_tables.cohort import features_daily, resolution_times_daily
from tests.oracle.gold_tables.fact_tickets import fact_tickets
from tests.oracle.gold_tables.flow import backlog_by_priority_daily, backlog_daily, ticket_flow_daily
from tests.oracle.gold_tables.ops_metrics import daily_ops_metrics
from tests.oracle.gold_tables.risk import ticket_sla_risk
from tests.oracle.gold_tables.sla import sla_breaches_daily, sla_outcomes_daily
from tests.oracle.gold_tables.ticket import Row, World, ticket_from

Table = Callable[[World], Iterable[Row]]

TABLES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (fact_tickets, ("ticket_id",)),
    (features_daily, ("ops_date",)),
    (ticket_flow_daily, ("ops_date", "priority")),
    (backlog_daily, ("ops_date",)),
    (backlog_by_priority_daily, ("ops_date", "priority")),
    (daily_agent_load, ("ops_date", "agent_id")),
    (agent_backlog_daily, ("ops_date", "agent_id")),
    (sla_breaches_daily, ("ops_date", "priority", "category")),
    (sla_outcomes_daily, ("ops_date", "priority", "category")),
    (resolution_times_daily, ("ops_date",)),
    (daily_ops_metrics, ("ops_date",)),
    (ticket_sla_risk, ("ticket_id",)),
)
GRAINS: dict[str, tuple[str, ...]] = {table.__name__: grain for table, grain in TABLES}


def gold(silver_rows: Iterable[Mapping[str, object]], horizon: date, zone: str = "UTC") -> dict[str, list[Row]]:
    """Each Gold table's rows by the table's name, sorted by its grain with nulls first.

    `silver_rows` have at least the delivered columns of Silver tickets (instants aware, or naive in UTC); dates, due
    times and durations are computed again from those, never taken over. Figures are exact and rounded half up last.
    """
    world = World([ticket_from(row, ZoneInfo(zone)) for row in silver_rows], horizon, ZoneInfo(zone))
    return {table.__name__: _sorted(table(world), grain) for table, grain in TABLES}


def _sorted(rows: Iterable[Row], grain: tuple[str, ...]) -> list[Row]:
    return sorted(rows, key=lambda row: sortable(tuple(row[column] for column in grain)))

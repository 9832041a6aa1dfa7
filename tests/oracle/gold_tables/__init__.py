"""Every Gold table, each from Silver alone and from nothing that another one computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.difference import sortable
from tests.oracle.gold_tables.activity import (
    activity_completeness,
    activity_from,
    agent_activity_intervals,
    agent_activity_weekly,
)
from tests.oracle.gold_tables.agents import agent_backlog_daily, daily_agent_load, dim_ticket_agents
from tests.oracle.gold_tables.calls import (
    call_agent_performance,
    call_daily_summary,
    call_duration_metrics,
    calls_from,
)
from tests.oracle.gold_tables.cohort import features_daily, resolution_times_daily
from tests.oracle.gold_tables.complaints import (
    channel_hopping_customers,
    complaint_backlog_daily,
    complaint_duration_by_category,
    complaint_flow_daily,
    complaints_from,
    dim_channels,
    dim_complaint_agents,
    dim_complaint_categories,
    dim_customers,
    dim_date,
    fct_call_complaints,
    fct_social_complaints,
    fct_unified_complaints,
    fct_web_complaints,
)
from tests.oracle.gold_tables.fact_tickets import fact_tickets
from tests.oracle.gold_tables.flow import backlog_by_priority_daily, backlog_daily, ticket_flow_daily
from tests.oracle.gold_tables.ops_metrics import daily_ops_metrics
from tests.oracle.gold_tables.risk import ticket_sla_risk
from tests.oracle.gold_tables.sla import sla_breaches_daily, sla_outcomes_daily
from tests.oracle.gold_tables.ticket import Row, World, ticket_from

Table = Callable[[Any], Iterable[Row]]
Tables = tuple[tuple[Table, tuple[str, ...]], ...]
Silver = Mapping[str, Sequence[Mapping[str, Any]]]

TABLES: Tables = (
    (fact_tickets, ("ticket_id",)),
    (dim_ticket_agents, ("agent_id",)),
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
TABLES_OF_CALLS: Tables = (
    (call_daily_summary, ("call_date",)),
    (call_agent_performance, ("agent_id", "call_date")),
    (call_duration_metrics, ("call_date",)),
)
TABLES_OF_ACTIVITY: Tables = (
    (agent_activity_intervals, ("extension", "interval_start")),
    (agent_activity_weekly, ("extension", "week_start")),
    (activity_completeness, ("ops_date",)),
)
TABLES_OF_COMPLAINTS: Tables = (
    (dim_customers, ("customer_id",)),
    (dim_complaint_agents, ("agent_id",)),
    (dim_complaint_categories, ("category",)),
    (dim_channels, ("channel",)),
    (dim_date, ("ops_date",)),
    (fct_call_complaints, ("call_id",)),
    (fct_web_complaints, ("request_id",)),
    (fct_social_complaints, ("complaint_id",)),
    (fct_unified_complaints, ("complaint_pk",)),
    (complaint_flow_daily, ("ops_date", "category", "channel")),
    (complaint_backlog_daily, ("ops_date", "category", "channel")),
    (complaint_duration_by_category, ("ops_date", "category")),
    (channel_hopping_customers, ("customer_id", "category")),
)


def gold(
    silver_rows: Iterable[Mapping[str, object]],
    horizon: date,
    zone: str = "UTC",
    agents: Sequence[Mapping[str, object]] = (),
) -> dict[str, list[Row]]:
    """Each Gold table of tickets: its rows by the table's name, sorted by its grain with nulls first.

    `silver_rows` have at least the delivered columns of Silver tickets (instants aware, or naive in UTC); dates, due
    times and durations are computed again from those, never taken over. Figures are exact and rounded half up last.
    `agents` are those of the list.
    """
    tickets = [ticket_from(row, ZoneInfo(zone)) for row in silver_rows]
    return _tables(TABLES, World(tickets, horizon, ZoneInfo(zone), agents))


def gold_of_calls(silver_rows: Iterable[Mapping[str, Any]], horizon: date) -> dict[str, list[Row]]:
    """Each Gold table of calls, likewise; dates are Silver's, durations are computed again."""
    return _tables(TABLES_OF_CALLS, calls_from(silver_rows, horizon))


def gold_of_activity(
    events: Iterable[Mapping[str, Any]],
    identities: Iterable[Mapping[str, Any]],
    horizon: date,
    zone: str = "UTC",
    max_state_hours: float = 12,
) -> dict[str, list[Row]]:
    """Each Gold table of agent activity, likewise; every second is looked at by itself, so mind the size."""
    activity = activity_from(events, identities, horizon, ZoneInfo(zone), max_state_hours)
    return _tables(TABLES_OF_ACTIVITY, activity)


def gold_of_complaints(silver: Silver, horizon: date, zone: str = "UTC") -> dict[str, list[Row]]:
    """Each Gold table of complaints, likewise; `silver` has the rows of all six datasets by name."""
    return _tables(TABLES_OF_COMPLAINTS, complaints_from(silver, horizon, ZoneInfo(zone)))


@dataclass(frozen=True)
class Domain:
    """The Gold tables whose horizon is that of one dataset, and the Silver tables that they are made of."""

    dataset: str
    inputs: tuple[str, ...]
    grains: Mapping[str, tuple[str, ...]]
    gold: Callable[[Silver, date, str], dict[str, list[Row]]]


def _grains(tables: Tables) -> dict[str, tuple[str, ...]]:
    return {table.__name__: grain for table, grain in tables}


GRAINS = _grains(TABLES)
GRAINS_OF_COMPLAINTS = _grains(TABLES_OF_COMPLAINTS)
DOMAINS = {
    "tickets": Domain(
        "tickets",
        ("tickets", "agents_master"),
        GRAINS,
        lambda silver, *at: gold(silver["tickets"], *at, silver["agents_master"]),
    ),
    "calls": Domain(
        "calls", ("calls",), _grains(TABLES_OF_CALLS), lambda silver, day, _: gold_of_calls(silver["calls"], day)
    ),
    "activity": Domain(
        "agent_events",
        ("agent_events", "agent_identity"),
        _grains(TABLES_OF_ACTIVITY),
        lambda silver, *at: gold_of_activity(silver["agent_events"], silver["agent_identity"], *at),
    ),
}


def _tables(tables: Tables, world: Any) -> dict[str, list[Row]]:
    return {table.__name__: _sorted(table(world), grain) for table, grain in tables}


def _sorted(rows: Iterable[Row], grain: tuple[str, ...]) -> list[Row]:
    return sorted(rows, key=lambda row: sortable(tuple(row[column] for column in grain)))

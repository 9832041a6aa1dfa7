"""What the engine may rely on: declared types, and right slices from partial inputs."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold import registry
from tests.gold.frames import shown, ticket, tickets

HORIZON = date(2024, 1, 6)
OPTIONS = {"horizon": HORIZON, "zone": "UTC"}
SLICES = ("2024-01-03", "2024-01-05")

TYPES = {
    "features_daily": "ops_date date, total_tickets bigint, resolved_tickets bigint, open_tickets bigint, "
    "avg_tat decimal(18,4), sla_breach_rate decimal(18,4)",
    "ticket_flow_daily": "ops_date date, priority string, opened bigint, closed bigint",
    "backlog_daily": "ops_date date, opened bigint, closed bigint, backlog_size bigint",
    "backlog_by_priority_daily": "ops_date date, priority string, opened bigint, closed bigint, backlog_size bigint",
    "daily_agent_load": "ops_date date, agent_id string, tickets_assigned bigint, tickets_resolved bigint, "
    "avg_resolution_hours decimal(18,4), sla_breaches bigint, open_tickets_from_day bigint",
    "agent_backlog_daily": "ops_date date, agent_id string, tickets_assigned bigint, tickets_resolved bigint, "
    "open_tickets_at_close bigint",
    "sla_breaches_daily": "ops_date date, priority string, category string, due bigint, breached bigint, "
    "breach_rate decimal(18,4), avg_overrun_hours decimal(18,4)",
    "sla_outcomes_daily": "ops_date date, priority string, category string, resolved bigint, breached bigint",
    "resolution_times_daily": "ops_date date, resolved bigint, resolution_seconds bigint, p50_tat decimal(18,4), "
    "p90_tat decimal(18,4)",
    "daily_ops_metrics": "ops_date date, created bigint, resolved bigint, backlog_size bigint, due bigint, "
    "breached bigint, breach_rate decimal(18,4), avg_tat decimal(18,4), p50_tat decimal(18,4), "
    "p90_tat decimal(18,4), active_agents bigint, resolved_per_active_agent decimal(18,4)",
    "ticket_sla_risk": "ticket_id string, agent_id string, priority string, category string, status string, "
    "created_at timestamp, sla_due_at timestamp, day_of_week int, hour_of_day int, is_high_priority boolean, "
    "hours_to_due decimal(18,4), breach_probability decimal(18,4)",
    "fact_tickets": "ticket_id string, created_at timestamp, resolved_at timestamp, resolution_hours decimal(18,4), "
    "sla_hours decimal(9,2), sla_breached_reported boolean, priority string, category string, channel string, "
    "customer_tier string, status string, agent_id string, updated_at timestamp, created_date date, "
    "resolved_date date, sla_due_at timestamp, sla_due_date date, is_resolved boolean, is_high_priority boolean, "
    "is_long_resolution boolean, day_of_week int, hour_of_day int, _version_at timestamp, _source_file string, "
    "_file_modified timestamp, _row_number bigint, _delivery string, _logical_date date, _load_time timestamp, "
    "_ingested_at timestamp, _run_id string",
}
BY_DATE = [
    "features_daily",
    "ticket_flow_daily",
    "daily_agent_load",
    "sla_breaches_daily",
    "sla_outcomes_daily",
    "resolution_times_daily",
    "daily_ops_metrics",
]


@pytest.fixture(scope="module")
def gold(spark: SparkSession) -> dict[str, DataFrame]:
    """Silver tickets that cross days in every way, and each table computed from the whole of its inputs."""
    frames = {
        "tickets": tickets(
            spark,
            ticket("a", "2024-01-01 08:00:00", "2024-01-03 08:00:00"),
            ticket("b", "2024-01-03 08:00:00", "2024-01-05 09:00:00", agent_id="a2", sla_hours="48"),
            ticket("c", "2024-01-03 09:00:00", "2024-01-04 10:00:00", priority="High"),
            ticket("d", "2024-01-02 09:00:00", category=None),
            ticket("e", "2024-01-04 09:00:00", "2024-01-05 08:30:00", agent_id="-1"),
            ticket("f", "2024-01-05 09:00:00", "2024-01-08 08:30:00", priority="Low"),
            ticket("g", "2024-01-07 09:00:00"),
        ).cache()
    }
    for name, declared in registry().items():
        if name in TYPES:
            inputs = [frames[i] for i in declared.inputs]
            frames[name] = declared.function(*inputs, **{o: OPTIONS[o] for o in declared.options}).cache()
    return frames


@pytest.mark.parametrize("name", TYPES)
def test_a_table_has_exactly_its_columns_in_their_types(gold: dict[str, DataFrame], name: str) -> None:
    """Readers elsewhere rely on names, order and types."""
    assert ", ".join(f"{column} {kind}" for column, kind in gold[name].dtypes) == TYPES[name]


@pytest.mark.parametrize("name", TYPES)
def test_a_table_has_one_row_per_grain(gold: dict[str, DataFrame], name: str) -> None:
    """The declared grain identifies a row."""
    keys = shown(gold[name], *registry()[name].grain)

    assert keys
    assert len(keys) == len(set(keys))


def test_every_daily_table_by_date_is_tried_in_part() -> None:
    """A new by_date table must join the test below."""
    assert {name for name in TYPES if registry()[name].slices.kind == "by_date"} == set(BY_DATE)


@pytest.mark.parametrize("name", BY_DATE)
def test_slices_from_only_the_rows_that_move_them_equal_those_of_the_whole(
    gold: dict[str, DataFrame], name: str
) -> None:
    """The function sees rows any of whose moving dates falls into the slices; within them nothing is missing."""
    declared = registry()[name]
    wanted = ", ".join(f"DATE'{of}'" for of in SLICES)
    parts = [
        gold[i].where(" OR ".join(f"{column} IN ({wanted})" for column in declared.slices.moved_by[i]))
        for i in declared.inputs
    ]

    part = declared.function(*parts, **{o: OPTIONS[o] for o in declared.options})

    expected = shown(gold[name].where(f"ops_date IN ({wanted})"))
    assert expected
    assert shown(part.where(f"ops_date IN ({wanted})")) == expected


@pytest.mark.parametrize("name", [n for n in TYPES if n not in ("fact_tickets", "ticket_sla_risk")])
def test_no_daily_table_goes_past_the_horizon(gold: dict[str, DataFrame], name: str) -> None:
    """Tickets were created and resolved after it; no row says so."""
    assert max(of for (of,) in shown(gold[name], "ops_date") if of) <= "2024-01-06"


def test_the_risk_table_holds_as_many_tickets_as_the_last_backlog_counts(gold: dict[str, DataFrame]) -> None:
    """d is open, f is resolved after the horizon: both tables say 2."""
    assert len(shown(gold["ticket_sla_risk"])) == 2
    assert shown(gold["backlog_daily"])[-1] == ("2024-01-06", "0", "0", "2")

"""What the analyses leave out: days before their windows, days after the horizon. Rows and figures by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.publish.duck import Duck, Row
from tests.publish.test_analyses import DIALECTS, text

HORIZON = date(2026, 3, 31)
Tables = dict[str, list[Row]]


def before(days: int) -> date:
    """So many days before the horizon."""
    return HORIZON - timedelta(days=days)


def ask(dialect: str, name: str, tables: Tables) -> list[tuple[Any, ...]]:
    """An analysis over these tables, which stand under the name that its dialect has for them."""
    duck = Duck()
    for table, rows in tables.items():
        for schema in ("opslake", "opslake_restricted"):
            duck.put_table(schema, table, pa.Table.from_pylist(rows))
    return [tuple(row.values()) for row in duck.run(text(dialect, name), dialect)[1]]


def flat_backlog(*sizes: tuple[int, int]) -> Tables:
    """Days, counted back from the horizon, with a backlog each."""
    rows = [{"ops_date": before(days), "opened": 2, "closed": 1, "backlog_size": size} for days, size in sizes]
    return {"backlog_daily": rows}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_trend_shows_eight_weeks_and_compares_with_the_week_before(dialect: str) -> None:
    """The 57th day back isn't shown, but counts in the mean of the days after it."""
    rows = ask(dialect, "backlog_trend", flat_backlog(*((days, 100 - days) for days in range(57, -1, -1))))

    assert [rows[0][0], rows[-1][0], len(rows)] == [before(55), HORIZON, 56]
    assert rows[0][4:] == (44.0, None)  # of 43, 44 and 45; there is no day a week before
    assert rows[-1][3:] == (100, 97.0, 7)  # of 94 to 100


@pytest.mark.parametrize("dialect", DIALECTS)
def test_breaches_are_of_four_weeks_up_to_the_horizon(dialect: str) -> None:
    """Due 27 days back counts, 28 days back doesn't, nor tomorrow; resolved at its due time is in time."""

    def due(days: int, agent: str, late: timedelta | None) -> Row:
        at = datetime(2026, 3, 31, 12, tzinfo=UTC) - timedelta(days=days)
        end = None if late is None else at + late
        ticket = {"priority": "High", "agent_id": agent, "created_date": before(40), "sla_due_at": at}
        return {**ticket, "sla_due_date": before(days), "resolved_at": end}

    tickets = [
        due(0, "a1", timedelta()),
        due(27, "a1", timedelta(seconds=1)),
        due(5, "a1", None),
        due(28, "a1", None),
        due(-1, "a1", None),
        due(3, "gone", timedelta(hours=-1)),
    ]
    tables = flat_backlog((0, 1)) | {
        "fact_tickets": tickets,
        "dim_ticket_agents": [{"agent_id": "a1", "team": "Billing"}],
    }

    assert ask(dialect, "breach_rate_by_priority_and_team", tables) == [
        ("High", "Billing", 3, 2, 0.6667),
        ("High", "unknown", 1, 0, 0.0),
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_busiest_are_those_of_seven_days(dialect: str) -> None:
    """Six days back counts, seven don't; nobody is no agent; who has nothing left has 0."""

    def load(days: int, agent: str, resolved: int) -> Row:
        figures = {"tickets_assigned": 1, "tickets_resolved": resolved, "sla_breaches": 0}
        return {"ops_date": before(days), "agent_id": agent, **figures}

    tables = flat_backlog((0, 1)) | {
        "daily_agent_load": [
            load(0, "a1", 1),
            load(6, "a1", 3),
            load(7, "a1", 50),
            load(1, "a2", 9),
            load(1, "-1", 99),
        ],
        "agent_backlog_daily": [
            {"ops_date": HORIZON, "agent_id": "a1", "open_tickets_at_close": 5},
            {"ops_date": before(1), "agent_id": "a2", "open_tickets_at_close": 7},
        ],
    }

    assert ask(dialect, "busiest_agents", tables) == [("a2", 1, 9, 0, 0), ("a1", 2, 4, 0, 5)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_ages_have_four_bands(dialect: str) -> None:
    """With their edges: 2, 3, 7, 8, 14 and 15 days."""
    ages = (0, 2, 3, 7, 8, 14, 15, 90)
    tables = flat_backlog((0, 1)) | {
        "fact_tickets": [{"ticket_id": f"T{age}", "created_date": before(age)} for age in ages],
        "ticket_sla_risk": [
            {"ticket_id": f"T{age}", "priority": "Low", "hours_to_due": 7.5 - age, "breach_probability": 0.4}
            for age in ages
        ],
    }

    assert ask(dialect, "ageing", tables) == [
        ("Low", "0-2 days", 2, 0, 0.8, 2),
        ("Low", "3-7 days", 2, 0, 0.8, 7),
        ("Low", "8-14 days", 2, 2, 0.8, 14),
        ("Low", "15+ days", 2, 2, 0.8, 90),
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reasons_are_of_thirty_days_and_without_duplicates(dialect: str) -> None:
    """29 days before the newest count, 30 don't; resolved ones count as refused, not as open."""

    def reason(days: int, status: str, records: int, name: str = "unknown_priority") -> Row:
        return {"dataset": "tickets", "ops_date": before(days), "reason": name, "status": status, "records": records}

    rows = [
        reason(0, "open", 2),
        reason(0, "resolved", 3),
        reason(0, "informational", 9, "duplicate_in_batch"),
        reason(29, "superseded", 1),
        reason(30, "open", 8),
    ]

    assert ask(dialect, "exception_reasons_by_day", {"exception_reasons_daily": rows}) == [
        ("tickets", HORIZON, "unknown_priority", 5, 2),
        ("tickets", before(29), "unknown_priority", 1, 0),
    ]

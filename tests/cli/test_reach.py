"""From a Gold row to conditions on Silver, by the declarations of the tables."""

from __future__ import annotations

from datetime import date
from typing import Any

from spark_jobs.gold import GoldTable, by_date, by_key, registry, whole
from spark_jobs.reach import reach

DAY, HORIZON = date(2026, 3, 4), date(2026, 3, 31)
TICKETS = {"ticket_id", "agent_id", "priority", "category", "created_date", "resolved_date", "sla_due_date"}


def columns_of(name: str) -> set[str]:
    """The columns of Silver, and of a Gold table those of its grain with one of its figures."""
    return set(registry()[name].grain) | {"figure"} if name in registry() else TICKETS


def said(table: GoldTable, **row: Any) -> list[tuple[str, tuple[str, ...]]]:
    """The conditions in words, with the Gold tables between."""
    return [(way.words(), way.through) for way in reach(table, row, columns_of, HORIZON)]


def declared(**parts: Any) -> GoldTable:
    """A table that isn't registered."""
    return GoldTable(**{"name": "t", "function": print, "inputs": ("tickets",), "options": (), **parts})


def test_a_day_reaches_rows_that_name_it_in_any_of_the_columns_that_move_it() -> None:
    """A column that grain and input share is a further test."""
    found = said(registry()["daily_agent_load"], ops_date=DAY, agent_id="A7")

    assert found == [("(created_date = 2026-03-04 or resolved_date = 2026-03-04) and agent_id = A7", ())]


def test_the_condition_as_sql_says_the_same() -> None:
    """Text is quoted, also a quote in it; null is asked for as null."""
    (way,) = reach(
        registry()["sla_breaches_daily"], {"ops_date": DAY, "priority": "O'x", "category": None}, columns_of, None
    )

    assert way.sql() == "\"sla_due_date\" = DATE '2026-03-04' AND \"priority\" = 'O''x' AND \"category\" IS NULL"


def test_a_running_sum_reaches_everything_up_to_the_day_through_its_input() -> None:
    """`backlog_by_priority_daily` reads flows, these read tickets; the priority goes all the way."""
    found = said(registry()["backlog_by_priority_daily"], ops_date=DAY, priority="High")

    assert found == [
        ("(created_date <= 2026-03-04 or resolved_date <= 2026-03-04) and priority = High", ("ticket_flow_daily",))
    ]


def test_equal_ways_are_one_way() -> None:
    """Of the five inputs of `daily_ops_metrics` two ask for the same tickets."""
    found = dict(said(registry()["daily_ops_metrics"], ops_date=DAY))

    assert found == {
        "(created_date = 2026-03-04 or resolved_date = 2026-03-04)": ("ticket_flow_daily", "daily_agent_load"),
        "(created_date <= 2026-03-04 or resolved_date <= 2026-03-04)": ("backlog_daily", "ticket_flow_daily"),
        "sla_due_date = 2026-03-04": ("sla_breaches_daily",),
        "resolved_date = 2026-03-04": ("resolution_times_daily",),
    }


def test_a_table_computed_whole_reaches_by_the_columns_that_it_shares() -> None:
    """The ticket by its key, and the history that its risk is estimated from up to the horizon."""
    found = said(registry()["ticket_sla_risk"], ticket_id="T1")

    assert found == [("ticket_id = T1", ()), ("resolved_date <= 2026-03-31", ("sla_outcomes_daily",))]


def test_a_key_reaches_the_column_that_moves_it() -> None:
    """Also where the input calls it otherwise, and not the input's column of the same name."""
    table = declared(grain=("agent_id",), slices=by_key("agent_id", moved_by={"tickets": ["ticket_id"]}))

    assert said(table, agent_id="A7") == [("ticket_id = A7", ())]


def test_days_that_are_looked_back_on_are_reached() -> None:
    """The day itself and the six before it."""
    slices = by_date("ops_date", moved_by={"tickets": ["created_date"]}, look_back=6)

    assert said(declared(grain=("ops_date",), slices=slices), ops_date=DAY) == [
        ("created_date from 2026-02-26 to 2026-03-04", ())
    ]


def test_hours_that_are_looked_back_on_are_days_rounded_up() -> None:
    """12 hours are one day; where nothing tells the limit, everything up to the day."""
    table = registry()["agent_activity_intervals"]
    row = {"extension": "2001", "ops_date": DAY}

    told = reach(table, row, lambda _: {"extension", "ops_date"}, HORIZON, {"max_state_hours": 12})
    untold = reach(table, row, lambda _: {"extension", "ops_date"}, HORIZON)

    assert [way.words() for way in told] == [
        "ops_date from 2026-03-03 to 2026-03-04 and extension = 2001",
        "extension = 2001",
    ]
    assert untold[0].words() == "ops_date <= 2026-03-04 and extension = 2001"


def test_a_week_reaches_all_its_days() -> None:
    """From its Monday to its Sunday."""
    slices = by_date("week_start", moved_by={"tickets": ["created_date"]}, period="week")

    assert said(declared(grain=("week_start",), slices=slices), week_start=date(2026, 3, 2)) == [
        ("created_date from 2026-03-02 to 2026-03-08", ())
    ]


def test_without_anything_in_common_all_rows_are_reached() -> None:
    """A whole table of another grain than its input."""
    found = reach(declared(grain=("team",), slices=whole()), {"team": "x"}, columns_of, HORIZON)

    assert [(way.words(), way.sql()) for way in found] == [("all rows", "TRUE")]

"""Twelve tickets whose Gold was worked out on paper; the horizon is Monday 2024-03-04, nobody wrote on the Sunday."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from tests.oracle import GRAINS, gold

FRI, SAT, SUN, MON = (date(2024, 3, day) for day in (1, 2, 3, 4))
Cells = tuple[object, ...]

# id, created, resolved, sla_hours, priority, category, status, agent            taken       due          late by
TICKETS = """
T01 01T08:00:00 01T12:00:00  8 High     billing Closed      a1                 # 4 h         Fri 16:00
T02 01T09:00:00 02T09:00:00  8 High     billing Resolved    a1                 # 24 h        Fri 17:00    16 h
T03 01T10:00:00 01T10:00:01 48 Low      ?       Closed      a2                 # 1 s         Sun 10:00
T04 01T23:30:00 ?           24 Low      tech    Open        -1                 #             Sat 23:30    still open
T05 02T00:00:00 02T06:00:00  4 Critical tech    Closed      a2                 # 6 h         Sat 04:00    2 h
T06 02T12:00:00 04T12:00:00 24 Medium   billing Closed      a1                 # 48 h        Sun 12:00    24 h
T07 02T13:00:00 ?           72 Medium   billing Pending     a3                 #             Tue 13:00
T08 04T07:00:00 04T15:00:00  8 High     billing Resolved    a1                 # 8 h         Mon 15:00    to the second
T09 04T08:00:00 ?            8 High     billing Open        a3                 #             Mon 16:00    still open
T10 04T20:00:00 05T01:00:00 24 Low      ?       Resolved    a2                 # 5 h         Tue 20:00
T11 05T02:00:00 ?            4 Critical tech    Open        a1                 #             Tue 06:00
T12 01T11:00:00 04T11:00:30 24 Low      tech    Closed      -1                 # 72 h 30 s   Sat 11:00    48 h 30 s
"""


def at(text: str) -> datetime:
    """`ddThh:mm:ss` of March 2024 in UTC."""
    return datetime.fromisoformat(f"2024-03-{text}").replace(tzinfo=UTC)


def silver() -> list[dict[str, object]]:
    """The tickets as Silver rows."""
    rows: list[dict[str, object]] = []
    for line in TICKETS.strip().splitlines():
        key, created, resolved, sla, priority, category, status, agent = line.partition("#")[0].split()
        rows.append(
            {
                "ticket_id": key,
                "created_at": at(created),
                "resolved_at": None if resolved == "?" else at(resolved),
                "sla_hours": D(sla),
                "sla_breached_reported": None,
                "priority": priority,
                "category": None if category == "?" else category,
                "channel": "email",
                "customer_tier": "gold",
                "status": status,
                "agent_id": agent,
                "updated_at": None,
            }
        )
    return rows


def cells(table: str, *columns: str, zone: str = "UTC", horizon: date = MON) -> list[Cells]:
    """A Gold table's rows as tuples of the named columns, in the table's order; every column when none is named."""
    rows = gold(silver(), horizon, zone)[table]
    return [tuple(row[column] for column in columns or row) for row in rows]


def test_features_daily_counts_what_became_of_each_days_tickets_even_after_the_horizon() -> None:
    """T10, resolved on Tuesday, is resolved in Monday's cohort; (14400 + 86400 + 1 + 259230) / 4 / 3600 = 25.00215."""
    assert cells("features_daily") == [
        (FRI, 5, 4, 1, D("25.0022"), D("0.5")),
        (SAT, 3, 2, 1, D("27"), D("1")),
        (MON, 3, 2, 1, D("6.5"), D("0")),
    ]


def test_ticket_flow_daily_has_only_days_and_priorities_with_something_in_it() -> None:
    """Opened and closed by priority; T10's end and T11 lie beyond the horizon."""
    assert cells("ticket_flow_daily") == [
        (FRI, "High", 2, 1),
        (FRI, "Low", 3, 1),
        (SAT, "Critical", 1, 1),
        (SAT, "High", 0, 1),
        (SAT, "Medium", 2, 0),
        (MON, "High", 2, 1),
        (MON, "Low", 1, 1),
        (MON, "Medium", 0, 1),
    ]


def test_backlog_daily_has_a_row_for_a_day_on_which_nothing_happened() -> None:
    """Friday 5 − 2 = 3, Saturday + 3 − 2 = 4, Sunday 4, Monday + 3 − 3 = 4 (T04, T07, T09, T10)."""
    assert cells("backlog_daily") == [(FRI, 5, 2, 3), (SAT, 3, 2, 4), (SUN, 0, 0, 4), (MON, 3, 3, 4)]


def test_backlog_by_priority_daily_has_all_four_priorities_every_day() -> None:
    """The same running sums, each priority by itself."""
    assert cells("backlog_by_priority_daily") == [
        *((FRI, "Critical", 0, 0, 0), (FRI, "High", 2, 1, 1), (FRI, "Low", 3, 1, 2), (FRI, "Medium", 0, 0, 0)),
        *((SAT, "Critical", 1, 1, 0), (SAT, "High", 0, 1, 0), (SAT, "Low", 0, 0, 2), (SAT, "Medium", 2, 0, 2)),
        *((SUN, "Critical", 0, 0, 0), (SUN, "High", 0, 0, 0), (SUN, "Low", 0, 0, 2), (SUN, "Medium", 0, 0, 2)),
        *((MON, "Critical", 0, 0, 0), (MON, "High", 2, 1, 1), (MON, "Low", 1, 1, 2), (MON, "Medium", 0, 1, 1)),
    ]


def test_daily_agent_load_averages_only_what_was_resolved_that_day() -> None:
    """a1 on Monday: (48 h + 8 h) / 2; T10 counts as not open although it was resolved after the horizon."""
    assert cells("daily_agent_load") == [
        (FRI, "-1", 2, 0, None, 0, 1),
        (FRI, "a1", 2, 1, D("4"), 0, 0),
        (FRI, "a2", 1, 1, D("0.0003"), 0, 0),
        (SAT, "a1", 1, 1, D("24"), 1, 0),
        (SAT, "a2", 1, 1, D("6"), 1, 0),
        (SAT, "a3", 1, 0, None, 0, 1),
        (MON, "-1", 0, 1, D("72.0083"), 1, 0),
        (MON, "a1", 1, 2, D("28"), 1, 0),
        (MON, "a2", 1, 0, None, 0, 0),
        (MON, "a3", 1, 0, None, 0, 1),
    ]


def test_agent_backlog_daily_leaves_out_agents_with_nothing_open_and_nothing_done() -> None:
    """a2 has no row on Sunday, a1 has one for T06 alone."""
    assert cells("agent_backlog_daily") == [
        *((FRI, "-1", 2, 0, 2), (FRI, "a1", 2, 1, 1), (FRI, "a2", 1, 1, 0)),
        *((SAT, "-1", 0, 0, 2), (SAT, "a1", 1, 1, 1), (SAT, "a2", 1, 1, 0), (SAT, "a3", 1, 0, 1)),
        *((SUN, "-1", 0, 0, 2), (SUN, "a1", 0, 0, 1), (SUN, "a3", 0, 0, 1)),
        *((MON, "-1", 0, 1, 1), (MON, "a1", 1, 2, 0), (MON, "a2", 1, 0, 1), (MON, "a3", 1, 0, 2)),
    ]


def test_sla_breaches_daily_counts_the_unresolved_as_breached_and_averages_the_resolved() -> None:
    """Saturday, Low, tech: T04 still open, T12 late by 172830 s = 48.0083 h; T08 made it to the second."""
    assert cells("sla_breaches_daily") == [
        (FRI, "High", "billing", 2, 1, D("0.5"), D("16")),
        (SAT, "Critical", "tech", 1, 1, D("1"), D("2")),
        (SAT, "Low", "tech", 2, 2, D("1"), D("48.0083")),
        (SUN, "Low", None, 1, 0, D("0"), None),
        (SUN, "Medium", "billing", 1, 1, D("1"), D("24")),
        (MON, "High", "billing", 2, 1, D("0.5"), None),
    ]


def test_sla_outcomes_daily_keeps_a_null_category_as_a_group() -> None:
    """By the day of resolution; T03 has no category."""
    assert cells("sla_outcomes_daily") == [
        (FRI, "High", "billing", 1, 0),
        (FRI, "Low", None, 1, 0),
        (SAT, "Critical", "tech", 1, 1),
        (SAT, "High", "billing", 1, 1),
        (MON, "High", "billing", 1, 0),
        (MON, "Low", "tech", 1, 1),
        (MON, "Medium", "billing", 1, 1),
    ]


def test_resolution_times_daily_interpolates_between_ranks() -> None:
    """Monday: 28800, 172800, 259230 s; the 90th percentile is 172800 + 0.8 · 86430 = 241944 s."""
    assert cells("resolution_times_daily") == [
        (FRI, 2, 14401, D("2.0001"), D("3.6000")),
        (SAT, 2, 108000, D("15"), D("22.2")),
        (MON, 3, 460830, D("48"), D("67.2067")),
    ]


def test_daily_ops_metrics_puts_a_day_into_one_row() -> None:
    """On Sunday two tickets fell due although nothing came or went; the unassigned agent isn't active."""
    assert cells("daily_ops_metrics") == [
        (FRI, 5, 2, 3, 2, 1, D("0.5"), D("2.0001"), D("2.0001"), D("3.6"), 2, D("1")),
        (SAT, 3, 2, 4, 3, 3, D("1"), D("15"), D("15"), D("22.2"), 3, D("0.6667")),
        (SUN, 0, 0, 4, 2, 1, D("0.5"), None, None, None, 0, None),
        (MON, 3, 3, 4, 2, 1, D("0.5"), D("42.6694"), D("48"), D("67.2067"), 3, D("1")),
    ]


def test_ticket_sla_risk_smooths_toward_the_overall_rate() -> None:
    """4 of 7 were late overall: 87/147 with one late of one, 87/161 with one of three, 80/147 with none of one."""
    shown = ("ticket_id", "status", "day_of_week", "hour_of_day", "is_high_priority", "hours_to_due")
    assert cells("ticket_sla_risk", *shown, "breach_probability") == [
        ("T04", "Open", 5, 23, False, D("-48.5"), D("0.5918")),
        ("T07", "Pending", 6, 13, False, D("13"), D("0.5918")),
        ("T09", "Open", 1, 8, True, D("-8"), D("0.5404")),
        ("T10", "Resolved", 1, 20, False, D("20"), D("0.5442")),
    ]


def test_ticket_sla_risk_is_zero_where_nothing_was_ever_resolved() -> None:
    """Without history the overall rate is 0 and nothing is divided by zero."""
    only_open = [row for row in silver() if row["ticket_id"] == "T04"]
    assert [row["breach_probability"] for row in gold(only_open, MON)["ticket_sla_risk"]] == [D("0")]


def test_fact_tickets_has_every_ticket_whatever_the_horizon() -> None:
    """T11 was created after the horizon; T08 took exactly its SLA, which isn't long."""
    shown = ("ticket_id", "is_resolved", "is_high_priority", "is_long_resolution", "day_of_week", "hour_of_day")
    facts = cells("fact_tickets", *shown)
    assert len(facts) == 12
    assert facts[7] == ("T08", True, True, False, 1, 7)
    assert facts[10] == ("T11", False, True, False, 2, 2)
    assert facts[11] == ("T12", True, False, True, 5, 11)


def test_business_dates_follow_the_zone() -> None:
    """In Kyiv (UTC+2) T04, created at 23:30 UTC, and T10, resolved at 01:00, belong to later days or hours."""
    facts = {
        row[0]: row[1:] for row in cells("fact_tickets", "ticket_id", "created_date", "hour_of_day", zone="Europe/Kyiv")
    }
    assert facts["T04"] == (SAT, 1)
    assert facts["T10"] == (MON, 22)
    assert cells("ticket_flow_daily", zone="Europe/Kyiv")[1] == (FRI, "Low", 2, 1)


def test_agents_are_those_of_the_list_and_of_every_ticket() -> None:
    """All of a3's came after the horizon of Friday; an unassigned one of the list's own is the lake's."""
    agents = [{"agent_id": agent, "team": "North", "tier": "L1"} for agent in ("a1", "a9", "-1")]
    rows = gold(silver(), FRI, agents=agents)["dim_ticket_agents"]
    assert [tuple(row.values()) for row in rows] == [
        ("-1", "Unassigned", None, None, False),
        ("a1", "a1", "North", "L1", False),
        ("a2", "a2", None, None, True),
        ("a3", "a3", None, None, True),
        ("a9", "a9", "North", "L1", False),
    ]


@pytest.mark.parametrize("table", sorted(set(GRAINS) - {"fact_tickets", "dim_ticket_agents"}))
def test_a_horizon_before_the_first_ticket_leaves_no_rows(table: str) -> None:
    """Nothing is shown until the horizon passes it."""
    assert cells(table, horizon=date(2024, 2, 29)) == []

"""Dimensions: what the reference lists, what complaints name beside it, and the calendar."""

from __future__ import annotations

import hashlib
from datetime import date

from pyspark.sql import SparkSession

from spark_jobs.gold.complaint_dimensions import (
    dim_channels,
    dim_complaint_agents,
    dim_complaint_categories,
    dim_customers,
)
from spark_jobs.gold.dim_date import dim_date
from spark_jobs.gold.dim_ticket_agents import dim_ticket_agents
from tests.gold.complaints import channels, silver
from tests.gold.frames import shown, ticket, tickets, typed

AT = "2024-03-01 08:00:00"


def test_a_customer_has_a_band_and_a_hash_and_nothing_in_clear(spark: SparkSession) -> None:
    """The age is that reached in the year: who turns 25 in it is in the next band. An e-mail's case doesn't count."""
    customers = silver(
        spark,
        "customers",
        {"customer_id": "c1", "date_of_birth": "1999-12-31", "email": " Ann@X.org ", "signup_date": "2020-01-02"},
        {"customer_id": "c2", "date_of_birth": "2000-01-01", "email": "ann@x.org"},
        {"customer_id": "c3", "date_of_birth": "2006-12-31"},
        {"customer_id": "c4", "date_of_birth": "2007-01-01"},
        {"customer_id": "c5", "date_of_birth": "1959-01-01"},
        {"customer_id": "c6", "date_of_birth": "1900-01-01"},
        {"customer_id": "c7"},
    )
    hashed = hashlib.sha256(b"ann@x.org").hexdigest()

    found = dim_customers(customers, *channels(spark, {"at": AT, "customer_id": "c8"}, {"at": AT}), year=2024)

    assert found.columns == ["customer_id", "age_band", "email_hash", "signup_date", "is_inferred"]
    assert shown(found) == [
        ("c1", "25-34", hashed, "2020-01-02", "false"),
        ("c2", "18-24", hashed, None, "false"),
        ("c3", "18-24", None, None, "false"),
        ("c4", "under 18", None, None, "false"),
        ("c5", "65 and over", None, None, "false"),
        ("c6", None, None, None, "false"),
        ("c7", None, None, None, "false"),
        ("c8", None, None, None, "true"),
    ]


def test_agents_have_the_unassigned_one_and_those_that_complaints_name(spark: SparkSession) -> None:
    """A list that has an agent -1 of its own doesn't change who that is."""
    agents = silver(
        spark,
        "complaint_agents",
        {"agent_id": "a1", "name": "Bea", "experience": "5", "state": "TX"},
        {"agent_id": "-1", "name": "Nobody"},
    )
    named = channels(spark, {"at": AT, "agent_id": "-1"}, {"at": AT, "of": "web_complaints", "agent_id": "a9"})

    assert shown(dim_complaint_agents(agents, *named)) == [
        ("-1", "Unassigned", None, None, "false"),
        ("a1", "Bea", "5", "TX", "false"),
        ("a9", None, None, None, "true"),
    ]


def test_categories_have_those_that_complaints_name_and_no_null(spark: SparkSession) -> None:
    """A complaint without a category names none."""
    categories = silver(spark, "complaint_categories", {"category": "Billing", "group": "Money", "target_hours": "48"})
    named = channels(
        spark,
        {"at": AT, "complaint_category": None},
        {"at": AT, "of": "social_complaints", "complaint_category": "Odd"},
        {"at": AT},
    )

    assert shown(dim_complaint_categories(categories, *named)) == [
        ("Billing", "Money", "48.00", "false"),
        ("Odd", None, None, "true"),
    ]


def test_there_are_three_channels(spark: SparkSession) -> None:
    """Whatever was delivered."""
    assert shown(dim_channels(*channels(spark))) == [("Call",), ("Social",), ("Web",)]


def test_agents_of_tickets_come_from_the_list_from_days_with_tickets_and_from_tickets(spark: SparkSession) -> None:
    """Each once, and by the id alone: the list's contract classifies names."""
    agents = silver(spark, "agents_master", {"agent_id": "a1", "agent_name": "Ann", "team": "North", "tier": "L1"})
    load = typed(spark, {"ops_date": "date", "agent_id": "string"}, [(AT[:10], "a1"), (AT[:10], "a2"), (None, "a2")])

    beyond = tickets(spark, ticket("t", f"{AT}", agent_id="a3"))

    assert shown(dim_ticket_agents(agents, load, beyond)) == [
        ("-1", "Unassigned", None, None, "false"),
        ("a1", "a1", "North", "L1", "false"),
        ("a2", "a2", None, None, "true"),
        ("a3", "a3", None, None, "true"),
    ]


def test_the_calendar_runs_from_the_first_complaint_to_the_horizon(spark: SparkSession) -> None:
    """Monday 30 December 2024 is of the first ISO week of 2025; a day past the horizon has no row."""
    flow = typed(spark, {"ops_date": "date"}, [("2024-12-29",), ("2024-12-31",)])

    assert shown(dim_date(flow, horizon=date(2024, 12, 30))) == [
        ("2024-12-29", "2024", "52", "2024", "4", "12", "7", "true"),
        ("2024-12-30", "2025", "1", "2024", "4", "12", "1", "false"),
    ]
    assert shown(dim_date(flow, horizon=date(2024, 12, 28))) == []

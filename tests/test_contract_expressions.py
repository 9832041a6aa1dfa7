"""The built-in contracts' Spark SQL gives exactly what was decided, on every Spark line."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.contract import load_contract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMA = (
    "created_at timestamp, resolved_at timestamp, in_resolved_at string, sla_hours decimal(9,2), "
    "resolution_hours_given decimal(18,4), status string, logical_date_end timestamp, business_timezone string, "
    "earliest_date date"
)


def judged(spark: SparkSession, **values: Any) -> tuple[dict[str, Any], list[str]]:
    """The derived columns of one ticket, and the names of the rules that it breaks."""
    tickets = load_contract("tickets")
    usual = {
        "created_at": datetime(2024, 3, 1, 10),
        "resolved_at": None,
        "in_resolved_at": None,
        "sla_hours": Decimal("24"),
        "resolution_hours_given": None,
        "status": "Open",
        "logical_date_end": datetime(2024, 3, 2),
        "business_timezone": "UTC",
        "earliest_date": date(2000, 1, 1),
    } | values
    frame = spark.createDataFrame([tuple(usual.values())], SCHEMA)
    for column in tickets.columns:
        if column.derived:
            frame = frame.selectExpr("*", f"{column.transform} as {column.name}")
            assert dict(frame.dtypes)[column.name] == column.type
    broken = [f"not ({rule.expression}) as rule_{rule.name}" for rule in tickets.rules]
    row = frame.selectExpr("*", *broken).first()
    assert row is not None
    derived = {column.name: row[column.name] for column in tickets.columns if column.derived}
    return derived, [rule.name for rule in tickets.rules if row[f"rule_{rule.name}"]]


def test_hours_are_whole_seconds_rounded_half_up_and_due_times_are_exact(spark: SparkSession) -> None:
    """5,401 s and a bit are 1.5003 h; 0.01 h of SLA are 36 s, counted from the microsecond of creation."""
    derived, broken = judged(
        spark,
        created_at=datetime(2024, 3, 1, 10, 0, 0, 250_000),
        resolved_at=datetime(2024, 3, 1, 11, 30, 2, 0),
        in_resolved_at="x",
        status="Closed",
        sla_hours=Decimal("0.01"),
    )
    assert derived["resolution_hours"] == Decimal("1.5003")
    assert derived["sla_due_at"] == datetime(2024, 3, 1, 10, 0, 36, 250_000)
    assert broken == []


def test_dates_are_business_dates(spark: SparkSession) -> None:
    """An instant in the evening of UTC is the next day in Tokyo, in New York a morning is the day before."""
    late = datetime(2024, 3, 1, 20)
    assert judged(spark, created_at=late, business_timezone="Asia/Tokyo")[0]["created_date"] == date(2024, 3, 2)
    early = datetime(2024, 3, 1, 2)
    derived, _ = judged(spark, created_at=early, business_timezone="America/New_York")
    assert (derived["created_date"], derived["sla_due_date"]) == (date(2024, 2, 29), date(2024, 3, 1))


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({}, []),
        ({"created_at": datetime(1999, 12, 31, 23)}, ["implausible_date"]),
        ({"created_at": datetime(2024, 3, 3)}, []),
        ({"created_at": datetime(2024, 3, 3, 0, 0, 1)}, ["created_in_future"]),
        (
            {"resolved_at": datetime(2024, 3, 3, 0, 0, 1), "in_resolved_at": "x", "status": "Closed"},
            ["resolved_in_future"],
        ),
        (
            {"resolved_at": datetime(2024, 3, 1, 9), "in_resolved_at": "x", "status": "Resolved"},
            ["resolved_before_created"],
        ),
        ({"status": "Resolved"}, ["resolved_without_timestamp"]),
        ({"status": "Closed", "in_resolved_at": "soon"}, []),
        (
            {"resolved_at": datetime(2024, 3, 1, 11), "in_resolved_at": "x", "status": "Pending"},
            ["timestamp_without_resolution"],
        ),
        (
            {
                "resolved_at": datetime(2024, 3, 1, 11),
                "in_resolved_at": "x",
                "status": "Closed",
                "resolution_hours_given": Decimal("1.1001"),
            },
            ["resolution_hours_off"],
        ),
        ({"created_at": None, "status": None, "sla_hours": None}, []),
    ],
)
def test_each_rule_breaks_alone(spark: SparkSession, values: dict[str, Any], broken: list[str]) -> None:
    """One second decides at the boundary; nulls hold; an unreadable resolution is none of the rules' business."""
    assert judged(spark, **values)[1] == broken

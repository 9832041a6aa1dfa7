"""The shared expressions: exact, whatever comes between."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from spark_jobs.gold.measures import end_of, hours, ratio, seconds_between


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("1L", "3L", "0.3333"),
        ("2L", "3L", "0.6667"),
        ("1L", "20000L", "0.0001"),  # a tie goes up
        ("-1L", "20000L", "-0.0001"),  # away from zero, as half up is meant for decimals
        ("49999999999999L", "1000000000000000000L", "0.0000"),  # 0.00004999...: not pushed over the tie
        ("9000000000000L", "1L", "9000000000000.0000"),
        ("1L", "0L", None),
        ("CAST(NULL AS BIGINT)", "1L", None),
    ],
)
def test_a_ratio_is_rounded_half_up_from_its_exact_value(
    spark: SparkSession, numerator: str, denominator: str, expected: str | None
) -> None:
    """Four decimals, ties away from zero, null where nothing can be divided."""
    assert spark.sql(f"SELECT CAST({ratio(numerator, denominator)} AS string)").first() == (expected,)


def test_hours_are_per_thing(spark: SparkSession) -> None:
    """9 s over 2 things: 0.00125 h each, up."""
    assert spark.sql(f"SELECT CAST({hours('9L', '2L')} AS string)").first() == ("0.0013",)


def test_seconds_cut_a_fraction_of_the_difference(spark: SparkSession) -> None:
    """From 0.9 s to 2.8 s are 1.9 s, so 1; truncating both ends first would give 2."""
    start, end = "TIMESTAMP'2024-01-01 00:00:00.9'", "TIMESTAMP'2024-01-01 00:00:02.8'"

    assert spark.sql(f"SELECT {seconds_between(start, end)}").first() == (1,)


def test_a_business_day_ends_at_its_own_midnight(spark: SparkSession) -> None:
    """New York's 9 March 2024 ends in winter time at 05:00 UTC, the 10th in summer time at 04:00."""
    ends = [f"CAST({end_of(date(2024, 3, of), 'America/New_York')} AS string)" for of in (9, 10)]

    assert spark.sql(f"SELECT {', '.join(ends)}").first() == ("2024-03-10 05:00:00", "2024-03-11 04:00:00")

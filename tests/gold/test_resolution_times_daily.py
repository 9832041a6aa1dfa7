"""resolution_times_daily: sums and percentiles of a resolution day."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from spark_jobs.gold.resolution_times_daily import resolution_times_daily
from tests.gold.frames import shown, ticket, tickets


def test_percentiles_interpolate_between_neighbours(spark: SparkSession) -> None:
    """1, 2, 3 and 10 h: the median lies at 2.5; 0.9 x 3 = 2.7 steps up is 3 + 0.7 x 7 = 7.9."""
    silver = tickets(
        spark,
        ticket("a", "2024-01-01 01:00:00", "2024-01-01 02:00:00"),
        ticket("b", "2024-01-01 01:00:00", "2024-01-01 03:00:00"),
        ticket("c", "2024-01-01 01:00:00", "2024-01-01 04:00:00"),
        ticket("d", "2024-01-01 01:00:00", "2024-01-01 11:00:00"),
    )

    assert shown(resolution_times_daily(silver, horizon=date(2024, 1, 1))) == [
        ("2024-01-01", "4", "57600", "2.5000", "7.9000")
    ]


@pytest.mark.parametrize(
    ("seconds", "p50", "p90"),
    [
        # 4.5 s / 3600 = 0.00125 h and 8.1 s / 3600 = 0.00225 h: both ties, up
        ((0, 9), "0.0013", "0.0023"),
        # 0.5 s = 0.000138... h down; 0.9 s = 0.00025 h, a tie, up
        ((0, 1), "0.0001", "0.0003"),
    ],
)
def test_ties_round_up_although_percentiles_are_doubles(
    spark: SparkSession, seconds: tuple[int, int], p50: str, p90: str
) -> None:
    """An interpolated percentile on a tie of the fourth decimal is rounded from its exact value."""
    rows = [ticket(str(s), "2024-01-01 01:00:00", f"2024-01-01 01:00:{s:02}") for s in seconds]

    times = resolution_times_daily(tickets(spark, *rows), horizon=date(2024, 1, 1))

    assert shown(times, "p50_tat", "p90_tat") == [(p50, p90)]

"""What a declaration of a Gold table refuses."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame

from spark_jobs.gold import by_date, table


def test_a_table_looks_back_only_by_a_threshold_that_it_takes() -> None:
    """A slip in the name would otherwise show when the first day moves."""
    slices = by_date("ops_date", moved_by={"tickets": ["created_date"]}, look_back="max_hours")
    with pytest.raises(TypeError, match=r"looks by \['max_hours'\], its options are \('max_state_hours',\)"):

        @table(grain=["ops_date"], slices=slices)
        def hours_daily(tickets: DataFrame, *, max_state_hours: float) -> DataFrame:
            return tickets.where(f"hours < {max_state_hours}")


def test_a_table_reads_the_columns_that_it_is_moved_by() -> None:
    """Without them the function couldn't put a row into its day."""
    slices = by_date("ops_date", moved_by={"tickets": ["created_date"]}, reads={"tickets": ["priority"]})
    with pytest.raises(TypeError, match=r"moved by \['created_date'\] of tickets, which reads leaves out"):

        @table(grain=["ops_date"], slices=slices)
        def priorities_daily(tickets: DataFrame) -> DataFrame:
            return tickets

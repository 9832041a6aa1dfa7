"""What a declaration of a Gold table refuses."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame

from spark_jobs.gold import GoldTable, by_date, by_key, refuse_gold_keys, registry, table


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


def test_a_table_by_keys_is_moved_by_silver_only() -> None:
    """A Gold table's commits don't name keys: the run would look for its change feed where there is none."""

    @table(grain=["ticket_id"], slices=by_key("ticket_id", moved_by={"fact_tickets": ["ticket_id"]}))
    def ticket_notes(fact_tickets: DataFrame) -> DataFrame:
        return fact_tickets

    declared: GoldTable = vars(ticket_notes)["gold"]
    with pytest.raises(TypeError, match=r"ticket_notes: moved by keys of \['fact_tickets'\].*leave them out"):
        refuse_gold_keys({**registry(), "ticket_notes": declared})

"""`dim_ticket_agents`: the agents who work on tickets."""

from __future__ import annotations

from pyspark.sql import DataFrame

from spark_jobs.gold import table, whole
from spark_jobs.gold.members import and_unassigned, with_inferred


@table(grain=["agent_id"], slices=whole())
def dim_ticket_agents(agents_master: DataFrame, daily_agent_load: DataFrame) -> DataFrame:
    """One row per agent of the list or with a ticket, and the unassigned one.

    Who has tickets is read from a table of one row per agent and day, never from tickets.
    """
    listed = and_unassigned(agents_master.select("agent_id", "agent_name", "team", "tier"))
    return with_inferred(listed, [daily_agent_load.select("agent_id")])

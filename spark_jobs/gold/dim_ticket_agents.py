"""`dim_ticket_agents`: the agents who work on tickets."""

from __future__ import annotations

from pyspark.sql import DataFrame

from spark_jobs.gold import table, whole
from spark_jobs.gold.members import and_unassigned, with_inferred


@table(grain=["agent_id"], slices=whole(needs={"tickets": "created_date > {horizon}"}))
def dim_ticket_agents(agents_master: DataFrame, daily_agent_load: DataFrame, tickets: DataFrame) -> DataFrame:
    """One row per agent of the list or with a ticket, and the unassigned one.

    The list's names are personal and stay out of Gold: `name` is the id, or `Unassigned`. Who has tickets is read from
    a table of one row per agent and day, and of tickets only from those past the horizon, which it doesn't count yet.
    """
    listed = and_unassigned(agents_master.selectExpr("agent_id", "agent_id AS name", "team", "tier"))
    members = with_inferred(listed, [daily_agent_load.select("agent_id"), tickets.select("agent_id")])
    return members.selectExpr("agent_id", "coalesce(name, agent_id) AS name", "team", "tier", "is_inferred")

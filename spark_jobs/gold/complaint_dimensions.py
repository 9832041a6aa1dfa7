"""The dimensions of complaints: customers, agents, categories and channels.

Each also has the ids that complaints name and its reference doesn't, so that no fact is without its member.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from spark_jobs.gold import by_key, table, whole
from spark_jobs.gold.complaints import CHANNELS
from spark_jobs.gold.members import and_unassigned, with_inferred

NOTHING = "_logical_date IS NULL"
AGE_BANDS = {"18-24": 25, "25-34": 35, "35-44": 45, "45-54": 55, "55-64": 65}
"""Each band with the age at which it is over."""


def _named_by_channels(column: str) -> dict[str, list[str]]:
    return {name: [column] for name in ("call_logs", "web_complaints", "social_complaints")}


@table(
    grain=["customer_id"],
    slices=by_key("customer_id", moved_by={"customers": ["customer_id"], **_named_by_channels("customer_id")}),
)
def dim_customers(
    customers: DataFrame, call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame, *, year: int
) -> DataFrame:
    """One row per customer, without anything that names a person.

    `age_band` is by the age that is reached in the horizon's year; null without a birth date or with one that can't be.
    `email_hash` is the SHA-256 of the address without blanks around it and in small letters, in hexadecimal.
    """
    age = f"{year} - year(date_of_birth)"
    bands = " ".join(f"WHEN {age} < {end} THEN '{band}'" for band, end in AGE_BANDS.items())
    listed = customers.selectExpr(
        "customer_id",
        f"CASE WHEN {age} NOT BETWEEN 0 AND 120 THEN NULL WHEN {age} < 18 THEN 'under 18' {bands} "
        f"WHEN {age} >= 65 THEN '65 and over' END AS age_band",
        "sha2(lower(trim(email)), 256) AS email_hash",
        "signup_date",
    )
    return with_inferred(listed, [f.select("customer_id") for f in (call_logs, web_complaints, social_complaints)])


@table(
    grain=["agent_id"],
    slices=by_key("agent_id", moved_by={"complaint_agents": ["agent_id"], **_named_by_channels("agent_id")}),
)
def dim_complaint_agents(
    complaint_agents: DataFrame, call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame
) -> DataFrame:
    """One row per agent who takes complaints, and the unassigned one."""
    listed = and_unassigned(complaint_agents.select("agent_id", "name", "experience", "state"))
    return with_inferred(listed, [f.select("agent_id") for f in (call_logs, web_complaints, social_complaints)])


@table(
    grain=["category"],
    slices=by_key(
        "category", moved_by={"complaint_categories": ["category"], **_named_by_channels("complaint_category")}
    ),
)
def dim_complaint_categories(
    complaint_categories: DataFrame, call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame
) -> DataFrame:
    """One row per category: its group, and the hours by which a complaint is to be resolved."""
    listed = complaint_categories.select("category", "group", "target_hours")
    channels = (call_logs, web_complaints, social_complaints)
    return with_inferred(listed, [f.select("complaint_category") for f in channels])


@table(
    grain=["channel"],
    slices=whole(needs=dict.fromkeys(("call_logs", "web_complaints", "social_complaints"), NOTHING)),
)
def dim_channels(call_logs: DataFrame, web_complaints: DataFrame, social_complaints: DataFrame) -> DataFrame:
    """The three channels, from the first complaint on any of them; no row of theirs is read."""
    del web_complaints, social_complaints
    named = ", ".join(f"'{channel}'" for channel in CHANNELS)
    return call_logs.sparkSession.range(1).selectExpr(f"explode(array({named})) AS channel")

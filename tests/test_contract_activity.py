"""The contracts of agent events and of agent identity on single records."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.contract import Contract, load_contract, read_file

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAME_INSTANT = "2024-03-05 09:10:00"
MORE_ACTIONS = """\
kind: DataContract
apiVersion: v3.1.0
id: mine
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
schema:
  - name: agent_events
    properties:
      - name: action
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [BREAK, ONLINE, OFFLINE, REMVCEON, REMVCEOFF]}
            mustBe: 0
"""


def judged(
    spark: SparkSession, contract: Contract, *records: tuple[str | None, ...], zone: str = "UTC"
) -> list[dict[str, Any]]:
    """The records, cells in the order of the contract's source columns, as the engine types and judges them."""
    from spark_jobs.rules import validate
    from spark_jobs.sources import schema

    lineage = ({}, None, "", 1, "f", None, "d", date(2024, 3, 5), None, "r")
    rows = [(*cells, *lineage) for cells in records]
    frame = validate(spark.createDataFrame(rows, schema(contract.source_names)), contract, business_timezone=zone)
    shown = frame.selectExpr("*", "cast(done_on as string) as done_text") if "done_on" in frame.columns else frame
    return [row.asDict() for row in shown.collect()]


def test_an_instant_is_read_in_each_of_the_formats(spark: SparkSession) -> None:
    """Month first, with two or four digits of the year; ISO 8601 with an offset."""
    texts = ("3/5/24 9:10", "3/5/2024 9:10:00", "2024-03-05 09:10:00", "2024-03-05T11:10:00+02:00")
    found = judged(spark, load_contract("agent_events"), *(("2001", text, "ONLINE", None) for text in texts))
    assert [(row["done_text"], row["_reasons"]) for row in found] == [(SAME_INSTANT, [])] * 4


def test_every_reason_that_applies_is_given_in_order(spark: SparkSession) -> None:
    """A missing action is an unknown one; tokens for nothing are nothing."""
    records = [
        (None, "?", "-", None),
        ("2001", "05.03.2024", "online", None),
        ("2001", SAME_INSTANT, "LOGOUT", "x"),
        ("2001", SAME_INSTANT, None, "x"),
        (" ", SAME_INSTANT, "OFFLINE", None),
    ]
    found = judged(spark, load_contract("agent_events"), *records)
    assert [row["_reasons"] for row in found] == [
        ["missing_done_on", "missing_extension", "unknown_action"],
        ["invalid_done_on"],
        ["unknown_action"],
        ["unknown_action"],
        ["missing_extension"],
    ]


@pytest.mark.parametrize(
    ("action", "details", "stored", "productive"),
    [
        ("online", None, ("ONLINE", "", 1), True),
        ("OFFLINE", None, ("OFFLINE", "", 2), False),
        ("OFFLINE", "Lunch", ("OFFLINE", "Lunch", 2), False),
        ("OFFLINE", "BACKoffice", ("OFFLINE", "BACKoffice", 2), True),
        ("REMVCEON", "x", ("REMVCEON", "x", 3), True),
        ("REMVCEOFF", "Backoffice", ("REMVCEOFF", "Backoffice", 4), False),
    ],
)
def test_an_event_says_whether_its_state_is_work(
    spark: SparkSession, action: str, details: str | None, stored: tuple[str, str, int], productive: bool
) -> None:
    """Actions have the contract's spelling and order; missing details are empty, so that the key holds no null."""
    (row,) = judged(spark, load_contract("agent_events"), ("2001", SAME_INSTANT, action, details))
    assert row["_reasons"] == []
    assert (row["action"], row["details"], row["action_rank"]) == stored
    assert row["is_productive"] is productive


def test_an_event_belongs_to_its_business_date(spark: SparkSession) -> None:
    """03:00 in UTC is the evening before in New York."""
    record = ("2001", "2024-03-05 03:00:00", "ONLINE", None)
    (row,) = judged(spark, load_contract("agent_events"), record, zone="America/New_York")
    assert row["ops_date"] == date(2024, 3, 4)


def test_actions_of_the_users_own_have_their_place_in_the_order(spark: SparkSession) -> None:
    """To list them is enough: ranks follow."""
    file = read_file("mine.odcs.yaml", MORE_ACTIONS)
    assert file.contract is not None, file.findings
    found = judged(spark, file.contract, ("2001", SAME_INSTANT, "break", None), ("2001", SAME_INSTANT, "ONLINE", None))
    assert [(row["action"], row["action_rank"], row["is_productive"]) for row in found] == [
        ("BREAK", 1, False),
        ("ONLINE", 2, True),
    ]


def test_a_contract_without_a_limit_that_gold_takes_is_refused() -> None:
    """Gold would have no max_state_hours."""
    own = MORE_ACTIONS.replace("builtin}\n", "builtin}\n  - {property: thresholds, value: {other_hours: 1}}\n")
    told = "\n".join(str(finding) for finding in read_file("mine.odcs.yaml", own).findings)
    assert "thresholds: a limit that Gold takes is missing; found: 'max_state_hours'" in told


def test_an_agents_names_in_the_sources_may_be_missing(spark: SparkSession) -> None:
    """All but the agent's own."""
    contract = load_contract("agent_identity")
    found = judged(spark, contract, ("A001", "2001", "501", None, None), ("A002", "-", None, "c7", "Ada"), (None,) * 5)
    assert [row["_reasons"] for row in found] == [[], [], ["missing_agent_id"]]
    assert found[0]["call_agent_id"] == 501

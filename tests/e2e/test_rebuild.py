"""Silver rebuilt from Bronze is the Silver that the deliveries made day by day."""

from __future__ import annotations

from datetime import date

import pytest

from tests.e2e.trial import Trial, ticket, without
from tests.oracle import compare

ONE, TWO, THREE = (date(2024, 3, day) for day in (1, 2, 3))
RUN = ("_ingested_at", "_run_id", "_load_time")


def test_silver_of_corrected_late_and_returned_deliveries_is_rebuilt_the_same(trial: Trial) -> None:
    """Values, with the version that wins: the third content of day 1 is its first one again, and day 2 comes last."""
    first = [ticket("T1", agent_id="a1"), ticket("T2", agent_id="a1"), ticket("T4", created_at="2023-01-01 00:00:00")]
    for content in (first, [ticket("T1", agent_id="b1"), ticket("T3")], first):
        trial.deliver(ONE, *content)
        trial.load()
    trial.deliver(THREE, ticket("T2", agent_id="c1"), ticket("T4"))
    trial.load()
    trial.deliver(TWO, ticket("T2", agent_id="d1"), ticket("T5"), ticket("T3", agent_id="d1"))
    trial.load()
    before = without(trial.rows("silver/tickets"), RUN)
    agents = {row["ticket_id"]: row["agent_id"] for row in before}
    assert agents == {"T1": "a1", "T2": "c1", "T3": "d1", "T4": "-1", "T5": "-1"}

    trial.rebuild(silver="tickets")

    assert compare("silver", before, without(trial.rows("silver/tickets"), RUN), ["ticket_id"]) == []


@pytest.mark.engine
def test_a_rebuilt_list_holds_nobody_whom_its_correction_removed(trial: Trial) -> None:
    """Of a `replace` dataset the last delivery alone counts."""
    header = "agent_id,agent_name"
    for records in (["a,Ada", "b,Ben"], ["a,Ada"]):
        trial.deliver(ONE, *records, dataset="agents_master", header=header)
        trial.load(dataset="agents_master")

    trial.rebuild(silver="agents_master")

    assert [row["agent_id"] for row in trial.rows("silver/agents_master")] == ["a"]

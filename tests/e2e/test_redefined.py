"""Contracts that change what Silver's values follow from, and those that are only wider."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.errors import ContractError
from tests.e2e.replays import figures, rebuild, replay
from tests.e2e.trial import Trial

ONE, TWO = date(2024, 5, 10), date(2024, 5, 11)
EVENTS = "Done On,Extension,Action,Details"
ACTIONS = """\
kind: DataContract
apiVersion: v3.1.0
id: mine
version: 1.0.0
status: active
customProperties:
  - {{property: extends, value: builtin}}
schema:
  - name: agent_events
    properties:
      - name: action
        quality:
          - type: library
            metric: invalidValues
            arguments: {{validValues: [{actions}]}}
            mustBe: 0
"""


def accept(trial: Trial, *actions: str) -> None:
    """From now on these are the lake's actions."""
    folder = trial.folder / "contracts"
    folder.mkdir(exist_ok=True)
    (folder / "agent_events.odcs.yaml").write_text(ACTIONS.format(actions=", ".join(actions)))
    trial.options = {**trial.options, "contracts": str(folder)}


def ranks(trial: Trial) -> dict[str, int]:
    """The place of each action that Silver has an event of."""
    return {row["action"]: row["action_rank"] for row in trial.rows("silver/agent_events")}


def test_an_action_may_be_added_at_the_end_and_elsewhere_only_with_a_rebuild(trial: Trial) -> None:
    """The places that are stored stay true: also that of an action which was added after the table was made.

    A rebuild takes up another business time zone, too.
    """
    trial.options = {"today": date(2024, 5, 14)}
    many = [f"2024-05-10 02:{minute}:00,1,ONLINE," for minute in range(10, 30)]
    rejected = [f"2024-05-10 20:00:00,1,{action}," for action in ("BREAK", "LUNCH")]
    trial.deliver(ONE, *many, *rejected, dataset="agent_events", header=EVENTS)
    trial.load()

    accept(trial, "BREAK", "ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF")
    with pytest.raises(ContractError, match="follow from another values_of_action; set it back, or run `opslake reb"):
        replay(trial, "agent_events")
    accept(trial, "ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF", "BREAK")
    assert figures(replay(trial, "agent_events")) == {"read": 2, "inserted": 1, "rejected": 1}
    accept(trial, "ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF", "LUNCH", "BREAK")
    with pytest.raises(ContractError, match="another values_of_action"):
        replay(trial, "agent_events")

    trial.zone = "Asia/Kolkata"
    rebuild(trial, "agent_events")

    assert ranks(trial) == {"ONLINE": 1, "LUNCH": 5, "BREAK": 6}
    days = {row["action"]: row["ops_date"] for row in trial.rows("silver/agent_events")}
    assert days == {"ONLINE": ONE, "LUNCH": TWO, "BREAK": TWO}

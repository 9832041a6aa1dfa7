"""Replays and rebuilds of a list in which no two agents may claim one value."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.errors import DataError
from tests.e2e.replays import correct, figures, rebuild, replay
from tests.e2e.trial import Trial

DAY = date(2024, 5, 10)
IDENTITY = "agent_id,extension,call_agent_id,complaint_agent_id,assignee"
OTHERS = [f"B{number},30{number:02},,," for number in range(30)]


def agents(trial: Trial) -> dict[str, tuple[str, int]]:
    """Extension and call agent of those whom Silver has, other than OTHERS."""
    rows = [row for row in trial.rows("silver/agent_identity") if row["agent_id"].startswith("A")]
    return {row["agent_id"]: (row["extension"], row["call_agent_id"]) for row in rows}


def corrected(trial: Trial, **changed: dict[str, str]) -> str:
    """A file of corrections of the list."""
    return str(correct(trial, "agent_identity", "agent_id", **changed))


@pytest.mark.engine
def test_a_correction_that_claims_what_another_agent_has_is_refused_until_it_is_corrected_again(trial: Trial) -> None:
    """Both are named, Silver and the exception stay; a rebuild says the same, and passes after the next correction.

    The list has A001 twice, once in vain: its two deliveries don't dispute with each other.
    """
    rejected = ["A001,2001,x,,", "A002,2002,x,,"]
    trial.deliver(DAY, *OTHERS, "A001,2001,501,,", *rejected, dataset="agent_identity", header=IDENTITY)
    trial.load()
    own = corrected(trial, A001={"call_agent_id": "503"})
    assert figures(replay(trial, "agent_identity", file=own)) == {"read": 1, "updated": 1}
    wrong = corrected(trial, A002={"extension": "2001", "call_agent_id": "502"})

    with pytest.raises(DataError, match="agent_id A001 and agent_id A002 claim the same extension; found: '2001'"):
        replay(trial, "agent_identity", file=wrong)

    assert agents(trial) == {"A001": ("2001", 503)}
    assert [row["record_key"] for row in trial.exceptions("open", dataset="agent_identity")] == ["A002"]
    with pytest.raises(DataError, match="agent_id A001 and agent_id A002 claim the same extension"):
        rebuild(trial, "agent_identity")
    right = corrected(trial, A002={"call_agent_id": "502"})
    assert figures(replay(trial, "agent_identity", file=right)) == {"read": 1, "inserted": 1}
    rebuild(trial, "agent_identity")
    assert agents(trial) == {"A001": ("2001", 503), "A002": ("2002", 502)}

"""A replay may die anywhere, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from state.ledger import Ledger
from tests.e2e.processes import contents
from tests.e2e.replays import (
    ONE,
    TWO,
    correct,
    good,
    replay,
    wider,
)
from tests.e2e.test_kill import Recorder, record_commits
from tests.e2e.trial import Trial, ticket

pytestmark = pytest.mark.usefixtures("three_tables")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["contract", "file"])
def test_a_replay_that_died_after_a_commit_is_finished_by_the_next(
    way: str, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whichever commit: Bronze, ledger, Silver, exceptions and Gold end as of the replay that lived."""
    trial.deliver(ONE, *good(ONE), ticket("T1", sla_hours="0", resolved_at="2024-03-01 12:00:00"))
    trial.deliver(TWO, *good(TWO), ticket("T2", sla_hours="0"))
    trial.run()
    file = correct(trial, T1={"sla_hours": "8"}, T2={"sla_hours": "?"})
    asked = {"file": str(file)} if way == "file" else {}
    if way == "contract":
        wider(trial)
    recorder = Recorder(trial.lake, trial.folder / "died")
    with monkeypatch.context() as patch:
        record_commits(patch, recorder)
        replay(trial, gold=True, **asked)
        recorder.look()
    expected = settled(trial.lake)
    tried = [name for name in recorder.names if not name.startswith(("state/runs", "state/lease"))]
    layers = {name.partition("/")[0] for name in tried}
    assert layers == {"silver", "exception", "gold", "state"} | ({"bronze"} if way == "file" else set())
    for commit in tried:
        died = Trial(trial.spark, trial.folder, options=trial.options, lake_at=recorder.of(commit))
        replay(died, gold=True, **asked)
        assert settled(died.lake) == expected, commit
        versions = died.versions()
        replay(died, gold=True, **asked)
        assert died.versions() == versions, commit


def settled(lake: Path) -> dict[str, list[str]]:
    """What the lake holds, whichever run resolved an exception."""
    run = re.compile(r"replay/[0-9a-f]{12}")
    found = {name: [run.sub("replay", row) for row in rows] for name, rows in contents(lake).items()}
    replayed = sorted((d.logical_date, d.replayed) for d in Ledger(str(lake)).days())
    return {**found, "replayed": [repr(replayed)]}

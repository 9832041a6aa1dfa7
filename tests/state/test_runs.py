from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from state.runs import Run, Runs

NOON = datetime(2024, 3, 6, 12, tzinfo=UTC)
STARTED = Run(
    "r-1", "run --date 2024-03-05", NOON, lease_number=3, host="h", opslake_version="0.1", spark_version="4.0"
)
ENDED = replace(STARTED, finished_at=NOON + timedelta(seconds=9), exit_code=0, figures={"tickets": {"read": 9}})


def test_a_run_that_ends_replaces_its_beginning(tmp_path: Path) -> None:
    """A run is one row, whatever is put of it."""
    runs = Runs(str(tmp_path))
    runs.put(STARTED)
    runs.put(ENDED)

    assert runs.last(5) == [ENDED]


def test_the_last_runs_come_latest_first(tmp_path: Path) -> None:
    """`last(n)` gives at most n."""
    runs = Runs(str(tmp_path))
    for n in (2, 1, 3):
        runs.put(replace(STARTED, run_id=f"r-{n}", started_at=NOON + timedelta(hours=n)))

    assert [run.run_id for run in runs.last(2)] == ["r-3", "r-2"]


def test_a_lake_without_runs_has_none(tmp_path: Path) -> None:
    """Reading creates nothing."""
    assert Runs(str(tmp_path)).last() == []
    assert list(tmp_path.iterdir()) == []

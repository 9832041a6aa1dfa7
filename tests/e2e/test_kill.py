"""Promise 3: a run may die anywhere, and the next one makes the lake what it would have been.

What a killed run leaves is what lies on the disk at that moment. So the lake is copied after each commit of an
undisturbed run, which is also the moment before the next one, and each copy is run to its end by another run. What is
left in the midst of a write is tried with processes that are really killed.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake import Fence, create
from spark_jobs.planning import Choice, make_plan
from state import lease, ledger, tables
from tests.e2e import processes
from tests.e2e.processes import (
    TABLES,
    appears,
    commits,
    contents,
    copy,
    ended_process,
    few_tables,
    grows_by,
    pipeline,
    stop_when,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("three_tables")]

FIRST_RUN = [
    "state/lease 0",
    "state/runs 0",
    "state/ingestion_state 0",
    "state/ingestion_state 1",
    "bronze/tickets 0",
    "exception/tickets 0",
    "silver/tickets 0",
    "silver/tickets 1",
    "gold/fact_tickets 0",
    "gold/ticket_flow_daily 0",
    "state/gold_progress 0",
]
"""Commits that only an empty lake sees: tables are made. Few rows are committed on the driver."""

SECOND_RUN = [
    "state/lease 3",
    "state/runs 3",
    "state/ingestion_state 7",
    "bronze/tickets 1",
    "exception/tickets 1",
    "silver/tickets 2",
    "state/ingestion_state 8",
    "state/ingestion_state 9",
    "bronze/tickets 2",
    "exception/tickets 2",
    "silver/tickets 3",
    "state/ingestion_state 10",
    "state/ingestion_state 11",
    "bronze/agents_master 1",
    "silver/agents_master 2",
    "state/ingestion_state 12",
    "gold/fact_tickets 1",
    "state/gold_progress 4",
    "gold/ticket_flow_daily 1",
    "state/gold_progress 5",
    "gold/backlog_daily 1",
    "state/gold_progress 6",
    "state/ingestion_state 13",
    "state/runs 4",
    "state/lease 4",
]
"""All commits of a run that finds tables there: two batches of tickets, one of agents, three Gold tables; by Spark."""

DRIVER_ROWS = {"first": processes.DRIVER_ROWS, "second": 0}
DAY_3 = "('tickets', datetime.date(2024, 5, 3)"


@dataclass
class Recorder:
    """Copies the lake at `lake` below `folder` after every commit, under the commit's name."""

    lake: Path
    folder: Path
    names: list[str] = field(default_factory=list)
    unseen: list[set[str]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._seen = commits(self.lake)

    def look(self) -> None:
        """Copy the lake where somebody committed since the last look; it must be one commit."""
        with self._lock:
            new = commits(self.lake) - self._seen
            self._seen |= new
            if len(new) > 1:
                self.unseen.append(new)
            if new:
                self.names.append(max(new))
                copy(self.lake, self.of(max(new)))

    def of(self, commit: str) -> Path:
        """The copy that was made after this commit."""
        return self.folder / commit.replace("/", "-").replace(" ", "-")

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a look before and after, and nothing else going on meanwhile."""

        def looked_at(*args: Any, **options: Any) -> Any:
            with self._lock:
                self.look()
                result = function(*args, **options)
                self.look()
                return result

        return looked_at


@dataclass(frozen=True)
class History:
    """Two runs, undisturbed: what the lake held after each, and how it looked after every commit."""

    landing: dict[str, Path]
    lake: dict[str, Path]
    recorder: dict[str, Recorder]


@pytest.fixture(scope="module")
def history(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> History:
    """A first and a second run; their processes count as dead afterwards."""
    folder = tmp_path_factory.mktemp("history")
    landing, lake = {}, {"none": folder / "none"}
    lake["none"].mkdir()
    recorders = {}
    for name, before, deliver in (
        ("first", "none", processes.first_deliveries),
        ("second", "first", processes.second_deliveries),
    ):
        landing[name] = folder / f"landing-{name}"
        deliver(landing[name])
        lake[name] = copy(lake[before], folder / name)
        recorders[name] = Recorder(lake[name], folder / f"{name}-run")
        with pytest.MonkeyPatch.context() as patch:
            record_commits(patch, recorders[name])
            pipeline(lake[name], landing[name], spark, driver_rows=DRIVER_ROWS[name]).run(Choice())
            recorders[name].look()
    return History(landing, lake, recorders)


def record_commits(patch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """Have the recorder note every commit, of Spark's and of the driver's."""
    patch.setattr(Fence, "metadata", recorder.around(Fence.metadata))
    for name, module in list(sys.modules.items()):
        if name.startswith("spark_jobs.") and getattr(module, "create", None) is create:
            patch.setattr(module, "create", recorder.around(create))
    for state_module in (tables, lease):
        patch.setattr(state_module, "swap", recorder.around(state_module.swap))
        patch.setattr(state_module, "open_or_create", recorder.around(state_module.open_or_create))
    patch.setattr(lease, "holder", ended_process)


def expect_finished(
    lake: Path, history: History, name: str, spark: SparkSession, *, gold: bool = True, driver_rows: int | None = None
) -> None:
    """One run, and the lake is as the undisturbed one; nothing is due then. Without `gold` that isn't looked at."""
    landing = history.landing[name]
    rows = DRIVER_ROWS[name] if driver_rows is None else driver_rows
    with few_tables(TABLES if gold else ()):
        pipeline(lake, landing, spark, driver_rows=rows).run(Choice())
        found, wanted = contents(lake), contents(history.lake[name])
        if not gold:
            found, wanted = _without_gold(found), _without_gold(wanted)
        assert sorted(found) == sorted(wanted)
        for table in wanted:
            assert found[table] == wanted[table], table
        after = pipeline(lake, landing)
        plan = make_plan(after.settings, after.contracts, Choice(), ledger=after.ledger)
        assert [d.reason for d in plan.due if d.action == "load" and "DataError" not in d.reason] == []
        assert after.publisher().pending() == {}


def _without_gold(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: rows for name, rows in tables.items() if not name.startswith("gold/")}


def _before_silver(commit: str, commits: list[str]) -> bool:
    """Nothing of this run is in Silver yet: for Gold the death makes no difference."""
    return commits.index(commit) < min(n for n, c in enumerate(commits) if c.startswith("silver/"))


def test_the_undisturbed_runs_meet_everything(history: History) -> None:
    """The scenario has what it is for: every class of record, a held-back day, a moved and a vanished key."""
    first, second = ("\n".join(contents(history.lake[name])["state/ingestion_state"]) for name in ("first", "second"))
    assert "FAILED" in first
    assert "FAILED" not in second
    for name in ("inserted", "updated", "unchanged", "stale", "duplicates", "rejected", "absent"):
        assert any(f"{name}={n}" in second for n in range(1, 20)), name


def test_every_commit_of_the_second_run_is_tried(history: History) -> None:
    """A commit that is added to a run has to be added to the list, so that a death after it is tried too."""
    assert history.recorder["second"].unseen == []
    assert sorted(history.recorder["second"].names) == sorted(SECOND_RUN)
    assert set(FIRST_RUN) <= set(history.recorder["first"].names)


@pytest.mark.parametrize("commit", SECOND_RUN)
def test_a_run_that_died_after_a_commit_is_finished_by_the_next(
    commit: str, history: History, spark: SparkSession, tmp_path: Path
) -> None:
    """Updates, corrections and a new day: whatever was committed before the death is neither lost nor done twice.

    The next run commits on the driver, which is quicker, but after every third commit by Spark as the one that died.
    """
    lake = copy(history.recorder["second"].of(commit), tmp_path / "lake")
    number = SECOND_RUN.index(commit)
    rows = 0 if number % 3 == 0 else processes.DRIVER_ROWS
    expect_finished(lake, history, "second", spark, gold=not _before_silver(commit, SECOND_RUN), driver_rows=rows)


@pytest.mark.parametrize("commit", FIRST_RUN)
def test_a_first_run_that_died_after_a_commit_is_finished_by_the_next(
    commit: str, history: History, spark: SparkSession, tmp_path: Path
) -> None:
    """Tables that were made and are still empty, and records without a ledger row, are no obstacle."""
    lake = copy(history.recorder["first"].of(commit), tmp_path / "lake")
    expect_finished(lake, history, "first", spark, gold=not _before_silver(commit, FIRST_RUN))


def test_a_delivery_that_is_corrected_after_the_death_supersedes_what_the_dead_run_loaded(
    history: History, spark: SparkSession, tmp_path: Path
) -> None:
    """Silver has the earlier delivery and the ledger doesn't say so: figures count what the correction leaves out."""
    landing = copy(history.landing["second"], tmp_path / "landing")
    undisturbed = copy(history.lake["second"], tmp_path / "undisturbed")
    died = copy(history.recorder["second"].of("silver/tickets 3"), tmp_path / "lake")
    delivered = landing / "tickets" / "2024" / "05" / "2024-05-03.csv"
    lines = delivered.read_text(encoding="utf-8").splitlines()
    delivered.write_text("\n".join(line for line in lines if "T21" not in line), encoding="utf-8")
    with few_tables(()):
        pipeline(undisturbed, landing, spark).run(Choice())
        pipeline(died, landing, spark).run(Choice())
    found, wanted = contents(died), contents(undisturbed)
    day_3 = [[row for row in held["state/ingestion_state"] if row.startswith(DAY_3)] for held in (found, wanted)]
    assert "absent=1" in day_3[1][0]
    assert day_3[0] == day_3[1]
    assert found["silver/tickets"] == wanted["silver/tickets"]


def test_a_commit_whose_ledger_row_could_not_be_written_is_not_done_again(
    history: History, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store fails once, right after Silver's commit: the figures stay those of that commit."""
    lake, failed = copy(history.lake["first"], tmp_path / "lake"), []

    def replace_rows(root: str, table: Any, rows: list[dict[str, Any]], *more: Any) -> int:
        if not failed and any(row["silver_version"] is not None for row in rows):
            failed.append(rows)
            raise OSError("the store doesn't answer")
        return tables.replace_rows(root, table, rows, *more)

    monkeypatch.setattr(ledger, "replace_rows", replace_rows)
    expect_finished(lake, history, "second", spark, gold=False, driver_rows=processes.DRIVER_ROWS)
    assert len(failed) == 1


def test_runs_killed_one_after_the_other_at_three_places(history: History, spark: SparkSession, tmp_path: Path) -> None:
    """SIGKILL in the midst of writing and right after a commit, three times in a row on one lake."""
    lake, landing = copy(history.lake["first"], tmp_path / "lake"), history.landing["second"]
    for pattern in (
        "bronze/tickets/*/*/*.parquet",
        "silver/tickets/_change_data/**/*.parquet",
        "gold/*/_delta_log/*.json",
    ):
        code, errors = stop_when(signal.SIGKILL, lake, landing, appears(lake, pattern), driver_rows=0)
        assert code == -signal.SIGKILL, errors
    expect_finished(lake, history, "second", spark)


def test_runs_killed_at_random_moments(history: History, spark: SparkSession, tmp_path: Path) -> None:
    """Three moments drawn by the number of files that the run has written by then, on an empty lake."""
    lake, landing = copy(history.lake["none"], tmp_path / "lake"), history.landing["first"]
    drawn = random.Random(3)
    for _ in range(3):
        code, errors = stop_when(signal.SIGKILL, lake, landing, grows_by(lake, drawn.randint(3, 25)))
        assert code == -signal.SIGKILL, errors
    expect_finished(lake, history, "first", spark)

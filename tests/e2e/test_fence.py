"""Promise 4: one writer. Whoever doesn't hold the lake commits nothing, and whoever comes next goes on from there."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs import pipeline as pipeline_module
from spark_jobs.errors import LAKE_HELD, EngineError, LakeHeld, LeaseLost
from spark_jobs.lake import Fence
from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from state import lease, ledger, progress
from state.lease import Lease, acquire, current
from state.ledger import Status
from state.runs import Runs
from tests.e2e import processes
from tests.e2e.processes import (
    TABLES,
    appears,
    contents,
    copy,
    ended_process,
    go,
    pipeline,
    start,
    stop_when,
    versions,
)

pytestmark = pytest.mark.usefixtures("three_tables")

OWN_RECORD = ("state/runs",)
DAY_2 = date(2024, 5, 2)


@dataclass(frozen=True)
class Lakes:
    """A lake after a first run, the same after a second one, and the landing of the second."""

    begun: Path
    ended: Path
    landing: Path

    def expect_ended(self, lake: Path) -> None:
        """The lake holds what the undisturbed one does."""
        found, wanted = contents(lake), contents(self.ended)
        assert sorted(found) == sorted(wanted)
        for table in wanted:
            assert found[table] == wanted[table], table


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """The lakes to copy from; no test may change them."""
    folder = tmp_path_factory.mktemp("lakes")
    first, landing, begun = folder / "first", folder / "landing", folder / "begun"
    processes.first_deliveries(first)
    processes.second_deliveries(landing)
    pipeline(begun, first, spark).run(Choice())
    ended = copy(begun, folder / "ended")
    assert pipeline(ended, landing, spark).run(Choice()).exit_code == 0
    return Lakes(begun, ended, landing)


@dataclass
class Taker:
    """Takes the lake at `lake` from the run at hand, when first told to, as a second run would."""

    lake: Path
    taken: list[Lease] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    def take(self) -> None:
        """Take it, once."""
        if not self.taken:
            self.taken.append(acquire(str(self.lake), run_id="second", command="another run", lease_seconds=3600))
            self.versions = versions(self.lake, but=OWN_RECORD)

    def before(self, function: Callable[..., Any], moment: Callable[..., bool]) -> Callable[..., Any]:
        """The function, and before it, at the moment, the taking."""

        def called(*args: Any, **options: Any) -> Any:
            if moment(*args, **options):
                self.take()
            return function(*args, **options)

        return called


def _commit_of(layer: str) -> Callable[..., bool]:
    """The moment before a Spark commit, told by what the commit says of itself."""
    told = {
        "bronze": lambda facts: "days" in facts,
        "exception": lambda facts: set(facts) == {"dataset"},
        "silver": lambda facts: "figures" in facts,
        "gold": lambda facts: "table" in facts,
    }[layer]
    return lambda _fence, **facts: told(facts)


def _ledger_row_of(status: Status, *, in_silver: bool) -> Callable[..., bool]:
    return lambda _root, _table, rows, *_: any(
        row["status"] == status and (row["silver_version"] is not None) == in_silver for row in rows
    )


MOMENTS: dict[str, tuple[Any, str, Callable[..., bool]]] = {
    "the day is RUNNING": (ledger, "replace_rows", _ledger_row_of(Status.RUNNING, in_silver=False)),
    "bronze": (Fence, "metadata", _commit_of("bronze")),
    "exceptions": (Fence, "metadata", _commit_of("exception")),
    "silver": (Fence, "metadata", _commit_of("silver")),
    "the day is in Silver": (ledger, "replace_rows", _ledger_row_of(Status.RUNNING, in_silver=True)),
    "gold": (Fence, "metadata", _commit_of("gold")),
    "gold's progress": (progress, "replace_rows", lambda *_: True),
    "the day has SUCCEEDED": (ledger, "replace_rows", _ledger_row_of(Status.SUCCEEDED, in_silver=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize("commit", MOMENTS)
def test_a_run_whose_lease_was_taken_commits_nothing_more(
    commit: str, lakes: Lakes, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken right before a commit of each kind: no version is added after the taking, and the run ends with 75."""
    lake = copy(lakes.begun, tmp_path / "lake")
    taker = Taker(lake)
    place, name, moment = MOMENTS[commit]
    monkeypatch.setattr(place, name, taker.before(getattr(place, name), moment))
    with monkeypatch.context() as patch:
        patch.setattr(lease, "holder", ended_process)
        losing = pipeline(lake, lakes.landing, spark)
        with pytest.raises(LeaseLost, match="run second took the lease") as lost:
            losing.run(Choice())
    assert lost.value.exit_code == LAKE_HELD
    assert versions(lake, but=OWN_RECORD) == taker.versions
    assert Runs(str(lake)).last()[0].exit_code == LAKE_HELD
    held = current(str(lake))
    assert held is not None
    assert (held.run_id, held.released) == ("second", False)
    taker.taken[0].release()
    if commit in ("silver", "gold"):
        monkeypatch.undo()
        pipeline(lake, lakes.landing, spark).run(Choice())
        lakes.expect_ended(lake)


def test_what_fails_after_the_lease_was_taken_ends_with_75(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new holder's commit refuses the old one's: that is the lease's fault, and not an error of the engine."""
    taker = Taker(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(lease, "holder", ended_process)
        losing = pipeline(tmp_path, tmp_path / "landing")
        with pytest.raises(LeaseLost, match="run second took the lease"):
            _refused(losing, taker)
    taker.taken[0].release()


def _refused(losing: Pipeline, taker: Taker) -> None:
    with losing.held():
        taker.take()
        raise EngineError("somebody else has committed meanwhile")


@pytest.mark.parametrize("dead", [True, False], ids=["a dead process's", "a living process's"])
def test_only_a_dead_process_s_lease_is_taken_before_its_end(
    dead: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same machine a dead run holds nobody up; a living one is left alone, and is named with its beginning."""
    with monkeypatch.context() as patch:
        if dead:
            patch.setattr(lease, "holder", ended_process)
        left = acquire(str(tmp_path), run_id="left", command="opslake run", lease_seconds=3600)
        left._still()
    if dead:
        assert pipeline(tmp_path, tmp_path / "landing").run(Choice()).exit_code == 0
        return
    with pytest.raises(LakeHeld, match=r"run left holds the lake since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        pipeline(tmp_path, tmp_path / "landing").run(Choice())


def test_of_eight_processes_one_works_and_seven_say_who(tmp_path: Path) -> None:
    """Seven exit 75 before they start a JVM; the eighth loads the delivery once."""
    lake, landing = tmp_path / "lake", tmp_path / "landing"
    lake.mkdir()
    processes.first_deliveries(landing)
    for path in (landing / "tickets").rglob("*.csv"):
        path.unlink()  # the agents alone are enough
    runs = [start(lake, landing, *TABLES) for _ in range(8)]
    for run in runs:
        go(run)
    told = [(run, *run.communicate(timeout=300)) for run in runs]
    worked = [run for run, out, _ in told if out.startswith("session\n")]
    losers = [(run.returncode, out, err) for run, out, err in told if run not in worked]
    assert [run.returncode for run in worked] == [0], told
    winner = Runs(str(lake)).last(9)
    assert len(winner) == 1
    for code, out, err in losers:
        assert (code, out) == (LAKE_HELD, "")
        assert f"run {winner[0].run_id} holds the lake since 20" in err
    assert len(contents(lake)["bronze/agents_master"]) == 3


@pytest.mark.parametrize(
    "changed_meanwhile",
    [
        pytest.param(True, id="it was published anew"),
        pytest.param(False, id="it was found equal", marks=pytest.mark.engine),
    ],
)
def test_a_gold_table_that_a_run_without_lease_wrote_late_is_built_anew(
    changed_meanwhile: bool, lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """The commit of a run that had lost its lease lands after the new holder's: the next run notices and repairs it."""
    lake = copy(lakes.begun if changed_meanwhile else lakes.ended, tmp_path / "lake")
    late = acquire(str(lake), run_id="late", command="late run", lease_seconds=3600)
    late_metadata = json.dumps({"run_id": "late", "lease": late.number, "table": "ticket_flow_daily"})
    late.release()
    holder = pipeline(lake, lakes.landing, spark)
    if not changed_meanwhile:
        known = holder.progress.all()["ticket_flow_daily"]
        older = {**vars(known), "consumed": {"tickets": known.consumed["tickets"] - 1}}
        holder.progress.put(type(known)(**older))
    assert holder.run(Choice()).exit_code == 0
    path = str(lake / "gold" / "ticket_flow_daily")
    wrong = spark.read.format("delta").load(path).withColumn("opened", F.col("opened") + 1).localCheckpoint()
    wrong.write.format("delta").mode("overwrite").option("userMetadata", late_metadata).save(path)
    report = pipeline(lake, lakes.landing, spark).run(Choice())
    assert "lost its lease" in {t.table: t.reason for t in report.tables}["ticket_flow_daily"]
    lakes.expect_ended(lake)


@pytest.mark.engine
def test_a_backfill_gives_the_lake_up_between_batches(
    spark: SparkSession, lakes: Lakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that comes in between works, another one is waited for, and in the end all is as without them."""
    lake = copy(lakes.begun, tmp_path / "lake")
    between: list[Lease] = []

    def acquire_later(*args: Any, **options: Any) -> Lease:
        held_before = current(str(lake))
        if held_before is not None and options["run_id"] == held_before.run_id and not between:
            monkeypatch.setattr(pipeline_module, "acquire", acquire)
            other = pipeline(lake, lakes.landing, spark).run(Choice(start=DAY_2, end=DAY_2))
            assert [d.status for d in other.days if d.logical_date == DAY_2] == [Status.SUCCEEDED]
            between.append(acquire(*args, **options | {"run_id": "between"}))
            threading.Timer(2, between[0].release).start()
        return acquire(*args, **options)

    monkeypatch.setattr(pipeline_module, "acquire", acquire_later)
    choice = Choice(start=date(2024, 5, 1), end=date(2024, 5, 3))
    report = pipeline(lake, lakes.landing, spark).backfill(choice, batch_days=1)
    assert (report.exit_code, len(between)) == (0, 1)
    lakes.expect_ended(lake)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "pattern"),
    [(signal.SIGTERM, "silver/tickets/_change_data/**/*.parquet"), (signal.SIGINT, "gold/*/_delta_log/*.json")],
    ids=["SIGTERM in a MERGE", "SIGINT in Gold"],
)
def test_a_run_that_is_told_to_stop_gives_its_lease_up(
    number: signal.Signals, pattern: str, lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """It exits as a process that was stopped, its record says so, nobody has to wait, and the next run goes on."""
    lake = copy(lakes.begun, tmp_path / "lake")
    code, errors = stop_when(number, lake, lakes.landing, appears(lake, pattern))
    assert code == 128 + number, errors
    left = current(str(lake))
    assert left is not None
    assert left.released
    record = Runs(str(lake)).last()[0]
    assert (record.exit_code, record.finished_at is not None) == (128 + number, True)
    assert number.name in str(record.error)
    pipeline(lake, lakes.landing, spark).run(Choice())
    lakes.expect_ended(lake)

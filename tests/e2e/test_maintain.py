"""`opslake maintain` on a small lake: rows stay, runs and readers are unharmed, and it may die anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.maintenance import Maintained, forecast, maintain
from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from tests.e2e import processes
from tests.e2e.processes import HEADER, STAFF, contents, copy, few_tables, pipeline, ticket, versions

pytestmark = pytest.mark.usefixtures("three_tables")

AGENTS = ["A1,Agent 1,North,L1,Lisbon,Day,2020-01-01", "A2,Agent 2,North,L1,Lisbon,Day,2020-01-01"]
OWN_RECORD = ("state/lease", "state/runs")


@dataclass(frozen=True)
class Lakes:
    """A lake after five days loaded one by one and three corrections; its landing, and that with a sixth day."""

    lake: Path
    landing: Path
    next_landing: Path
    next_lake: Path


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """The lakes to copy from; no test may change them."""
    folder = tmp_path_factory.mktemp("maintain")
    lake, landing = folder / "lake", folder / "landing"
    deliver(landing)
    assert run(lake, landing, spark).exit_code == 0
    correct(landing)
    assert run(lake, landing, spark).exit_code == 0
    later = copy(landing, folder / "later")
    rows = [day_of(6), ticket(61, "06 09:30", "06 10:00"), ticket(11, "01 09:01", "06 11:00", updated="06 11:00")]
    processes.put(later, "tickets", 6, HEADER, rows, 90)
    next_lake = copy(lake, folder / "next")
    assert run(next_lake, later, spark).exit_code == 0
    return Lakes(lake, landing, later, next_lake)


def deliver(landing: Path) -> None:
    """Five days of tickets and a list of agents."""
    for day in range(1, 6):
        rows = [day_of(day), *(ticket(day * 10 + n, f"{day:02d} 09:0{n}") for n in (1, 2))]
        rows += [ticket(3, "01 10:00")] if day == 2 else []
        processes.put(landing, "tickets", day, HEADER, [*rows, ticket(day * 10 + 9, "never")], day)
    processes.put(landing, "agents_master", 1, STAFF, AGENTS, 1)


def correct(landing: Path) -> None:
    """Of day 1 all rows are changed, of day 2 one isn't there any more; another list of agents."""
    processes.put(landing, "tickets", 1, HEADER, [day_of(1, "P"), changed(11, 1), changed(12, 1), changed(19, 1)], 60)
    processes.put(landing, "tickets", 2, HEADER, [day_of(2, "P"), changed(21, 2), changed(22, 2), changed(29, 2)], 60)
    processes.put(landing, "agents_master", 5, STAFF, [row.replace("Day", "Night") for row in AGENTS], 60)


def day_of(day: int, agent: str = "A1") -> str:
    """A ticket that was opened and closed on the day."""
    return ticket(day * 10, f"{day:02d} 08:00", f"{day:02d} 12:00", agent=agent, updated=f"{day:02d} 12:00")


def changed(number: int, day: int) -> str:
    """A newer version of a ticket."""
    return ticket(number, f"{day:02d} 09:00", agent="A2", updated=f"{day:02d} 20:00")


def pipe(lake: Path, landing: Path, spark: SparkSession | None, **options: Any) -> Pipeline:
    """A pipeline of the day after the landing's last, a day a commit."""
    today = date(2024, 5, 1 + len(list(landing.glob("tickets/2024/05/*"))))
    return pipeline(lake, landing, spark, **{"today": today, "batch_days": 1} | options)


def run(lake: Path, landing: Path, spark: SparkSession | None, **options: Any) -> Any:
    """Load what is due."""
    return pipe(lake, landing, spark, **options).run(Choice(accept_rejects=True))


def cared(lake: Path, landing: Path, spark: SparkSession | None = None, **options: Any) -> Maintained:
    """Maintenance; without a session it has to do without one."""
    purge = options.pop("purge", False)
    its = pipe(lake, landing, spark, **options)
    if spark is None:
        its.session = _no_session
    return maintain(its, purge_history=purge)


def _no_session(_settings: Settings, _work: int) -> SparkSession:
    raise AssertionError("nothing here needs Spark")


def care_of(done: Maintained, table: str) -> Any:
    """What was done for one table."""
    return next(care for care in done.tables if care.table == table)


def same(lake: Path, wanted: Path, *, but: tuple[str, ...] = ()) -> None:
    """The two lakes hold the same rows."""
    found, expected = contents(lake), contents(wanted)
    for table in expected:
        if not table.startswith(but or "-"):
            assert found[table] == expected[table], table


def files_of(lake: Path, table: str) -> list[str]:
    """The names of the table's files."""
    return [Path(uri).name for uri in DeltaTable(str(lake / table)).file_uris()]


def test_files_become_few_rows_stay_and_the_next_day_costs_no_rebuild(
    lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """Nothing is due after it, a repeated run adds no version, and the next day gives what it gives without it."""
    lake = copy(lakes.lake, tmp_path / "lake")
    assert len(files_of(lake, "silver/tickets")) > 3
    foreseen = forecast(pipe(lake, lakes.landing, None))
    done = cared(lake, lakes.landing)
    silver = care_of(done, "silver/tickets")
    assert (silver.rewritten, silver.files_after, silver.removed) == (silver.files_before, 1, 0)
    assert care_of(foreseen, "silver/tickets").rewritten == silver.rewritten
    same(lake, lakes.lake)
    assert pipe(lake, lakes.landing, None).publisher().pending() == {}
    before = versions(lake, but=OWN_RECORD)
    assert run(lake, lakes.landing, None).exit_code == 0
    assert versions(lake, but=OWN_RECORD) == before
    assert cared(lake, lakes.landing).figures["rewritten"] == 0
    report = run(lake, lakes.next_landing, spark)
    assert {t.table: t.reason for t in report.tables if "changed" not in t.reason and t.status != "untouched"} == {}
    same(lake, lakes.next_lake)


@pytest.mark.engine
def test_a_change_that_gold_has_yet_to_read_outlives_maintenance(
    lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """Silver got a day and the run died: vacuum and log wait for Gold, which then reads the change across it all."""
    lake = copy(lakes.lake, tmp_path / "lake")
    publish = Pipeline._publish
    Pipeline._publish = lambda *_: None  # type: ignore[method-assign]
    try:
        run(lake, lakes.next_landing, spark)
    finally:
        Pipeline._publish = publish  # type: ignore[method-assign]
    done = cared(lake, lakes.next_landing)
    assert "fact_tickets" in str(care_of(done, "silver/tickets").kept_because)
    report = run(lake, lakes.next_landing, spark)
    assert {t.table: t.reason for t in report.tables if "tickets changed" not in t.reason} == {
        "backlog_daily": "ticket_flow_daily changed"
    }
    same(lake, lakes.next_lake, but=("state/",))


@pytest.mark.engine
def test_readers_of_an_older_version_are_unharmed_until_a_purge(lakes: Lakes, tmp_path: Path) -> None:
    """A version that was opened before can be read after maintenance with its retention, and not after a purge."""
    lake = copy(lakes.lake, tmp_path / "lake")
    path = lake / "silver" / "tickets"
    opened = DeltaTable(str(path))
    wanted = rows_of(opened)
    cared(lake, lakes.landing)
    assert rows_of(opened) == wanted
    done = cared(lake, lakes.landing, purge=True)
    with pytest.raises(Exception, match=r"(?i)not found|no such file"):
        rows_of(opened)
    assert done.purged
    assert rows_of(DeltaTable(str(path))) == wanted
    with pytest.raises(Exception, match=r"(?i)version|log"):
        DeltaTable(str(path), version=1)


@pytest.mark.engine
def test_after_a_purge_the_next_day_costs_no_rebuild_and_a_second_purge_nothing(
    lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """Of every table but the lease one version is left, which is all that a run asks for."""
    lake = copy(lakes.lake, tmp_path / "lake")
    cared(lake, lakes.landing, purge=True)
    for table in processes.tables(lake):
        if not table.startswith("state/"):
            logs = {entry.name.split(".")[0] for entry in (lake / table / "_delta_log").glob("0*")}
            assert len(logs) == 1, table
            held = {file.name for file in (lake / table).rglob("*.parquet") if "_delta_log" not in file.parts}
            assert held == set(files_of(lake, table)), table
            assert DeltaTable(str(lake / table)).protocol().min_reader_version == 1
    before = versions(lake, but=("state/lease", "state/runs", "state/ingestion_state", "state/gold_progress"))
    cared(lake, lakes.landing, purge=True)
    assert before.items() <= versions(lake).items()
    report = run(lake, lakes.next_landing, spark)
    assert {t.table: t.reason for t in report.tables if "changed" not in t.reason and t.status != "untouched"} == {}
    same(lake, lakes.next_lake)


def test_spark_puts_large_parts_in_order_with_the_same_result(
    lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """With nothing allowed on the driver the same parts become few files, and the rows and the change feed stay."""
    lake = copy(lakes.lake, tmp_path / "lake")
    done = cared(lake, lakes.landing, spark, driver_rows=0)
    silver = care_of(done, "silver/tickets")
    assert (silver.rewritten, silver.files_after) == (silver.files_before, 1)
    same(lake, lakes.lake)
    assert pipe(lake, lakes.landing, None).publisher().pending() == {}
    table = DeltaTable(str(lake / "silver" / "tickets"))
    feed = pa.RecordBatchReader.from_stream(table.load_cdf(starting_version=table.version())).read_all()
    assert feed.num_rows == 0


def test_a_corrected_delivery_goes_once_nothing_asks_for_it(lakes: Lakes, spark: SparkSession, tmp_path: Path) -> None:
    """Day 1's is gone; day 2's stays for the ticket that only it has. Of lists the latest and what Silver came from
    stay. Silver rebuilt from what is left is the same, and nothing is retired before its time."""
    lake = copy(lakes.lake, tmp_path / "lake")
    assert cared(lake, lakes.landing).figures["retired"] == 0
    had = deliveries(lake, "tickets")
    assert {day: len(names) for day, names in had.items()} == {1: 2, 2: 2, 3: 1, 4: 1, 5: 1}
    done = cared(lake, lakes.landing, spark, superseded_days=0)
    assert {day: len(names) for day, names in deliveries(lake, "tickets").items()} == {1: 1, 2: 2, 3: 1, 4: 1, 5: 1}
    assert set(deliveries(lake, "agents_master")) == {5}
    assert done.figures["retired"] == 2
    same(lake, lakes.lake, but=("bronze/",))
    assert cared(lake, lakes.landing, spark, superseded_days=0).figures["retired"] == 0
    pipe(lake, lakes.landing, spark).rebuild(silver="tickets")
    same(lake, lakes.lake, but=("bronze/", "state/"))


def deliveries(lake: Path, dataset: str) -> dict[int, set[str]]:
    """The deliveries that Bronze holds, by the day of May."""
    found: dict[int, set[str]] = {}
    for part in DeltaTable(str(lake / "bronze" / dataset)).partitions():
        found.setdefault(int(part["_logical_date"][-2:]), set()).add(part["_delivery"])
    return found


def rows_of(table: DeltaTable) -> list[str]:
    """Every ticket with its status and delivery."""
    from spark_jobs.lookup import select

    return sorted(map(repr, select(table, 'SELECT ticket_id, status, "_delivery" FROM t')))


@pytest.mark.engine
@pytest.mark.parametrize("purge", [False, True], ids=["maintain", "purge"])
def test_killed_anywhere_and_started_again_it_does_what_is_left(purge: bool, lakes: Lakes, tmp_path: Path) -> None:
    """SIGKILL at three moments: rows stay, Gold is up to date, and in the end the files are those of one go."""
    wanted = copy(lakes.lake, tmp_path / "wanted")
    cared(wanted, lakes.landing, purge=purge)
    for files in (2, 5, 8):
        lake = copy(lakes.lake, tmp_path / f"lake{files}")
        moment = processes.grows_by(lake, files) if not purge else shrinks_by(lake, files * 3)
        kill_when(lake, lakes.landing, moment, purge=purge)
        same(lake, lakes.lake)
        assert pipe(lake, lakes.landing, None).publisher().pending() == {}
        cared(lake, lakes.landing, purge=purge)
        same(lake, lakes.lake)
        assert pipe(lake, lakes.landing, None).publisher().pending() == {}
        for table in processes.tables(lake):
            if not table.startswith("state/"):
                assert len(files_of(lake, table)) == len(files_of(wanted, table)), table


def shrinks_by(lake: Path, files: int) -> Callable[[], bool]:
    """The moment at which so many of the files that lie in the lake now are gone."""
    before = {path for path in lake.rglob("*") if path.is_file()}
    return lambda: sum(not path.exists() for path in before) >= files


def kill_when(lake: Path, landing: Path, moment: Callable[[], bool], *, purge: bool) -> None:
    """Run maintenance in a process of its own and kill it at the moment."""
    script = "import sys; from tests.e2e.test_maintain import main; main(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(lake), str(landing), "purge" if purge else ""], cwd=processes.ROOT
    )
    deadline = time.monotonic() + 60
    while not moment():
        assert process.poll() is None, "ended before its moment"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def main(lake: str, landing: str, purge: str) -> None:
    """The process to be killed."""
    with few_tables():
        cared(Path(lake), Path(landing), purge=bool(purge))

"""A small lake whose deliveries have everything that a run can meet, what it holds, and processes that work on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from arro3.core import Table
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import SparkSession

from spark_jobs.contract import Contract, load_contracts
from spark_jobs.errors import OpslakeError
from spark_jobs.gold import Relationship, registry
from spark_jobs.pipeline import Pipeline, start_session
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from spark_jobs.stopping import leave
from state import lease
from state.ledger import Ledger
from state.stores import delta_options, open_files

Place = Path | str  # a folder, or the URI of one in a store

ROOT = Path(__file__).parents[2]
DATASETS = ("tickets", "agents_master")
HEADER = "ticket_id,created_at,resolved_at,resolution_hours,sla_hours,sla_breached,priority,category,channel," \
    "customer_tier,status,agent_id,updated_at"  # fmt: skip
STAFF = "agent_id,agent_name,team,tier,location,shift,hired_on"
VOLATILE = ("_run_id", "_load_time", "_ingested_at", "first_seen")
TABLES = ("fact_tickets", "ticket_flow_daily", "backlog_daily")  # by key, by date and from a date on
DRIVER_ROWS = 100_000  # so many are committed without Spark; none: 0
MIDNIGHT = datetime(2024, 5, 4, tzinfo=UTC).timestamp()


def ticket(number: int, created: str, resolved: str = "", *, updated: str = "", **changed: str) -> str:
    """One record as it is delivered; instants are texts of May 2024 without the year's part: `01 08:30`."""
    status = "Resolved" if resolved else "Open"
    fields = {"sla": "8", "priority": "High", "category": "Network", "status": status, "agent": "A1"} | changed
    at = [f"2024-05-{text}:00" if text and len(text) == 8 else text for text in (created, resolved, updated or created)]
    parts = [f"T{number:02d}", at[0], at[1], "", fields["sla"], "", fields["priority"], fields["category"], "Email",
             "Gold", fields["status"], fields["agent"], at[2]]  # fmt: skip
    return ",".join(parts)


def first_deliveries(landing: Path) -> None:
    """Two days, of which the second is held back: a quarter of its records is bad."""
    day_1 = [_early(n) for n in range(1, 11)]
    day_1 += [ticket(11, "01 12:00", priority="Urgent"), ticket(4, "01 09:04", "01 11:30", updated="01 11:30")]
    day_2 = [ticket(n, f"02 09:{n:02d}", agent="A2") for n in range(12, 18)]
    put(landing, "tickets", 1, HEADER, day_1, 1)
    put(landing, "tickets", 2, HEADER, [*day_2, ticket(18, "02 10:00", sla="0"), ticket(19, "never")], 2)
    put(landing, "agents_master", 1, STAFF, [_agent(1), _agent(2), _agent(3)], 1)


def second_deliveries(landing: Path) -> None:
    """Both days corrected, one ticket moved to another month, and a third day with updates and bad records."""
    day_1 = [_early(n) for n in range(1, 10)]
    day_1[4] = ticket(5, "2024-04-30 23:05:00", updated="01 20:00")
    day_1 += [ticket(11, "01 12:00", priority="Critical"), ticket(4, "01 09:04", "01 11:30", updated="01 11:30")]
    day_2 = [ticket(n, f"02 09:{n:02d}", agent="A2") for n in range(12, 20)]
    day_2 += [
        ticket(1, "01 08:01", "02 15:00", updated="02 15:00"),
        ticket(2, "01 08:02", updated="02 16:00", agent=""),
    ]
    day_3 = [ticket(n, f"03 10:{n:02d}", priority=("Low", "Medium")[n % 2]) for n in range(20, 31)]
    day_3 += [ticket(12, "02 09:12", "03 09:00", updated="03 09:00"), ticket(13, "02 09:13", updated="01 00:00")]
    day_3 += [ticket(14, "02 09:14"), ticket(20, "03 10:20", "03 18:00", updated="03 18:00"), "T31,half of a record"]
    put(landing, "tickets", 1, HEADER, day_1, 3)
    put(landing, "tickets", 2, HEADER, [*day_2, ticket(32, "02 23:00", status="Lost")], 3)
    put(landing, "tickets", 3, HEADER, day_3, 3)
    put(landing, "agents_master", 3, STAFF, [_agent(1), _agent(2).replace("North", "South"), _agent(4)], 3)


def _early(number: int) -> str:
    return ticket(number, f"01 {8 + number // 4:02d}:{number:02d}", category=("Network", "Billing", "")[number % 3])


def _agent(number: int) -> str:
    return f"A{number},Agent {number},North,L{number},Lisbon,Day,2020-01-0{number}"


def put(landing: Path, dataset: str, day: int, header: str, rows: list[str], written: int) -> None:
    """A delivery of a day of May 2024, `written` so many seconds after the midnight at which the runs begin."""
    path = landing / dataset / "2024" / "05" / f"2024-05-{day:02d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    os.utime(path, (MIDNIGHT + written, MIDNIGHT + written))


def pipeline(lake: Place, landing: Place, spark: SparkSession | None = None, **changed: Any) -> Pipeline:
    """A run of 4 May 2024 over two datasets; one Gold thread, so that commits come in one order."""
    chosen = {
        "today": date(2024, 5, 4),
        "load_threads": 1,
        "gold_threads": 1,
        "batch_days": 2,
        "lease_seconds": 3600,
    } | changed
    settings = Settings(lake=str(lake), landing=str(landing), **chosen)
    session = _session if spark is None else lambda *_: spark
    return Pipeline(settings, "opslake run", session=session, contracts=_known())


def _session(settings: Settings, work_bytes: int) -> SparkSession:
    print("session", flush=True)
    return start_session(settings, work_bytes)


def _known() -> dict[str, Contract]:
    known = load_contracts(None)
    return {name: known[name] for name in DATASETS}


@contextmanager
def few_tables(names: Collection[str] = TABLES) -> Iterator[None]:
    """Gold has only these tables inside the block: one of each kind of commit is enough, and quicker."""
    tables = registry()
    all_tables = dict(tables)
    for name in set(tables) - set(names):
        del tables[name]
    for name, declared in tables.items():  # nor is there anything that checks could look into
        checks = tuple(c for c in declared.checks if not isinstance(c, Relationship) or c.table in tables)
        tables[name] = replace(declared, checks=checks)
    try:
        yield
    finally:
        tables.clear()
        tables.update(all_tables)


def main(lake: str, landing: str, *names: str) -> None:
    """A process: says `ready`, waits for a line, runs what is due, and ends as the command line would."""
    print("ready", flush=True)
    sys.stdin.readline()
    with few_tables(names):
        try:
            report = pipeline(lake, landing).run(Choice())
        except OpslakeError as error:
            print(error, file=sys.stderr, flush=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            leave(130)
        except SystemExit as end:
            leave(int(str(end.code)))
        sys.exit(report.exit_code)


def start(lake: Place, landing: Place, *names: str, driver_rows: int = DRIVER_ROWS) -> subprocess.Popen[str]:
    """A process on `main` that is ready and in a process group of its own, so that its JVM dies with it."""
    script = "import sys; from tests.e2e.processes import main; main(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(lake), str(landing), *names],
        cwd=ROOT,
        env={**os.environ, "OPSLAKE_DRIVER_ROWS": str(driver_rows)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Lets a process that is ready run."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def stop_when(
    number: signal.Signals, lake: Place, landing: Place, moment: Callable[[], bool], *, driver_rows: int = DRIVER_ROWS
) -> tuple[int, str]:
    """Runs a process until the moment comes, signals it (SIGKILL: its JVM too); its exit code and standard error."""
    process = start(lake, landing, *TABLES, driver_rows=driver_rows)
    try:
        go(process)
        deadline = time.monotonic() + 300
        while not moment():
            assert process.poll() is None, ("ended before its moment", process.returncode, *process.communicate())
            assert time.monotonic() < deadline
            time.sleep(0.002)
        if number != signal.SIGKILL:
            process.send_signal(number)
            _, errors = process.communicate(timeout=120)
            return process.returncode, errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    return process.returncode, errors


def appears(lake: Path, pattern: str) -> Callable[[], bool]:
    """The moment at which a file that matches lies in the lake and didn't before."""
    before = set(lake.glob(pattern))
    return lambda: not set(lake.glob(pattern)) <= before


def grows_by(lake: Path, files: int) -> Callable[[], bool]:
    """The moment at which the lake holds so many files more."""
    wanted = sum(len(names) for _, _, names in os.walk(lake)) + files
    return lambda: sum(len(names) for _, _, names in os.walk(lake)) >= wanted


def ended_process(holder: Callable[[], str] = lease.holder) -> str:
    """The name of a process with our number that began when no process did: it isn't any more."""
    return holder().rpartition(":")[0] + ":1"


def copy(lake: Path, to: Path) -> Path:
    """A lake of its own that holds the same."""
    return Path(shutil.copytree(lake, to))


def contents(lake: Place) -> dict[str, list[str]]:
    """Every row of every table outside `state/`, and the ledger's days, without what names the run and its times."""
    found = {name: _rows(f"{lake}/{name}") for name in tables(lake) if not name.startswith("state/")}
    found["state/ingestion_state"] = [
        repr((d.dataset, d.logical_date, d.status, d.figures, d.deliveries, d.loaded, d.error_class))
        for d in Ledger(str(lake)).days()
    ]
    return found


def tables(lake: Place) -> list[str]:
    """The tables of the lake as `layer/name`."""
    return sorted({commit.split()[0] for commit in commits(lake)})


def commits(lake: Place) -> set[str]:
    """Every commit of the lake as `layer/name version`."""
    files, root = open_files(str(lake))
    logs = [PurePosixPath(log) for log in files.glob(f"{root}/*/*/_delta_log/*.json")]
    return {f"{log.parts[-4]}/{log.parts[-3]} {int(log.stem)}" for log in logs if log.stem.isdigit()}


def versions(lake: Path, but: Collection[str] = ()) -> dict[str, int]:
    """The version of every table but those named."""
    return {name: DeltaTable(str(lake / name)).version() for name in tables(lake) if name not in but}


def _rows(path: str) -> list[str]:
    sql, opened = "SELECT * FROM found", DeltaTable(path, storage_options=delta_options(path))
    table = Table.from_arrow(QueryBuilder().register("found", opened).execute(sql))
    names = sorted(name for name in table.column_names if name not in VOLATILE)
    columns = [table.column(name).to_pylist() for name in names]
    return sorted(repr(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))

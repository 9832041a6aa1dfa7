"""A load from a Postgres server or a sheet may die anywhere, too: processes that are really killed.

Each is killed amid its extraction and started again, is killed again when Bronze has what was extracted, and is then
finished twice over: while the source is there, which isn't read again, and without the source.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from threading import Event
from typing import Any

import pytest
from deltalake import DeltaTable

from spark_jobs import tries
from spark_jobs.lookup import select
from spark_jobs.pipeline import start_session
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from state.ledger import Ledger, Status
from tests.e2e.conftest import NewTrial
from tests.e2e.processes import ROOT, VOLATILE, tables
from tests.e2e.trial import Trial, WithoutGold
from tests.postgres_server import PostgresServer
from tests.sheets_server import SheetsServer, sheets_server, speak_to
from tests.sources.postgres_tables import COLUMNS, drop_all, name_of, put_table, request

pytestmark = [pytest.mark.spark, pytest.mark.slow]

ONE, TWO, TODAY = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)
WEB, PEOPLE = "web_complaints", "complaint_agents"
FIRST_SEEN = (*VOLATILE, "_file_modified", "_version_at")
"""Tables and tabs have no time of change: a run notes when it first sees a content."""
GATE = 7
GATED = f"""
CREATE OR REPLACE FUNCTION customer_complaints.gate() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
    IF current_query() LIKE '%row_number()%' THEN PERFORM pg_advisory_xact_lock_shared({GATE}); END IF;
    RETURN true;
END $$
"""
"""Whoever reads rows, and doesn't only hash them, waits for the gate."""


@dataclass(frozen=True)
class Loads:
    """Lakes that one dataset is loaded into, by runs in this process and by processes."""

    trial: Trial
    dataset: str

    def at(self, name: str) -> Loads:
        """Another lake of the same landing."""
        return replace(self, trial=replace(self.trial, lake_at=self.trial.folder / name))

    def copied(self, name: str) -> Loads:
        """The same lake once more."""
        other = self.at(name)
        shutil.copytree(self.trial.lake, other.trial.lake)
        return other

    def load(self) -> None:
        """A run in this process, which does all that is due."""
        assert self.trial.load(dataset=self.dataset).exit_code == 0

    def held(self) -> dict[str, list[str]]:
        """All rows outside of `state/`, and the ledger, without what names runs and times."""
        found = {
            name: sorted(
                repr({key: row[key] for key in sorted(row) if key not in FIRST_SEEN})
                for row in select(DeltaTable(str(self.trial.lake / name)), "SELECT * FROM t")
            )
            for name in tables(self.trial.lake)
            if not name.startswith("state/")
        }
        days = Ledger(str(self.trial.lake)).days()
        assert {day.status for day in days} == {Status.SUCCEEDED}
        told = [(d.logical_date, d.figures, d.loaded, [(f.path, f.checksum) for f in d.deliveries]) for d in days]
        return {**found, "state/ingestion_state": sorted(map(repr, told))}

    def process(self, **options: int) -> subprocess.Popen[str]:
        """A process that has its session, and waits for a line before it loads; its JVM is of its group."""
        script = "import sys; from tests.e2e.test_kill_sources import main; main(*sys.argv[1:])"
        settings = {"lake": str(self.trial.lake), "landing": str(self.trial.landing), "today": str(TODAY)}
        given = json.dumps({**settings, **options})
        return subprocess.Popen(
            [sys.executable, "-c", script, self.dataset, given],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def has_bronze(self) -> bool:
        """Something is kept."""
        log = self.trial.lake / "bronze" / self.dataset / "_delta_log"
        return any('"add"' in entry.read_text() for entry in log.glob("*.json"))

    def has_silver(self) -> bool:
        """Something has been merged."""
        log = self.trial.lake / "silver" / self.dataset / "_delta_log"
        return any('"add"' in entry.read_text() for entry in log.glob("*.json"))


def main(dataset: str, given: str) -> None:
    """The process to be killed."""
    settings = Settings(**json.loads(given))
    if "SHEETS_URL" in os.environ:
        speak_to(os.environ["SHEETS_URL"], pytest.MonkeyPatch())
    session = start_session(settings, 0)
    print("ready", flush=True)
    sys.stdin.readline()
    WithoutGold(settings, "opslake run", session=lambda *_: session).run(Choice(dataset=dataset))


def killed_when(moment: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Let the process load until the moment comes, and kill it with its JVM."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        while (said := process.stdout.readline()) != "ready\n":
            assert said, "ended before it was ready"
        process.stdin.write("go\n")
        process.stdin.flush()
        deadline = time.monotonic() + 120
        while not moment():
            assert process.poll() is None, "ended before its moment"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))


@pytest.fixture
def web(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """Two days; whoever reads the rows of the second waits for the gate."""
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    drop_all(postgres)
    put_table(postgres, ONE, [*(request(f"k{n}") for n in range(18)), request("bad", customer_id="?")])
    put_table(postgres, TWO, [request("k1", agent_id="a2"), request("late")], name="customer_complaints.second")
    columns = ", ".join(COLUMNS)
    view = f"CREATE VIEW {name_of(TWO)} AS SELECT {columns} FROM customer_complaints.second WHERE "
    postgres.execute(GATED, view + "customer_complaints.gate()")
    yield postgres
    drop_all(postgres)


def test_a_load_from_postgres_that_is_killed_and_started_again_makes_the_same_lake(
    web: PostgresServer, new_trial: NewTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with the first day's file written and the second day's rows asked for, and when Bronze has both."""
    whole = Loads(new_trial("web", today=TODAY), WEB)  # few rows, so by the driver: it makes no difference
    loads = whole.at("killed")
    first, second = loads.process(driver_rows=0), loads.process(driver_rows=0)
    whole.load()
    with web.connect() as gate:

        def asks_for_the_second_day() -> bool:
            waiting = gate.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()
            return waiting is not None and any(loads.trial.lake.glob(f"bronze/{WEB}/_logical_date={ONE}/**/*.parquet"))

        gate.execute(f"SELECT pg_advisory_lock({GATE})")
        killed_when(asks_for_the_second_day, first)
    assert not loads.has_bronze()
    killed_when(loads.has_bronze, second)
    assert not loads.has_silver()

    without = loads.copied("without")
    before = reads(web)
    loads.load()
    assert reads(web) == before
    assert loads.held() == whole.held()

    drop_all(web)
    monkeypatch.setenv("WEB_COMPLAINTS_URL", "postgresql://127.0.0.1:1/complaints")
    without.load()
    assert without.held() == whole.held()


def reads(server: PostgresServer) -> Any:
    """How often the first day's table was read from end to end."""
    server.counted()
    with server.connect() as connection:
        asked = f"SELECT seq_scan FROM pg_stat_all_tables WHERE relid = '{name_of(ONE)}'::regclass"
        return connection.execute(asked).fetchone()


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> Iterator[SheetsServer]:
    """A server with a list of agents, for this process and others."""
    with sheets_server(monkeypatch) as server:
        for name, value in {**server.environment, "SHEETS_URL": server.url}.items():
            monkeypatch.setenv(name, value)
        server.books["book"] = {"agents": [["iD", "NamE", "experience", "state"], ["1", "Ann", "5", "TX"], ["2", "Bo"]]}
        yield server


def test_a_load_from_a_sheet_that_is_killed_and_started_again_makes_the_same_lake(
    sheets: SheetsServer, new_trial: NewTrial
) -> None:
    """Killed while the sheet answers what the tab's cells are, and when Bronze has them."""
    whole = Loads(new_trial("people", today=TODAY), PEOPLE)
    loads = whole.at("killed")
    first, second = loads.process(), loads.process()
    whole.load()
    asked, may_answer = Event(), Event()

    def hold(path: str) -> None:
        if "/values/" in path and values(sheets) == 2:  # the plan's look was the first
            asked.set()
            may_answer.wait(60)

    sheets.requests.clear()
    sheets.before_answer = hold
    killed_when(asked.is_set, first)
    may_answer.set()
    assert not loads.has_bronze()
    killed_when(loads.has_bronze, second)
    assert not loads.has_silver()

    without = loads.copied("without")
    sheets.requests.clear()
    loads.load()
    assert values(sheets) == 1
    assert loads.held() == whole.held()

    sheets.books.clear()
    without.load()
    assert without.held() == whole.held()


def values(server: SheetsServer) -> int:
    """How often cells were asked for."""
    return sum("/values/" in path for path in server.requests)

"""A run that loads every dataset of complaints may die anywhere, too: test_kill.py's way, after a commit of each table.

Where there is little time (CI) some of them are tried, others with every number of a build.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from tests.e2e.complaints import COLUMNS, as_csv, complaint
from tests.e2e.processes import contents, copy, few_tables
from tests.e2e.test_kill import Recorder, record_commits
from tests.e2e.trial import csv_text
from tests.oracle import GRAINS_OF_COMPLAINTS

pytestmark = pytest.mark.slow

ALIKE = "dim_channels"
"""It holds the same after every run, so that a second one doesn't commit it."""
COMMITTED = (
    *(f"{layer}/{name}" for name in COLUMNS for layer in ("bronze", "silver")),
    "exception/call_logs",
    *(f"gold/{name}" for name in GRAINS_OF_COMPLAINTS if name != ALIKE),
    *(f"state/{name}" for name in ("ingestion_state", "gold_progress", "runs", "lease")),
)
"""What the run commits, tables of state more than once."""
IN_CI = 4
STEP = len(COMMITTED) // IN_CI if os.environ.get("CI") else 1
TRIED = COMMITTED[int(os.environ.get("GITHUB_RUN_NUMBER", "0")) % STEP :: STEP]
"""After the last commit of each of these a death is tried."""
ONE, TWO = date(2024, 5, 1), date(2024, 5, 2)
FIRST = {
    "call_logs": [complaint(f"{n}", f"c{n % 4}", agent=f"a{n}", at=f"{ONE} 0{n}:00:00") for n in range(1, 6)],
    "web_complaints": [complaint("1", "c1", "Fees", at=f"{ONE} 09:00:00")],
    "social_complaints": [complaint("s1", "c9", at=f"{ONE} 09:00:00", medium="Clicks")],
    "customers": ["c1,Ann,f,1990-02-03,2020-01-01,a@x.org,", "c2,Bo,,,,,"],
    "complaint_agents": ["a1,Bea,5,TX", "a2,Ned,,"],
    "complaint_categories": ["Billing,Money,48"],
}
SECOND = {
    "call_logs": [
        complaint("2", "c5", "Odd", "", "Resolved", f"{ONE} 02:00:00", f"{TWO} 02:00:00"),
        complaint("6", "", at=f"{TWO} 03:00:00"),
        *(complaint(f"7{n}", "c2", at=f"{TWO} 03:00:00") for n in range(9)),
    ],
    "web_complaints": [complaint("1", "c1", "Billing", at=f"{ONE} 09:00:00", status="Resolved")],
    "social_complaints": [complaint("s2", "c1", at=f"{TWO} 09:00:00", medium="Clicks")],
    "customers": ["c1,Ann,f,1990-02-03,2020-01-01,b@x.org,", "c9,Zoe,,,,,"],
    "complaint_agents": ["a1,Bea,6,TX", "a3,Ivy,,"],
    "complaint_categories": ["Billing,Money,24", "Odd,Other,"],
}


@dataclass(frozen=True)
class History:
    """The second run: its deliveries, what the lake held in the end, and how it looked after each commit."""

    landing: Path
    contracts: Path
    lake: Path
    recorder: Recorder

    def after(self, table: str) -> Path:
        """How the lake looked after the table's last commit, the end of the run left out."""
        return self.recorder.of([name for name in self.recorder.names[:-1] if name.split(" ")[0] == table][-1])


def pipeline(lake: Path, landing: Path, contracts: Path, spark: SparkSession) -> Pipeline:
    """A run of 3 May 2024 over the six datasets, one thing after the other."""
    settings = Settings(
        lake=str(lake),
        landing=str(landing),
        contracts=str(contracts),
        today=date(2024, 5, 3),
        load_threads=1,
        gold_threads=1,
        lease_seconds=3600,
    )
    known = {name: contract for name, contract in load_contracts(str(contracts)).items() if name in COLUMNS}
    return Pipeline(settings, "opslake run", session=lambda *_: spark, contracts=known)


def deliver(landing: Path, day: date, records: dict[str, list[str]]) -> None:
    """Put a day's files."""
    for dataset, lines in records.items():
        path = landing / dataset / f"{day:%Y/%m/%Y-%m-%d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(*lines, header=COLUMNS[dataset]), encoding="utf-8")
        os.utime(path, (1714600000 + day.day, 1714600000 + day.day))


@pytest.fixture(scope="module", autouse=True)
def _gold() -> Iterator[None]:
    """All that is made of complaints, and nothing else."""
    with few_tables(GRAINS_OF_COMPLAINTS):
        yield


@pytest.fixture(scope="module")
def history(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> History:
    """A first run, and an undisturbed second one."""
    folder = tmp_path_factory.mktemp("history")
    landing, lake, contracts = folder / "landing", folder / "lake", as_csv(folder / "contracts")
    deliver(landing, ONE, FIRST)
    assert pipeline(lake, landing, contracts, spark).run(Choice()).exit_code == 0
    deliver(landing, TWO, SECOND)
    recorder = Recorder(lake, folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        record_commits(patch, recorder)
        assert pipeline(lake, landing, contracts, spark).run(Choice()).exit_code == 0
        recorder.look()
    return History(landing, contracts, lake, recorder)


def test_the_run_loads_and_publishes_everything(history: History) -> None:
    """No table is without a commit that is tried below."""
    assert {name.split(" ")[0] for name in history.recorder.names} == set(COMMITTED)
    assert history.recorder.unseen == []


@pytest.mark.parametrize("died_after", TRIED)
def test_a_run_over_all_datasets_that_died_after_a_commit_is_finished_by_the_next(
    history: History, spark: SparkSession, tmp_path: Path, died_after: str
) -> None:
    """Neither a reference nor a fact is half there or there twice."""
    lake = copy(history.after(died_after), tmp_path / "lake")

    again = pipeline(lake, history.landing, history.contracts, spark)

    assert again.run(Choice()).exit_code == 0
    found, wanted = contents(lake), contents(history.lake)
    assert sorted(found) == sorted(wanted)
    for table in wanted:
        assert found[table] == wanted[table], table
    assert again.publisher().pending() == {}

"""A run that loads every dataset of complaints may die anywhere, too: test_kill.py's way, for some of its commits."""

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

pytestmark = pytest.mark.slow

TABLES = (
    "dim_customers", "dim_complaint_agents", "dim_complaint_categories", "fct_call_complaints",
    "fct_unified_complaints", "complaint_flow_daily", "complaint_backlog_daily",
)  # fmt: skip
TRIED = 6
"""After so many of the run's commits, evenly over it, a death is tried."""
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

    @property
    def tried(self) -> list[str]:
        """The commits after which a death is tried."""
        names = self.recorder.names
        return [names[len(names) * n // TRIED] for n in range(TRIED)]


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
    """Dimensions, facts by key of one input and of three, a table by date and one from a date on."""
    with few_tables(TABLES):
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
    """What is tried below is some of the commits of such a run."""
    committed = {name.split(" ")[0] for name in history.recorder.names}
    assert {f"{layer}/{name}" for layer in ("bronze", "silver") for name in COLUMNS} <= committed
    assert {f"gold/{name}" for name in TABLES} <= committed
    assert history.recorder.unseen == []


@pytest.mark.parametrize("number", range(TRIED))
def test_a_run_over_all_datasets_that_died_after_a_commit_is_finished_by_the_next(
    history: History, spark: SparkSession, tmp_path: Path, number: int
) -> None:
    """Neither a reference nor a fact is half there or there twice."""
    lake = copy(history.recorder.of(history.tried[number]), tmp_path / "lake")

    again = pipeline(lake, history.landing, history.contracts, spark)

    assert again.run(Choice()).exit_code == 0
    found, wanted = contents(lake), contents(history.lake)
    assert sorted(found) == sorted(wanted)
    for table in wanted:
        assert found[table] == wanted[table], (history.tried[number], table)
    assert again.publisher().pending() == {}

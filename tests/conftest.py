"""The Spark session that the tests share, and the marker on every test that uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.http_receiver import Inbox, receiver
from tests.postgres_server import PostgresServer, postgres_server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.sheets_server import SheetsServer

SPARK_FIXTURES = {"spark", "lake", "published"}
LONGEST = (
    "e2e/test_kill.py",
    "e2e/test_oracle.py",
    "stores/test_run.py",
    "e2e/test_incremental.py",
    "e2e/test_replay_killed.py",
    "e2e/test_complaints.py",
    "e2e/test_fence.py",
    "e2e/test_forget.py",
    "stores/test_forget.py",
    "e2e/test_replay.py",
    "e2e/test_replay_of_a_file.py",
    "e2e/test_calls.py",
    "e2e/test_kill_complaints.py",
    "e2e/test_maintain.py",
    "e2e/test_complaints_incremental.py",
    "e2e/test_kill_sources.py",
    "e2e/test_rules.py",
    "e2e/test_activity.py",
    "e2e/test_activity_incremental.py",
    "publish/test_bigquery.py",
)
"""The files that take a minute and more, the longest first; for the last one's lake the others of its folder wait."""

OF_A_LAKE = {
    "cli",
    "docs",
    "publish",
    "test_benchmarks.py",
    "test_classified.py",
    "test_own_dataset.py",
    "test_own_export.py",
    "test_rebuild.py",
    "test_repeat.py",
    "test_sample_of_complaints.py",
}
"""Folders and files that ask what a lake holds, whichever Spark has made it: `engine`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches Spark, so that `-m spark` runs exactly that on the other Spark line; the longest come first."""
    for item in items:
        if SPARK_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.spark)
        if OF_A_LAKE & set(item.path.parts[-2:]):
            item.add_marker(pytest.mark.engine)
    place = {name: number for number, name in enumerate(LONGEST)}
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(
        key=lambda item: (
            place.get("/".join(item.path.parts[-2:]), len(place)),
            -slow[item.path],
            "e2e" not in item.path.parts,
        )
    )


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for the whole test run, made the way a run makes it; it keeps more of the code that it makes.

    Test after test runs the same queries on another lake: compiled anew each time that is a fifth of the whole time.
    """
    from spark_jobs.session import build_session

    kept, room = {"spark.sql.codegen.cache.maxEntries": "2000"}, "-XX:ReservedCodeCacheSize=480m"
    session = build_session(app="opslake-tests", size="small", driver_memory="2g", conf=kept, jvm_flags=[room])
    yield session
    session.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole test run; tests make schemas of their own."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> Iterator[SheetsServer]:
    """A server whose spreadsheet the built-in contracts read; tries follow each other at once."""
    from spark_jobs import tries
    from tests.sheets_server import AGENTS, sheets_server

    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))
    with sheets_server(monkeypatch) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.books["book"] = {"Notes": [["x"]], "agents": AGENTS}
        yield server


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A receiver of notifications that takes everything."""
    with receiver() as one:
        yield one

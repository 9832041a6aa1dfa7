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

SPARK_FIXTURES = {"spark", "lake", "published"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches Spark, so that `-m spark` runs exactly that on the other Spark line; the longest come first."""
    for item in items:
        if SPARK_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.spark)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow[item.path], "e2e" not in item.path.parts))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for the whole test run, made the way a run makes it."""
    from spark_jobs.session import build_session

    session = build_session(app="opslake-tests", size="small", driver_memory="2g")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole test run; tests make schemas of their own."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A receiver of notifications that takes everything."""
    with receiver() as one:
        yield one

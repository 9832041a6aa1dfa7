"""Small lakes for tests of the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.e2e.processes import few_tables
from tests.e2e.trial import Trial

NewTrial = Callable[..., Trial]


@pytest.fixture
def new_trial(spark: SparkSession, tmp_path: Path) -> NewTrial:
    """Makes empty lakes; give each a name of its own, and settings by name."""

    def make(name: str = "trial", zone: str = "UTC", **options: object) -> Trial:
        folder = tmp_path / name
        folder.mkdir()
        return Trial(spark, folder, zone, options)

    return make


@pytest.fixture
def trial(new_trial: NewTrial) -> Trial:
    """One empty lake in UTC."""
    return new_trial()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Numbered folders, one for each lake of a file."""
    return (tmp_path_factory.mktemp(f"lake{n}") for n in count())


@pytest.fixture(scope="module")
def three_tables() -> Iterator[None]:
    """Three Gold tables only, one of each kind."""
    with few_tables():
        yield

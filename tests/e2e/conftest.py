"""Small lakes for tests of the whole engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

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

"""Pages are executed in an empty directory, by the command line as a user runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import landing, opslake, root

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["landing", "opslake", "root"]


@pytest.fixture
def own_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> SparkSession:
    """Commands use the tests' session."""
    monkeypatch.setattr("spark_jobs.pipeline.build_session", lambda **_: spark)
    return spark

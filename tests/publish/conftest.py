"""One small lake, made by the engine from a dirty sample, and the catalogues that it is published into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.sample import write_sample
from tests.cli.conftest import Command, landing, opslake, root  # noqa: F401  (fixtures of the command line)
from tests.e2e.trial import Trial
from tests.oracle import LakeTruth, gold
from tests.publish.bigquery_server import BigQuery, serving

START, DAYS = date(2025, 3, 3), 6
MISSING = START + timedelta(days=3)
ZONE = "Asia/Kolkata"
PROJECT, LOCATION = "analytics-1", "asia-south1"


@dataclass(frozen=True)
class Published:
    """A lake of some days of tickets and agents, one of them missing, and what it must hold."""

    trial: Trial
    truth: LakeTruth

    @property
    def root(self) -> Path:
        """The lake's root."""
        return self.trial.lake

    @property
    def horizon(self) -> date:
        """The last day of tickets."""
        return START + timedelta(days=DAYS - 1)

    def silver(self) -> list[dict[str, Any]]:
        """Tickets as the independent calculation has them."""
        return self.truth.silver_rows()

    def gold(self) -> dict[str, list[dict[str, Any]]]:
        """Gold as the independent calculation has it."""
        return gold(self.silver(), self.horizon, ZONE)

    def agents(self) -> dict[str, dict[str, Any]]:
        """The agents by id, as the engine's Silver has them."""
        return {row["agent_id"]: row for row in self.trial.rows("silver/agents_master")}


@pytest.fixture(scope="session")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The lake, made once for all tests of this folder."""
    folder = tmp_path_factory.mktemp("published")
    trial = Trial(spark, folder, ZONE)
    sample = write_sample(
        folder / "sample",
        start=START,
        days=DAYS,
        tickets_per_day=14,
        seed=11,
        zone=ZONE,
        datasets=("agents_master", "tickets"),
    )
    for dataset in ("agents_master", "tickets"):
        for day in sample.days(dataset):
            if (dataset, day.logical_date) != ("tickets", MISSING):
                path = folder / "sample" / day.path
                suffix = "".join(path.suffixes)
                trial.put(day.logical_date, path.read_bytes(), dataset=dataset, suffix=suffix)
    trial.run(end=START + timedelta(days=DAYS - 1))
    return Published(trial, trial.truth())


@pytest.fixture
def settings_of(published: Published, opslake: Command, monkeypatch: pytest.MonkeyPatch) -> Command:  # noqa: F811
    """The command line with the lake's settings."""
    monkeypatch.setenv("OPSLAKE_LAKE", str(published.root))
    monkeypatch.setenv("OPSLAKE_BUSINESS_TIMEZONE", ZONE)
    return opslake


@pytest.fixture
def bigquery(published: Published, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQuery]:
    """BigQuery with two empty datasets, that sees the lake at gs://lake-1/ops."""
    (link := published.root.parent / "bucket").mkdir(exist_ok=True)
    if not (link / "ops").exists():
        (link / "ops").symlink_to(published.root)
    service = BigQuery(PROJECT, LOCATION, {"lake-1": link})
    service.add_dataset("opslake")
    service.add_dataset("opslake_restricted")
    with serving(service):
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", service.endpoint)
        monkeypatch.setenv("OPSLAKE_BIGQUERY_PROJECT", PROJECT)
        monkeypatch.setenv("OPSLAKE_BIGQUERY_CONNECTION", f"{PROJECT}.{LOCATION}.lake")
        yield service


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of a server that answers as AWS does."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def glue(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of Glue with two empty databases."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "OPSLAKE_AWS_REGION": "ap-south-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("glue", region_name="ap-south-1")
    for database in ("opslake", "opslake_restricted"):
        client.create_database(DatabaseInput={"Name": database})
    yield client
    for database in ("opslake", "opslake_restricted"):
        client.delete_database(Name=database)

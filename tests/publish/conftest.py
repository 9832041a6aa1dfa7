"""One small lake, made by the engine from a dirty sample, and the catalogues that it is published into."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.catalog.survey import Survey, survey
from spark_jobs.contract import Contract, load_contracts
from spark_jobs.sample import write_sample
from tests.cli.conftest import Command, landing, opslake, root  # noqa: F401  (fixtures of the command line)
from tests.e2e.trial import Trial
from tests.oracle import LakeTruth, gold
from tests.publish.bigquery_server import BigQuery, serving
from tests.publish.duck import arrow

START, DAYS = date(2025, 3, 3), 6
MISSING = START + timedelta(days=3)
ZONE = "Asia/Kolkata"
PROJECT, LOCATION, REGION = "analytics-1", "asia-south1", "ap-south-1"


@dataclass(frozen=True)
class Published:
    """A lake of some days of tickets and agents, one of them missing, and what it must hold."""

    root: Path
    truth: LakeTruth

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
        return {row["agent_id"]: row for row in arrow(self.root / "silver" / "agents_master").to_pylist()}


@pytest.fixture(scope="session")
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The lake, made once for all tests of this folder, whichever of the workers first needs it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "published", shared / "published" / "done"
    try:
        folder.mkdir()
    except FileExistsError:
        return _made_by_another(done)
    found = _make(request.getfixturevalue("spark"), folder)
    (folder / "half").write_bytes(pickle.dumps(found))
    (folder / "half").rename(done)
    return found


def _made_by_another(done: Path) -> Published:
    end = time.monotonic() + 240
    while not done.exists():
        assert time.monotonic() < end, "the worker that began to make the lake never finished"
        time.sleep(0.2)
    found: Published = pickle.loads(done.read_bytes())
    return found


def _make(spark: SparkSession, folder: Path) -> Published:
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
    return Published(trial.lake, trial.truth())


@pytest.fixture
def settings_of(published: Published, opslake: Command, monkeypatch: pytest.MonkeyPatch) -> Command:  # noqa: F811
    """The command line with the lake's settings and those of both clouds."""
    for name, value in {
        "LAKE": str(published.root),
        "BUSINESS_TIMEZONE": ZONE,
        "BIGQUERY_PROJECT": PROJECT,
        "BIGQUERY_CONNECTION": f"{PROJECT}.{LOCATION}.lake",
        "AWS_REGION": REGION,
    }.items():
        monkeypatch.setenv(f"OPSLAKE_{name}", value)
    return opslake


def lake_in_the_cloud(published: Published, uri: str) -> tuple[Survey, dict[str, Contract]]:
    """What there is to publish, as it lies at `uri`, and the contracts."""
    contracts = load_contracts()
    return survey(str(published.root), contracts, uri), contracts


@contextmanager
def empty_bigquery(published: Published) -> Iterator[BigQuery]:
    """BigQuery with two empty datasets, that sees the lake at gs://lake-1/ops, for whoever has this environment."""
    bucket = published.root.parent / "bucket"
    bucket.mkdir(exist_ok=True)
    if not (bucket / "ops").exists():
        (bucket / "ops").symlink_to(published.root)
    service = BigQuery(PROJECT, LOCATION, {"lake-1": bucket})
    service.add_dataset("opslake")
    service.add_dataset("opslake_restricted")
    with serving(service), pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", service.endpoint)
        yield service


@contextmanager
def empty_glue(aws: str, region: str) -> Iterator[Any]:
    """A client of Glue with two empty databases in a region, for whoever has this environment."""
    import boto3

    databases = ("opslake", "opslake_restricted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        client = boto3.client("glue", region_name=region)
        for database in databases:
            client.create_database(DatabaseInput={"Name": database})
        yield client
        for database in databases:
            client.delete_database(Name=database)


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of a server that answers as AWS does."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()

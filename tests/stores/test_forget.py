"""`opslake forget`, `maintain` and `maintain --purge` on both stores: values leave every object of the lake."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq
import pytest

from spark_jobs.contract import load_contracts
from spark_jobs.maintenance import maintain
from spark_jobs.pipeline import Pipeline, start_session
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from state.versions import noncurrent
from tests.contract_texts import TICKETS_OF_CUSTOMERS
from tests.e2e.processes import ROOT, commits, contents, few_tables
from tests.e2e.test_forget import LAYERS, PERSONAL, WHO, deliver
from tests.stores.servers import Store, with_jars

KINDS = ("id", "e-mail")
pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _gold() -> Iterator[None]:
    with few_tables(()):
        yield


def pipe(given: dict[str, Any]) -> Pipeline:
    """A pipeline of 2 May 2024 over tickets; it has a session of its own where it needs one."""
    contracts = {"tickets": load_contracts(given["contracts"])["tickets"]}
    return Pipeline(Settings(**given), "opslake test", session=start_session, contracts=contracts)


def main(given: str) -> None:
    """A process with Spark: loads what is due, and forgets the customer when it is told to go on."""
    with few_tables(()):
        its = pipe(json.loads(given))
        report = its.run(Choice())
        assert report.exit_code == 0, (report.error, [day.error_message for day in report.days])
        print("loaded", flush=True)
        sys.stdin.readline()
        report, forgot = its.forget([WHO])
        print(json.dumps({"exit_code": report.exit_code, "sources": forgot.sources}), flush=True)


@contextmanager
def process(given: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """The process, which has loaded everything."""
    script = "import sys; from tests.stores.test_forget import main; main(*sys.argv[1:])"
    command = [sys.executable, "-c", script, json.dumps(given)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as its:
        assert its.stdout is not None
        assert "loaded\n" in iter(its.stdout.readline, "")
        yield its


def landed(store: Store, folder: Path) -> dict[str, Any]:
    """Settings of a lake in a bucket that keeps versions, whose landing has what `deliver` makes."""
    files, root = store.files(), f"{store.scheme}://kept"
    if store.scheme == "gs":
        files.mkdir("kept", enable_versioning=True)
    else:
        files.mkdir("kept")
        files.call_s3("put_bucket_versioning", Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    (folder / "contracts").mkdir()
    (folder / "contracts" / "tickets.odcs.yaml").write_text(TICKETS_OF_CUSTOMERS, encoding="utf-8")
    deliver(folder / "landing")
    for path in (folder / "landing" / "tickets").rglob("*-01.csv"):  # one day has records of every kind
        files.put_file(str(path), f"{root}/landing/{path.relative_to(folder / 'landing')}")
    given = {"lake": f"{root}/lake", "landing": f"{root}/landing", "contracts": str(folder / "contracts")}
    return given | {"today": "2024-05-02", "forget_key": "env:FORGET_SECRET"}


def found_in(store: Store, lake: str) -> dict[str, set[str]]:
    """For id and e-mail of the customer the tables with an object that holds it; every object is read, logs too."""
    files, found = store.files(), {kind: set[str]() for kind in KINDS}
    for path in files.find(lake):
        content = files.cat_file(path)
        text = content.decode("utf-8", errors="replace")
        if path.endswith(".parquet"):
            text = repr(pq.read_table(io.BytesIO(content), partitioning=None).to_pydict())
        table = "/".join(PurePosixPath(path).parts[2:4])
        for kind in KINDS:
            found[kind] |= {table} if re.search(PERSONAL[kind], text) else set()
    return found


def _opslake(given: dict[str, Any], *arguments: str) -> Any:
    """What a command prints as JSON; it finds no Java."""
    settings = {f"OPSLAKE_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-c", "from spark_jobs.cli import main; main()", *arguments, "--json"]
    environment = {**os.environ, **settings, "JAVA_HOME": os.devnull}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_customer_leaves_every_object_of_a_lake_in_a_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten by Spark; tidied and purged without it. What is the owner's to delete is listed by its address.

    Maintenance alone changes no row; of older versions only noncurrent ones are left, which the owner is told of.
    """
    with_jars(store.scheme)
    monkeypatch.setenv("FORGET_SECRET", "a secret of the test's own")
    given = landed(store, tmp_path)
    lake = str(given["lake"])
    with process(given) as its:
        before = found_in(store, lake)
        assert all({f"{layer}/tickets" for layer in LAYERS} <= before[kind] for kind in KINDS)
        said, _ = its.communicate("go on\n", timeout=200)
    told = json.loads(said.splitlines()[-1])
    delivery = f"{given['landing']}/tickets/2024/05/2024-05-01.csv"
    assert told == {"exit_code": 0, "sources": [delivery]}

    rows = contents(lake)
    monkeypatch.setattr(sys.modules["spark_jobs.maintenance.crowded"], "SLACK", 0)
    assert maintain(pipe(given)).figures["rewritten"] > 0
    assert contents(lake) == rows
    assert found_in(store, lake)["e-mail"] >= {"bronze/tickets", "silver/tickets"}
    told = _opslake(given, "maintain", "--purge")
    assert told["figures"]["removed"] > 0
    assert found_in(store, lake) == {kind: set() for kind in KINDS}
    assert contents(lake) == rows
    versions = {commit for commit in commits(lake) if not commit.startswith("state/")}
    assert len(versions) == len({commit.split()[0] for commit in versions})

    files = store.files()
    versions_kept = told["delete_noncurrent_versions"][lake]
    assert set(versions_kept) <= set(noncurrent(lake) or ())
    gone = {one.partition("#")[0] for one in versions_kept}
    assert any("/silver/tickets/" in one and one.endswith(".parquet") for one in gone)
    assert noncurrent(str(given["landing"])) == []
    files.pipe_file(delivery, b"corrected")
    (corrected,) = noncurrent(str(given["landing"])) or ()
    assert corrected.startswith(f"{delivery}#")

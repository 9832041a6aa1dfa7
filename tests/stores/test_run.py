"""The whole daily run on both stores: what it promises of a folder holds there.

A run takes its time there, so each run serves several tests: eight processes claim the first lake, of which one fills
it; the second lake is the one in which a run is killed. In between nothing is cleaned up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from signal import SIGKILL
from typing import Any

import pytest

from state.ledger import Ledger, Status
from tests.e2e.processes import (
    ROOT,
    TABLES,
    commits,
    contents,
    first_deliveries,
    go,
    second_deliveries,
    start,
    stop_when,
)
from tests.stores.servers import Store, amazon, google, with_jars

pytestmark = [pytest.mark.spark, pytest.mark.slow]

KILLED_AT = ("silver/tickets 1", "gold/fact_tickets 0")
"""Silver holds the first batch only; Gold begins. One for each store."""


@dataclass(frozen=True)
class Filled:
    """A store with a lake that one of eight processes filled: how each of them ended, and what it wrote to stderr."""

    store: Store
    ended: tuple[tuple[int, str], ...]

    @property
    def lake(self) -> str:
        return self.store.uri("lake")

    @property
    def landing(self) -> str:
        return self.store.uri("landing")


@pytest.fixture(scope="module", params=["gs", "s3a"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Three days of tickets and agents, run by whoever of eight processes is the first to take the lake."""
    with_jars(request.param)
    making = google() if request.param == "gs" else amazon()
    with making as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("landing")
        first_deliveries(folder)
        second_deliveries(folder)
        files = store.files()
        for path in sorted(folder.rglob("*.csv")):
            files.put_file(str(path), store.uri("landing", *path.relative_to(folder).parts))
        found = Filled(store, ())
        yield Filled(store, tuple(_eight(found.lake, found.landing)))


def _eight(lake: str, landing: str) -> list[tuple[int, str]]:
    processes = [start(lake, landing, *TABLES) for _ in range(8)]
    for process in processes:
        go(process)
    ended = [(process, process.communicate(timeout=280)[1]) for process in processes]
    return [(process.returncode, text) for process, text in ended]


def _opslake(filled: Filled, *arguments: str) -> Any:
    """What a command that only looks prints as JSON; it finds no Java. On S3 the lake is named in delta-rs's way."""
    lake = filled.lake.replace("s3a://", "s3://")
    environment = {**os.environ, "OPSLAKE_LAKE": lake, "OPSLAKE_LANDING": filled.landing, "JAVA_HOME": os.devnull}
    command = [sys.executable, "-c", "from spark_jobs.cli import main; main()", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_eight_processes_one_fills_the_lake_and_seven_exit_75(filled: Filled) -> None:
    """The seven say which run holds the lake; every day of the ledger is done, and loaded by one run."""
    codes = sorted(code for code, _ in filled.ended)
    assert codes == [0, *[75] * 7], filled.ended
    assert all("holds the lake since" in text for code, text in filled.ended if code == 75)
    days = Ledger(filled.lake).days()
    assert {(d.dataset, d.logical_date.day): d.status for d in days} == {
        ("agents_master", 1): Status.SKIPPED,
        ("agents_master", 2): Status.SKIPPED,
        ("agents_master", 3): Status.SUCCEEDED,
        ("tickets", 1): Status.SUCCEEDED,
        ("tickets", 2): Status.SUCCEEDED,
        ("tickets", 3): Status.SUCCEEDED,
    }
    assert len({d.run_id for d in days}) == 1


def test_a_run_that_is_killed_and_started_again_makes_the_same_lake(filled: Filled) -> None:
    """Row for row, and nothing was cleaned up by hand."""
    lake, moment = filled.store.uri("killed"), KILLED_AT[filled.store.scheme == "s3a"]
    code, errors = stop_when(SIGKILL, lake, filled.landing, lambda: moment in _seen(lake))
    assert code == -SIGKILL, errors
    assert _gold(lake) < _gold(filled.lake)
    again = start(lake, filled.landing, *TABLES)
    go(again)
    _, errors = again.communicate(timeout=280)
    assert again.returncode == 0, errors
    assert contents(lake) == contents(filled.lake)


def _seen(lake: str) -> set[str]:
    time.sleep(0.1)
    return commits(lake)


def _gold(lake: str) -> set[str]:
    return {commit.split()[0] for commit in commits(lake) if commit.startswith("gold/")}


def test_a_run_with_nothing_due_changes_nothing_and_starts_no_jvm(filled: Filled) -> None:
    """No table outside of `state/` gets a version, by Spark or by delta-rs."""
    before = {commit for commit in commits(filled.lake) if not commit.startswith("state/")}
    process = start(filled.lake, filled.landing, *TABLES)
    go(process)
    said, errors = process.communicate(timeout=120)
    assert (process.returncode, "session" in said) == (0, False), errors
    assert {commit for commit in commits(filled.lake) if not commit.startswith("state/")} == before


def test_commands_that_look_read_the_store_without_a_jvm(filled: Filled) -> None:
    """The ledger, the exceptions, and the way of a ticket back to the object that it came in."""
    status = _opslake(filled, "status")
    counts = {view["dataset"]: view["counts"] for view in status["datasets"]}
    assert counts["tickets"] == {"SUCCEEDED": 3}
    # T31 is cut off, and T32's status is none that is known.
    found = _opslake(filled, "exceptions", "list", "tickets", "--status", "open")
    assert {row["record_key"] for row in found["rows"]} == {None, "T32"}
    traced = _opslake(filled, "trace", "tickets", "T05")
    assert f"{filled.store.scheme}://opslake-tests/landing/tickets/2024/05/2024-05-01.csv" in json.dumps(traced)


def test_both_stores_hold_the_same_rows(filled: Filled, request: pytest.FixtureRequest) -> None:
    """What a lake holds doesn't depend on the store, but for the names of the objects and when they were put."""
    rows = {name: sorted(map(_anywhere, found)) for name, found in contents(filled.lake).items()}
    assert len(rows["silver/tickets"]) == 29
    of_the_other = request.config.stash.setdefault(HELD, rows)
    assert rows == of_the_other


def _anywhere(row: str) -> str:
    """A row without its store, what is hashed of it, and the time of its object; what is 2024 was delivered."""
    row = re.sub(r"'exception_id': '[0-9a-f]{64}'", "", row)
    return re.sub(r"datetime\.datetime\(202[5-9][^()]*(\([^()]*\))?[^()]*\)", "then", re.sub(r"(gs|s3a)://", "", row))


HELD = pytest.StashKey[dict[str, list[str]]]()

"""What goes and what stays when old versions and log entries are removed. No Spark."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from spark_jobs.lake import Fence, Lake
from spark_jobs.maintenance.cleaning import expired, log_files, purge, tend_log, vacuum
from state.lease import acquire
from state.ledger import DayState, Ledger, Status

DAY = 24 * 3600


@pytest.fixture
def fence(tmp_path: Path) -> Iterator[Fence]:
    """A lake that this test holds."""
    with acquire(str(tmp_path), run_id="m", command="maintain", lease_seconds=60) as lease:
        yield Fence(lease)


def overwritten(path: Path, times: int = 3) -> DeltaTable:
    """A table of one row that was replaced."""
    for number in range(times):
        write_deltalake(path, pa.table({"n": [number]}), mode="overwrite")
    return DeltaTable(path)


def names(path: Path) -> set[str]:
    """The table's files that are there."""
    return {file.name for file in path.glob("*.parquet")}


def age(path: Path, days: float) -> None:
    """Make a file older."""
    os.utime(path, (time.time() - days * DAY,) * 2)


def test_files_go_by_the_moment_of_their_replacement_and_orphans_by_their_age(tmp_path: Path, fence: Fence) -> None:
    """What was replaced eight days ago goes, what was yesterday stays; a young file that no version knows stays too."""
    path = tmp_path / "gold" / "t"
    table = overwritten(path)
    first = path / "_delta_log" / f"{1:020d}.json"
    old = re.sub(
        r'"deletionTimestamp":\d+', f'"deletionTimestamp":{int((time.time() - 8 * DAY) * 1000)}', first.read_text()
    )
    first.write_text(old)
    for name, days in (("left-old.parquet", 9), ("left-young.parquet", 1)):
        (path / name).write_bytes(b"x")
        age(path / name, days)
    [gone] = re.findall(r'"remove":{"path":"([^"]+)"', old)
    table = DeltaTable(path)
    before = names(path)
    assert set(expired(table, str(path), 168)) == {gone, "left-old.parquet"}
    assert names(path) == before
    done = vacuum(table, str(path), 168, fence)
    assert (done.files, done.bytes > 0) == (2, True)
    assert names(path) == before - {gone, "left-old.parquet"}
    version = DeltaTable(path).version()
    assert vacuum(DeltaTable(path), str(path), 168, fence).files == 0
    assert DeltaTable(path).version() == version


def test_a_purge_leaves_one_version_that_any_reader_reads(tmp_path: Path, fence: Fence) -> None:
    """Its log entry names no rows, `before_the_log` comes before the others go, and a second purge does nothing."""
    path = tmp_path / "gold" / "t"
    overwritten(path)
    (path / "_delta_log" / f".{1:020d}.crc.crc").write_bytes(b"x")
    seen: list[int] = []

    def look() -> None:
        seen.append(len(log_files(str(path))))

    done = purge(Lake(str(tmp_path)), "gold", "t", fence, before_the_log=look)
    assert (done.files, done.log_files) == (2, 6)
    assert seen == [7]
    table = DeltaTable(path)
    assert sorted(log_files(str(path))) == [
        f"{table.version():020d}.checkpoint.parquet",
        f"{table.version():020d}.json",
    ]
    assert '"add"' not in (path / "_delta_log" / f"{table.version():020d}.json").read_text()
    assert table.protocol().min_reader_version == 1
    assert names(path) == {Path(uri).name for uri in table.file_uris()}
    version = table.version()
    assert purge(Lake(str(tmp_path)), "gold", "t", fence, before_the_log=look).files == 0
    assert DeltaTable(path).version() == version


def test_the_ledger_has_checkpoints_and_its_log_is_cleaned(tmp_path: Path) -> None:
    """A commit for every write: a checkpoint every ten, and what is before one goes a month later, by itself."""
    path, ledger = tmp_path / "state" / "ingestion_state", Ledger(str(tmp_path))
    for day in range(1, 26):
        ledger.put(DayState("tickets", date(2024, 5, day), Status.SUCCEEDED))
    log = path / "_delta_log"
    assert len(list(log.glob("*.checkpoint.parquet"))) == 2
    for file in log.glob("0*"):
        if int(file.name[:20]) < 20:
            age(file, 31)
    for day in range(26, 32):
        ledger.put(DayState("tickets", date(2024, 5, day), Status.SUCCEEDED))
    left = {int(file.name[:20]) for file in log.glob("0*")}
    assert min(left) >= 19, sorted(left)  # the checkpoint that readers begin with is of version 20
    assert len(ledger.days()) == 31


def test_a_long_log_gets_a_checkpoint_and_loses_what_is_past_its_time(tmp_path: Path) -> None:
    """Ten commits after the last one; fewer are left alone."""
    path = tmp_path / "gold" / "t"
    overwritten(path, 9)
    assert tend_log(DeltaTable(path), str(path)) == 0
    assert not list((path / "_delta_log").glob("*.checkpoint.parquet"))
    overwritten(path, 3)
    for file in (path / "_delta_log").glob("0*"):
        age(file, 40)
    assert tend_log(DeltaTable(path), str(path)) > 0
    assert list((path / "_delta_log").glob("*.checkpoint.parquet"))
    assert len(DeltaTable(path).file_uris()) == 1

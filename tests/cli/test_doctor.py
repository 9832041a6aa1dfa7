"""`opslake doctor`: each thing is well, or says what to do."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from fsspec.implementations.memory import MemoryFileSystem

from spark_jobs.errors import EngineError
from state.ledger import DayState, Ledger, Status
from tests.cli.conftest import Command
from tests.cli.tables import came, write, write_silver

CHECKS = ["settings", "contracts", "python", "spark", "java", "jars", "time zone", "lake", "clock", "landing", "tables"]


@pytest.fixture
def opslake(opslake: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """On the day that it is."""
    monkeypatch.delenv("OPSLAKE_TODAY")
    return opslake


def findings(opslake: Command, check: str) -> list[dict[str, Any]]:
    """What is told of one subject."""
    return [one for one in opslake("doctor", "--json").json["findings"] if one["check"] == check]


def problem(opslake: Command, check: str) -> dict[str, Any]:
    """The only thing that is wrong, which must be of this subject."""
    answer = opslake("doctor", "--json")
    (wrong,) = [one for one in answer.json["findings"] if not one["is_ok"]]
    assert answer.code == 3
    assert not answer.json["is_ok"]
    assert wrong["check"] == check
    return dict(wrong)


def test_a_machine_that_has_everything_is_well(opslake: Command, root: Path) -> None:
    """Exit code 0, a line for each subject; the lake isn't there yet and isn't made."""
    answer = opslake("doctor")

    assert answer.code == 0, answer.out
    assert "all is well" in answer.out
    assert [one["check"] for one in opslake("doctor", "--json").json["findings"]] == CHECKS
    assert [line.split(" ok ")[0].strip() for line in answer.out.splitlines()[:-1]] == CHECKS
    assert not root.exists()


def test_nothing_stays_behind(opslake: Command, root: Path) -> None:
    """What was written to see whether it can be is removed."""
    Ledger(str(root)).put(DayState("tickets", datetime(2026, 3, 1, tzinfo=UTC).date(), Status.SUCCEEDED, 1))
    before = sorted(root.rglob("*"))

    (lake,) = findings(opslake, "lake")

    assert "state can be written" in lake["told"]
    assert sorted(root.rglob("*")) == before


def test_a_landing_that_is_not_there_is_told(opslake: Command, landing: Path) -> None:
    """With what to do."""
    landing.rmdir()

    wrong = problem(opslake, "landing")

    assert "isn't there" in wrong["told"]
    assert "opslake sample" in wrong["todo"]


def test_a_lake_below_a_file_can_not_be_made(opslake: Command, root: Path) -> None:
    """The path's parent is no folder."""
    root.parent.joinpath("lake").write_text("not a folder", encoding="utf-8")

    assert "takes no folder" in problem(opslake, "lake")["told"]


class Refusing(MemoryFileSystem):  # type: ignore[misc]
    """A store that lists and reads, and whose clock is slow; who writes below `closed` is refused."""

    protocol = "refusing"
    behind = timedelta()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(MemoryFileSystem._strip_protocol(path.removeprefix("refusing://")))

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        """Refuse or take."""
        if "closed" in path:
            raise PermissionError("403 Forbidden: storage.objects.create")
        super().pipe_file(path, value, **options)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Refuse or give."""
        if "closed" in path:
            raise PermissionError("403 Forbidden: storage.objects.get")
        return bytes(super().cat_file(path, start, end, **options))

    def info(self, path: str, **options: Any) -> Any:
        """With the store's time."""
        return {**super().info(path, **options), "created": datetime.now(UTC) - self.behind}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> type[Refusing]:
    """The store, empty."""
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    monkeypatch.setattr(Refusing, "store", {})
    monkeypatch.setattr(Refusing, "pseudo_dirs", [""])
    return Refusing


def told_of(address: str, setting: str) -> Any:
    """The store's findings alone: delta-rs doesn't know it."""
    from spark_jobs.doctor import stores
    from spark_jobs.settings import Settings

    return list(
        stores.examine(Settings(**{"lake": "refusing://open/lake", "landing": "refusing://open", setting: address}))
    )


def test_a_store_that_refuses_to_write_is_told(store: type[Refusing]) -> None:
    """With the store's own words, and which rights are needed."""
    lake, *_ = told_of("refusing://closed/lake", "lake")

    assert "403 Forbidden: storage.objects.create" in lake.told
    assert "may write there" in lake.todo
    assert store.store == {}


def test_a_store_that_refuses_to_read_is_told(store: type[Refusing]) -> None:
    """Listing alone doesn't do: a file is read."""
    MemoryFileSystem.pipe_file(store(), "/closed/landing/tickets/a.csv", b"x")

    *_, landing = told_of("refusing://closed/landing", "landing")

    assert "403 Forbidden: storage.objects.get" in landing.told
    assert "may list and read" in landing.todo


@pytest.mark.parametrize(("seconds", "is_ok"), [(0, True), (3, True), (30, False), (-30, False)])
def test_the_stores_clock_is_compared_with_ours(
    store: type[Refusing], monkeypatch: pytest.MonkeyPatch, seconds: int, is_ok: bool
) -> None:
    """The lease allows for ten seconds between two machines; half of that is one machine's."""
    monkeypatch.setattr(store, "behind", timedelta(seconds=seconds))
    MemoryFileSystem.pipe_file(store(), "/open/tickets/a.csv", b"x")

    _, clock, _ = told_of("refusing://open/lake", "lake")

    assert (clock.check, clock.is_ok) == ("clock", is_ok)
    assert is_ok or ("NTP" in clock.todo and " s off" in clock.told)


def test_a_kind_of_store_that_nothing_is_installed_for_is_told(
    opslake: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the address as it was given."""
    monkeypatch.setenv("OPSLAKE_LANDING", "nosuch://bucket/landing")

    assert "nosuch://bucket/landing" in problem(opslake, "landing")["told"]


def test_a_table_that_others_can_not_read_is_told(opslake: Command, root: Path) -> None:
    """Deletion vectors, with who is kept out and the statement that removes them."""
    write_silver(root, {"ticket_id": "T1"} | came(1, 1))
    _raise_protocol(root / "silver" / "tickets", ["deletionVectors"])

    wrong = problem(opslake, "tables")

    assert wrong["told"].startswith("silver/tickets: has deletionVectors")
    assert "DuckDB" in wrong["told"]
    assert "DROP FEATURE deletionVectors" in wrong["todo"]


def test_tables_are_counted_when_all_can_be_read(opslake: Command, root: Path) -> None:
    """Two of them."""
    write_silver(root, {"ticket_id": "T1"} | came(1, 1))
    write(root, "gold", "backlog_daily", {"backlog_size": pa.int64()}, [{"backlog_size": 1}])

    (told,) = findings(opslake, "tables")

    assert told["is_ok"]
    assert told["told"].startswith("2 tables")


def test_a_log_entry_that_bigquery_would_not_read_is_told(opslake: Command, root: Path) -> None:
    """Larger than 10 MiB."""
    write_silver(root, {"ticket_id": "T1"} | came(1, 1))
    entry = root / "silver/tickets/_delta_log/00000000000000000001.json"
    entry.write_text(json.dumps({"commitInfo": {"operation": "x" * (11 * 2**20)}}), encoding="utf-8")

    assert "log entry of 11 MiB" in problem(opslake, "tables")["told"]


def test_silver_of_another_time_zone_is_told(opslake: Command, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its dates are of the zone that it was made with."""
    write_silver(root, {"ticket_id": "T1"} | came(1, 1))
    _configure(root / "silver" / "tickets", {"opslake.businessTimezone": "Asia/Kolkata"})

    wrong = problem(opslake, "time zone")
    assert "silver/tickets is of Asia/Kolkata; the setting says UTC" in wrong["told"]

    monkeypatch.setenv("OPSLAKE_BUSINESS_TIMEZONE", "Asia/Kolkata")
    assert opslake("doctor").code == 0


def test_a_fixed_today_is_told(opslake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stand still for ever."""
    monkeypatch.setenv("OPSLAKE_TODAY", "2026-03-05")

    assert "2026-03-05" in problem(opslake, "time zone")["told"]


def test_a_contract_that_can_not_be_read_is_told(
    opslake: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the tables aren't looked at, since nobody knows their names."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.odcs.yaml").write_text("kind: nonsense", encoding="utf-8")
    monkeypatch.setenv("OPSLAKE_CONTRACTS", str(tmp_path / "own"))

    assert "x.odcs.yaml" in str(problem(opslake, "contracts"))


def test_a_missing_java_is_told(opslake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was seen and what to install."""

    def none() -> None:
        raise EngineError("no Java that Spark runs on", value="none", hint="install openjdk-17")

    monkeypatch.setattr("spark_jobs.doctor.machine.find_java", none)

    assert problem(opslake, "java")["todo"] == "install openjdk-17"


def test_a_store_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second here, half a minute otherwise."""
    from spark_jobs.doctor import stores

    monkeypatch.setattr(stores, "PATIENCE", 0.1)
    monkeypatch.setattr(stores, "_read", lambda _landing: os.read(os.pipe()[0], 1))

    told = stores._landing("gs://far/away")

    assert "no answer within" in told.told


def _raise_protocol(table: Path, features: list[str]) -> None:
    """Ask more of readers, as somebody's Spark would."""
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    _commit(table, {"protocol": protocol})


def _configure(table: Path, configuration: dict[str, str]) -> None:
    """Give the table properties, which Spark writes and delta-rs only reads."""
    first = (table / "_delta_log" / f"{0:020d}.json").read_text(encoding="utf-8").splitlines()
    (metadata,) = [entry["metaData"] for line in first if "metaData" in (entry := json.loads(line))]
    _commit(table, {"metaData": {**metadata, "configuration": configuration}})


def _commit(table: Path, action: dict[str, Any]) -> None:
    version = DeltaTable(str(table)).version() + 1
    entry = table / "_delta_log" / f"{version:020d}.json"
    entry.write_text(json.dumps(action) + "\n", encoding="utf-8")

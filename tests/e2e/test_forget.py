"""`opslake forget` and a purge: a customer is found in every layer first, and then in no file of the lake."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.errors import UsageError
from spark_jobs.exception_export import export_exceptions
from spark_jobs.forgetting import Forgot
from spark_jobs.lake import Fence
from spark_jobs.lookup import select
from spark_jobs.maintenance import maintain
from spark_jobs.pipeline import Pipeline, start_session
from spark_jobs.planning import Choice
from spark_jobs.replaying import Asked
from spark_jobs.settings import Settings
from state.runs import Run, Runs
from tests.contract_texts import TICKETS_OF_CUSTOMERS
from tests.e2e import processes
from tests.e2e.processes import appears, contents, copy, few_tables, put, ticket

pytestmark = pytest.mark.usefixtures("three_tables")

WHO = "CUST-0001"
SECRET = "a secret of the test's own"
PERSONAL = {
    "id": r"CUST-0001(?!\d)",
    "name": "Ann Example",
    "e-mail": "ann@example[.]org",
    "birth date": "1980-02-03",
    "address": "1 Elm Street",
}
LAYERS = ("bronze", "exception", "silver")
PEOPLE = """
kind: DataContract
apiVersion: v3.1.0
id: people
name: people
version: 1.0.0
status: active
customProperties:
  - {property: path, value: people/%Y/%m/%Y-%m-%d.csv}
  - {property: customerIdColumn, value: person_id}
  - {property: loadMode, value: replace}
  - {property: missingDays, value: skip}
  - {property: maxRejectRatio, value: 0.9}
schema:
  - name: people
    properties:
      - {name: person_id, physicalType: string, required: true, primaryKey: true}
      - {name: name, physicalType: string, classification: personal}
      - {name: email, physicalType: string, classification: personal}
      - {name: born, physicalType: date, classification: personal}
      - {name: address, physicalType: string, classification: personal}
      - {name: since, physicalType: date}
"""
HEADER = f"{processes.HEADER},customer_id,contact"
PEOPLE_HEADER = "person_id,name,email,born,address,since"
ANN = f"{WHO},Ann Example,ann@example.org,1980-02-03,1 Elm Street,2020-01-01"
BEN = "CUST-00010,Ben Other,ben@example.org,1990-05-06,2 Oak Street,2020-01-01"


@dataclass(frozen=True)
class Lakes:
    """A lake after three days, the same after the customer was forgotten, and the landing."""

    lake: Path
    forgotten: Path
    landing: Path
    forgot: Forgot


@pytest.fixture(scope="module", autouse=True)
def _secret() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORGET_SECRET", SECRET)
        yield


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """The lakes to copy from; no test may change them."""
    folder = tmp_path_factory.mktemp("forget")
    lake, landing = folder / "lake", folder / "landing"
    for name, text in (("tickets", TICKETS_OF_CUSTOMERS), ("people", PEOPLE)):
        (folder / "contracts").mkdir(exist_ok=True)
        (folder / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    deliver(landing)
    assert pipe(lake, landing, spark).run(Choice()).exit_code == 0
    Runs(str(lake)).put(Run("r", "opslake run", datetime(2024, 5, 3, tzinfo=UTC), error="found: 'ann@example.org'"))
    shutil.copytree(lake / "gold" / "backlog_daily", lake / "gold" / "earlier")
    after = copy(lake, folder / "forgotten")
    report, forgot = pipe(after, landing, spark).forget([WHO])
    assert report.exit_code == 0
    return Lakes(lake, after, landing, forgot)


def deliver(landing: Path) -> None:
    """Three days: accepted, changed, rejected, double and malformed records of the customer, and of others.

    On the second the id is in a column that the contract doesn't know, and of two lists the first is never read.
    """
    mine, others = f",{WHO},ann@example.org", ",CUST-00010,ben@example.org"
    rows = [ticket(1, "01 08:00") + mine, ticket(2, "01 09:00") + others, ticket(2, "01 09:00") + others]
    rows += [ticket(3, "01 10:00") + f", {WHO} ,", ticket(4, "never") + mine, ticket(3, "01 10:00") + mine]
    rows += [f"T05,half of a record,{WHO}", "T06,write to Ann Example,please", "T07,half,CUST-00010"]
    put(landing, "tickets", 1, HEADER, rows, 1)
    rows = [ticket(1, "01 08:00", "02 09:00", updated="02 09:00") + mine, ticket(12, "02 08:00") + ",,c@d"]
    rows += [ticket(13, "02 08:00") + others, ticket(14, "never") + others]
    put(landing, "tickets", 2, f"{HEADER},who", [f"{row},{WHO}" for row in rows], 2)
    put(landing, "tickets", 3, HEADER, [ticket(8, "03 08:00") + others], 3)
    put(landing, "people", 2, PEOPLE_HEADER, [ANN, BEN], 2)
    put(landing, "people", 3, PEOPLE_HEADER, [ANN, BEN, ",Ann Example,ann@example.org,,,", "born,1980-02-03"], 3)


def pipe(lake: Path, landing: Path, spark: SparkSession | None, **changed: Any) -> Pipeline:
    """A pipeline of the day after the landing's last, over both contracts."""
    contracts = landing.parent / "contracts"
    given = {"forget_key": "env:FORGET_SECRET", "load_threads": 1, "gold_threads": 1, "batch_days": 1} | changed
    today = date(2024, 5, 1 + len(list(landing.glob("tickets/2024/05/*"))))
    settings = Settings(lake=str(lake), landing=str(landing), contracts=str(contracts), today=today, **given)
    known = {name: load_contracts(contracts)[name] for name in ("tickets", "people")}
    session = start_session if spark is None else lambda *_: spark
    return Pipeline(settings, "opslake test", session=session, contracts=known)


def texts_of(path: Path) -> str:
    """Everything that a file says: of Parquet every value, statistics aside, of anything else its bytes."""
    if path.suffix == ".parquet":
        return repr(pq.read_table(path, partitioning=None).to_pydict()).replace(
            "datetime.date(1980, 2, 3)", "1980-02-03"
        )
    return path.read_bytes().decode("utf-8", errors="replace")


def found_in(lake: Path) -> dict[str, set[str]]:
    """Per kind of personal data the tables, or their logs, with a file that holds it."""
    found: dict[str, set[str]] = {kind: set() for kind in PERSONAL}
    for path in lake.rglob("*"):
        parts = path.relative_to(lake).parts
        if path.is_file() and not path.name.endswith(".crc"):
            text, place = texts_of(path), "/".join(parts[:3] if "_delta_log" in parts else parts[:2])
            for kind, pattern in PERSONAL.items():
                found[kind] |= {place} if re.search(pattern, text) else set()
    return found


def select_all(lake: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows of a table, ordered."""
    rows = select(DeltaTable(str(lake / table)), f"SELECT {columns} FROM t")
    return sorted((tuple(row.values()) for row in rows), key=repr)


def purged(lake: Path, landing: Path) -> Path:
    """The lake without its history."""
    done = maintain(pipe(lake, landing, None), purge_history=True)
    assert not [care for care in done.tables if care.kept_because]
    return lake


def test_a_customer_is_in_every_layer_and_after_forget_and_purge_in_no_file(
    lakes: Lakes, spark: SparkSession, tmp_path: Path
) -> None:
    """Id, name, e-mail, birth date and address; nothing of them in statistics before; others keep theirs."""
    before = found_in(lakes.lake)
    for kind in ("id", "e-mail"):
        assert {f"{layer}/tickets" for layer in LAYERS} <= before[kind], kind
    for kind in ("id", "name", "e-mail", "birth date", "address"):
        assert {"bronze/people", "silver/people"} <= before[kind], kind
    assert {"exception/people", "exception/tickets"} <= before["name"]
    assert "state/runs" in before["e-mail"]
    assert not [place for kind in set(before) - {"id"} for place in before[kind] if place.startswith("gold/")]
    logs = {place for kind in set(before) - {"id"} for place in before[kind] if "_delta_log" in place}
    assert {place for place in logs if not place.startswith("state/")} == set()
    lake = purged(copy(lakes.forgotten, tmp_path / "lake"), lakes.landing)
    assert found_in(lake) == {kind: set() for kind in PERSONAL}
    assert [row[0] for row in select_all(lake, "silver/people", "email")] == ["ben@example.org"]
    assert "T07,half,CUST-00010" in str(select_all(lake, "exception/tickets", "raw_record"))
    assert pipe(lake, lakes.landing, None).publisher().pending() == {}
    rebuilt = copy(lake, tmp_path / "rebuilt")
    pipe(rebuilt, lakes.landing, spark).rebuild(silver="tickets")
    pipe(rebuilt, lakes.landing, spark).rebuild()
    found, wanted = contents(rebuilt), contents(lake)
    for table in wanted:
        if table.startswith(("silver/", "gold/")):
            assert found[table] == wanted[table], table


def test_what_the_customer_did_stays_counted_as_nobody_s(lakes: Lakes) -> None:
    """Rows and figures stay, in Gold and in the ledger.

    The owner is told which deliveries to delete, which one nobody looked into, and which table.
    """
    held = select_all(lakes.forgotten, "silver/tickets", "ticket_id, customer_id, contact")
    assert held == [
        ("T01", "forgotten", None),
        ("T02", "CUST-00010", "ben@example.org"),
        ("T03", "forgotten", None),
        ("T08", "CUST-00010", "ben@example.org"),
        ("T12", "forgotten", None),
        ("T13", "CUST-00010", "ben@example.org"),
    ]
    before, after = contents(lakes.lake), contents(lakes.forgotten)
    for table in ("gold/ticket_flow_daily", "gold/backlog_daily", "state/ingestion_state"):
        assert after[table] == before[table], table
    assert lakes.forgot.unseen == (str(lakes.landing / "people" / "2024" / "05" / "2024-05-02.csv"),)
    assert lakes.forgot.unknown == ("gold/earlier",)
    assert [Path(source).name + Path(source).parts[-4] for source in lakes.forgot.sources] == [
        "2024-05-03.csvpeople",
        "2024-05-01.csvtickets",
        "2024-05-02.csvtickets",
    ]
    assert lakes.forgot.rows["silver/tickets"] == 3
    assert lakes.forgot.rows["silver/people"] == 1


@pytest.mark.engine
def test_later_loads_know_the_customer_again(lakes: Lakes, spark: SparkSession, tmp_path: Path) -> None:
    """A day with new and malformed records of the customer, and a list that still has one: nothing of it is kept.

    A row that was corrected before finds its exception.
    """
    lake = purged(copy(lakes.forgotten, tmp_path / "lake"), lakes.landing)
    (tmp_path / "contracts").symlink_to(lakes.landing.parent / "contracts")
    landing = copy(lakes.landing, tmp_path / "landing")
    mine = f",{WHO},ann@example.org"
    put(landing, "tickets", 4, HEADER, [ticket(9, "04 08:00") + mine, f"T10,half '{WHO}'", ticket(11, "x") + mine], 9)
    put(landing, "people", 4, PEOPLE_HEADER, [ANN, BEN], 9)
    report = pipe(lake, landing, spark).run(Choice())
    assert report.exit_code == 0
    assert {k: v for k, v in report.figures.items() if v} == {"read": 4, "inserted": 1, "unchanged": 1, "rejected": 2}
    asked = Asked("tickets", file=str(corrected(lakes, tmp_path)))
    assert pipe(lake, landing, spark).replay(asked).exit_code == 0
    assert ("T04", "resolved") in select_all(lake, "exception/tickets", "record_key, status")
    assert found_in(lake) == {kind: set() for kind in PERSONAL}
    held = select_all(lake, "silver/tickets", "ticket_id, customer_id, contact")
    assert {("T04", "forgotten", None), ("T09", "forgotten", None)} <= set(held)


def corrected(lakes: Lakes, folder: Path) -> Path:
    """A file that somebody made before the customer was forgotten, of one of the customer's records."""
    path = folder / "open.csv"
    export_exceptions(str(lakes.lake), load_contracts(lakes.landing.parent / "contracts")["tickets"], str(path))
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if "T04" in line)
    assert WHO in line
    path.write_text(f"{header}\n{line.replace('never', '2024-05-01 11:00:00')}\n", encoding="utf-8")
    return path


@pytest.mark.engine
def test_a_load_without_the_secret_or_with_another_keeps_nothing(
    lakes: Lakes, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hashes would know nobody again: the dataset fails before Bronze is written, and says what is missing."""
    lake = copy(lakes.forgotten, tmp_path / "lake")
    (tmp_path / "contracts").symlink_to(lakes.landing.parent / "contracts")
    landing = copy(lakes.landing, tmp_path / "landing")
    put(landing, "tickets", 4, HEADER, [ticket(9, "04 08:00") + f",{WHO},"], 9)
    before = DeltaTable(str(lake / "bronze" / "tickets")).version()
    for secret, said in (("", "no secret"), ("another secret, long enough", "not the secret")):
        monkeypatch.setenv("FORGET_SECRET", secret)
        report = pipe(lake, landing, spark).run(Choice(force=True, start=date(2024, 5, 4), end=date(2024, 5, 4)))
        assert said in str(report.days[0].error_message)
        assert (report.exit_code, SECRET in str(report)) == (1, False)
    assert DeltaTable(str(lake / "bronze" / "tickets")).version() == before
    with pytest.raises(UsageError, match="none is named"):
        pipe(lake, landing, spark, forget_key=None).forget([WHO])


LAST_COMMIT = 9


class Died(BaseException):
    """What stands in for a kill between two commits."""


@pytest.mark.engine
def test_dead_before_its_last_commit_it_goes_on(
    lakes: Lakes, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the customer's own record is left in Bronze: the same command leads to what an undisturbed one leads to."""
    lake, told = copy(lakes.lake, tmp_path / "lake"), []

    def tell(fence: Fence, session: SparkSession, **facts: Any) -> None:
        told.append(facts)
        if len(told) == LAST_COMMIT:
            raise Died
        tell_merge(fence, session, **facts)

    tell_merge = Fence.tell_merge
    monkeypatch.setattr(Fence, "tell_merge", tell)
    with pytest.raises(Died):
        pipe(lake, lakes.landing, spark).forget([WHO])
    monkeypatch.setattr(Fence, "tell_merge", tell_merge)
    expect_forgotten(lakes, lake, spark)


def expect_forgotten(lakes: Lakes, lake: Path, spark: SparkSession) -> None:
    """After one more go the lake is as an undisturbed one, and the owner is told of the same deliveries."""
    report, forgot = pipe(lake, lakes.landing, spark).forget([WHO])
    assert (report.exit_code, forgot.sources) == (0, lakes.forgot.sources)
    found, wanted = contents(lake), contents(lakes.forgotten)
    for table in wanted:
        if not table.startswith("state/"):
            assert found[table] == wanted[table], table
    assert not found_in(purged(lake, lakes.landing))["id"]


@pytest.mark.slow
def test_killed_while_silver_is_written_it_goes_on(lakes: Lakes, spark: SparkSession, tmp_path: Path) -> None:
    """SIGKILL, its JVM too."""
    lake = copy(lakes.lake, tmp_path / "lake")
    moment = appears(lake, "silver/tickets/_change_data/**/*.parquet")
    script = "import sys; from tests.e2e.test_forget import main; main(*sys.argv[1:])"
    command = [sys.executable, "-c", script, str(lake), str(lakes.landing)]
    process = subprocess.Popen(command, cwd=processes.ROOT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not moment():
        assert process.poll() is None, "ended before its moment"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    expect_forgotten(lakes, lake, spark)


def main(lake: str, landing: str) -> None:
    """The process to be killed."""
    with few_tables():
        pipe(Path(lake), Path(landing), None).forget([WHO])

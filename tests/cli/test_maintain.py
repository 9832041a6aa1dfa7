"""`opslake maintain` and `forget` as commands: what they print and end with. Starts no JVM."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable

from state.lease import acquire
from state.runs import Run, Runs
from tests.cli.conftest import Command
from tests.cli.tables import came, write_exceptions
from tests.contract_texts import TICKETS_OF_CUSTOMERS


@pytest.fixture
def owned(
    opslake: Command,  # noqa: ARG001  (it clears the environment, so it comes first)
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A lake with a rejected ticket and a malformed record, whose contract says what is personal."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "tickets.odcs.yaml").write_text(TICKETS_OF_CUSTOMERS, encoding="utf-8")
    monkeypatch.setenv("OPSLAKE_CONTRACTS", str(folder))
    raw = json.dumps({"ticket_id": "T1", "customer_id": "C1", "contact": "ann@example.org"})
    write_exceptions(
        root,
        {"exception_id": "aaaaaa11", "record_key": "T1", "raw_record": raw, "reject_reasons": ["unknown_status"]}
        | came(3, 1),
        {"exception_id": "bbbbbb22", "raw_record": "T2,ann@example.org", "reject_reasons": ["malformed_record"]}
        | came(3, 2),
    )
    return root


def test_a_dry_run_changes_nothing_and_takes_no_lease(opslake: Command, owned: Path) -> None:
    """Neither does it need one."""
    before = {path for path in owned.rglob("*") if path.is_file()}
    with acquire(str(owned), run_id="other", command="run", lease_seconds=60):
        held = {path for path in owned.rglob("*") if path.is_file()} - before
        answer = opslake("maintain", "--dry-run", "--json")
        assert {path for path in owned.rglob("*") if path.is_file()} - before == held
        assert (answer.code, answer.json["dry_run"], answer.json["figures"]["removed"]) == (0, True, 0)
        assert [table["table"] for table in answer.json["tables"]] == ["exception/tickets"]
        assert opslake("maintain").code == 75


def test_what_was_done_is_shown_per_table_and_kept_in_the_run_s_record(opslake: Command, owned: Path) -> None:
    """An old version's file is removed by a purge, which says what ends there."""
    runs = Runs(str(owned))
    for code in (0, 1):
        runs.put(Run("r", "opslake run", datetime(2026, 3, 3, tzinfo=UTC), exit_code=code))
    assert "nothing was done for" in opslake("maintain").out
    answer = opslake("maintain", "--purge")
    assert (answer.code, answer.line("state/runs").split()[0]) == (0, "state/runs")
    assert "time travel ends here" in answer.out
    assert runs.last()[0].figures["removed"] > 0
    assert len(DeltaTable(str(owned / "exception" / "tickets")).history()) == 1


def test_tables_that_nobody_knows_are_named(opslake: Command, owned: Path) -> None:
    """A purge leaves them alone, so they may hold what was forgotten; a folder that is no table doesn't count."""
    shutil.copytree(owned / "exception" / "tickets", owned / "silver" / "dropped")
    (owned / "silver" / "notes").mkdir()
    assert opslake("maintain", "--dry-run", "--json").json["unknown_tables"] == ["silver/dropped"]
    answer = opslake("maintain", "--purge")
    assert (answer.code, "silver/dropped" in answer.out, "notes" in answer.out) == (0, True, False)


@pytest.mark.usefixtures("owned")
def test_personal_data_is_masked_unless_it_is_asked_for(opslake: Command, tmp_path: Path) -> None:
    """In tables and in JSON; a file to correct records in isn't written without saying so."""
    for asked in ("aaaaaa11", "bbbbbb22"):
        for options in ((), ("--json",)):
            assert "ann@" not in opslake("exceptions", "show", asked, *options).out
            assert "ann@" in opslake("exceptions", "show", asked, *options, "--unmask").out
    file = tmp_path / "open.csv"
    refused = opslake("exceptions", "export", "tickets", "--to", str(file))
    assert (refused.code, "--unmask" in refused.err, file.exists()) == (2, True, False)
    assert opslake("exceptions", "export", "tickets", "--to", str(file), "--unmask").code == 0
    assert "ann@example.org" in file.read_text(encoding="utf-8")


def test_forget_says_what_it_needs_and_never_the_id(opslake: Command, owned: Path, tmp_path: Path) -> None:
    """Somebody to forget, a contract that says whose its rows are, and a secret; the run's record names nobody."""
    assert "say whom to forget" in opslake("forget").err
    assert "can't be read" in opslake("forget", "--file", str(tmp_path / "none")).err
    answer = opslake("forget", "--customer-id", "C1")
    assert (answer.code, "forget_key" in answer.err) == (2, True)
    record = Runs(str(owned)).last()[0]
    assert (record.command, "C1" in str(record)) == ("opslake forget", False)

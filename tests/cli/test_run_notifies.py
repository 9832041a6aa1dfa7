"""`opslake run` tells of what it leaves behind; days without a delivery need no Spark session."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from state.lease import acquire
from state.ledger import DayState, Ledger, Status
from state.runs import Run, Runs
from tests.cli.conftest import Command
from tests.http_receiver import Inbox

MISSING = "opslake: tickets of 2026-03-04 is missing"


@pytest.fixture(autouse=True)
def told(opslake: Command, inbox: Inbox, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake whose tickets of 2026-03-03 came, and a receiver."""
    del opslake  # for its environment, which is set first
    monkeypatch.setenv("OPSLAKE_NOTIFY", inbox.url)
    Ledger(str(root)).put(DayState("tickets", date(2026, 3, 3), Status.SUCCEEDED))


def test_a_missing_delivery_is_told_once_however_often_the_run_comes(opslake: Command, inbox: Inbox) -> None:
    """The first run's exit code is 1 for it, the others have nothing to do."""
    assert [opslake("run").code for _ in range(3)] == [1, 0, 0]
    assert inbox.titles == [MISSING]


def test_receivers_may_be_kept_in_a_secret(opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is then a reference; the one here is to a variable, others are to the clouds' stores of secrets."""
    monkeypatch.setenv("OUR_RECEIVERS", inbox.url)
    monkeypatch.setenv("OPSLAKE_NOTIFY", "env:OUR_RECEIVERS")
    assert opslake("run").code == 1
    assert inbox.titles == [MISSING]


def test_a_secret_that_is_not_there_is_reported_and_fails_no_run(
    opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its reference."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", "env:NOT_SET_ANYWHERE")
    answer = opslake("run")
    assert (answer.code, inbox.titles) == (1, [])
    assert "notify.failed" in answer.err
    assert "env:NOT_SET_ANYWHERE" in answer.err


def test_a_secret_that_is_not_there_keeps_no_other_receiver_from_being_told(
    opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported, by each run and by the test of receivers."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", f"env:NOT_SET_ANYWHERE {inbox.url}")
    answer = opslake("run")
    assert inbox.emptied() == [MISSING]
    assert "env:NOT_SET_ANYWHERE" in answer.err

    tried = opslake("check", "notifications")
    assert (tried.code, inbox.titles) == (1, ["opslake: a test"])
    assert "isn't set" in tried.line("notify[1]")
    assert "took the message" in tried.line("notify[2]")


def test_maintenance_ends_nothing_that_was_told_of_runs(
    opslake: Command, root: Path, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken contract ends a run, a day later no run was well; `maintain` is well in between, and never too long."""
    then = datetime(2026, 3, 4, tzinfo=UTC)
    Runs(str(root)).put(Run("r1", "opslake run", then, then, 0))
    Ledger(str(root)).put(DayState("tickets", date(2026, 3, 4), Status.SUCCEEDED))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tickets.odcs.yaml").write_text("kind: Nonsense\n")
    told = []
    for _ in range(2):
        opslake("--contracts", str(broken), "run")
        opslake("check", "freshness")
        monkeypatch.setenv("OPSLAKE_RUN_SLA_MINUTES", "0.00001")
        assert opslake("maintain").code == 0
        monkeypatch.delenv("OPSLAKE_RUN_SLA_MINUTES")
        told.append(inbox.emptied())

    assert told == [["opslake: the run failed (ContractError)", "opslake: no run in 24 hours"], []]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("rebuild", ["rebuild", "--all"]), ("replay", ["exceptions", "replay", "tickets"]), ("maintain", ["maintain"])],
)
def test_another_command_that_an_error_ends_is_told_by_its_name(
    opslake: Command, inbox: Inbox, tmp_path: Path, name: str, arguments: list[str]
) -> None:
    """Once until it is well, which a run doesn't make it; wrong usage of it isn't told."""
    opslake("run")
    inbox.emptied()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tickets.odcs.yaml").write_text("kind: Nonsense\n")
    for words in (["--contracts", str(broken), *arguments], ["run"], ["--contracts", str(broken), *arguments]):
        opslake(*words)
    assert inbox.emptied() == [f"opslake: {name} failed (ContractError)"]

    assert opslake(*arguments, "--nonsense").code == 2
    assert opslake(*arguments).code == 0
    assert opslake("--contracts", str(broken), *arguments).code == 2
    assert inbox.titles == [f"opslake: {name} failed (ContractError)"]


def test_a_broken_contract_is_told_once_and_again_after_a_run_that_was_well(
    opslake: Command, inbox: Inbox, tmp_path: Path
) -> None:
    """Broken twice, well, broken: two messages, and exit code 2 as ever."""
    opslake("run")
    inbox.emptied()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "tickets.odcs.yaml").write_text("kind: Nonsense\n")
    codes = [opslake("--contracts", str(broken), "run").code for _ in range(2)]
    codes.append(opslake("run").code)
    codes.append(opslake("--contracts", str(broken), "run").code)

    assert codes == [2, 2, 0, 2]
    assert inbox.titles == ["opslake: the run failed (ContractError)"] * 2
    assert "tickets.odcs.yaml" in inbox.letters[0]["message"]


def test_wrong_usage_and_a_lake_that_is_held_are_told_to_nobody(opslake: Command, root: Path, inbox: Inbox) -> None:
    """Who typed it sees it; who holds the lake will be done."""
    assert opslake("run", "--dataset", "tikets").code == 2
    with acquire(str(root), run_id="r9", command="opslake run", lease_seconds=60):
        assert opslake("run").code == 75

    assert inbox.titles == []


def test_a_run_that_lasts_longer_than_its_limit_is_told_once(
    opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again once a quick one was in between."""
    opslake("run")
    inbox.emptied()
    for minutes in ("0.00001", "0.00001", "60", "0.00001"):
        monkeypatch.setenv("OPSLAKE_RUN_SLA_MINUTES", minutes)
        assert opslake("run").code == 0

    assert len(inbox.titles) == 2
    assert all(title.startswith("opslake: a run took") for title in inbox.titles)


@pytest.mark.parametrize("url", ["nosuch://hunter2", "json://robot:hunter2@127.0.0.1:1/secret-path"])
def test_a_wrong_or_dead_receiver_is_reported_and_changes_no_exit_code(
    opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Without its secrets; once there is a receiver again the message goes out."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", url)
    answer = opslake("run")

    assert answer.code == 1
    assert "notify.failed" in answer.err
    assert "hunter2" not in answer.out + answer.err
    assert "secret-path" not in answer.out + answer.err

    monkeypatch.setenv("OPSLAKE_NOTIFY", inbox.url)
    assert opslake("run").code == 0
    assert inbox.titles == [MISSING]


def test_a_receiver_that_was_dead_gets_the_message_and_the_others_no_second_one(
    opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each receiver is remembered by itself."""
    other = inbox.url.replace("secret-path", "other")
    opslake("run")
    monkeypatch.setenv("OPSLAKE_NOTIFY", f"{inbox.url} {other}")
    opslake("run")

    assert inbox.titles == [MISSING, MISSING]


def test_a_slow_receiver_does_not_hold_the_run(opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left after the set time; the exit code stays."""
    monkeypatch.setenv("OPSLAKE_NOTIFY_SECONDS", "0.2")
    inbox.delay = 2
    answer = opslake("run")

    assert answer.code == 1
    assert "it took too long" in answer.err


def test_a_wrong_setting_does_not_show_what_it_holds(opslake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that isn't one: exit code 2 without the addresses."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", '["json://robot:hunter2@host"')
    answer = opslake("status")

    assert answer.code == 2
    assert "setting 'notify'" in answer.err
    assert "hunter2" not in answer.err


def test_addresses_in_the_file_are_a_list(
    opslake: Command, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`notify` in opslake.toml."""
    monkeypatch.delenv("OPSLAKE_NOTIFY")
    (tmp_path / "opslake.toml").write_text(f'notify = ["{inbox.url}"]\n')
    opslake("run")

    assert inbox.titles == [MISSING]

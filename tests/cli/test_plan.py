"""`opslake plan`: what a run would do and why, without doing any of it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from spark_jobs import tries
from state.lease import acquire
from state.ledger import DayState, Ledger, Status
from state.progress import Progress, TableProgress
from tests.cli.conftest import Command
from tests.cli.tables import came, write, write_silver


def deliver(landing: Path, day: int, text: str = "ticket_id\nT1\n", dataset: str = "tickets") -> Path:
    """A file of a day of March 2026."""
    file = landing / dataset / "2026" / "03" / f"2026-03-{day:02}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def everything(folder: Path) -> dict[str, int]:
    """Every file below a folder with the time of its last change."""
    return {str(p): p.stat().st_mtime_ns for p in sorted(folder.rglob("*"))}


def test_days_to_load_come_with_reason_file_and_size(opslake: Command, landing: Path) -> None:
    """In order of their dates, paths below the landing root."""
    deliver(landing, 3)
    deliver(landing, 4, "x" * 1500)

    answer = opslake("plan")

    assert answer.code == 0
    first = answer.line("2026-03-03").split()
    assert first == [
        "tickets",
        "2026-03-03",
        "load",
        "1",
        "13",
        "B",
        "tickets/2026/03/2026-03-03.csv",
        "new",
        "delivery",
    ]
    assert "1.5 kB" in answer.line("2026-03-04")
    assert "days: 2 to load" in answer.out


def test_it_writes_nothing_and_takes_no_lease(opslake: Command, landing: Path, root: Path, tmp_path: Path) -> None:
    """Neither in a lake that doesn't exist nor in one that does."""
    deliver(landing, 4)
    assert opslake("plan").code == 0
    assert not root.exists()

    Ledger(str(root)).put(DayState("tickets", date(2026, 3, 3), Status.FAILED, 1))
    before = everything(tmp_path)
    assert opslake("plan", "--json").json["days"]

    assert everything(tmp_path) == before


def test_missing_and_skipped_days_say_until_when(opslake: Command, landing: Path) -> None:
    """Days whose time is over fail for tickets; agents needn't come at all."""
    deliver(landing, 2)
    deliver(landing, 2, "agent_id\nA1\n", "agents_master")

    days = opslake("plan", "--json").json["days"]

    assert {(d["dataset"], d["logical_date"]): d["action"] for d in days} == {
        ("agents_master", "2026-03-02"): "load",
        ("agents_master", "2026-03-03"): "skip",
        ("agents_master", "2026-03-04"): "skip",
        ("tickets", "2026-03-02"): "load",
        ("tickets", "2026-03-03"): "missing",
        ("tickets", "2026-03-04"): "missing",
    }
    missing = opslake("plan").line("tickets", "2026-03-03", "missing")
    assert "no delivery until 2026-03-05 00:00 UTC: tickets/2026/03/2026-03-03.csv" in missing


def test_a_day_whose_time_is_not_over_waits(opslake: Command, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday's delivery may come until midnight of today; this test lives in the present."""
    today = datetime.now(UTC).date()
    monkeypatch.setenv("OPSLAKE_TODAY", str(today))
    before = today - timedelta(days=2)
    file = landing / f"tickets/{before:%Y/%m/%Y-%m-%d}.csv"
    file.parent.mkdir(parents=True)
    file.write_text("ticket_id\n")

    row = opslake("plan").line("tickets", str(today - timedelta(days=1)))

    assert " wait " in row
    assert f"may come until {today + timedelta(days=1)} 00:00 UTC" in row


def test_many_days_are_stretches(opslake: Command, landing: Path) -> None:
    """40 days to load in February and January are two lines around the one that is missing."""
    for number in range(40):
        day = date.fromordinal(date(2026, 1, 20).toordinal() + number)
        if number != 20:
            file = landing / f"tickets/{day:%Y/%m/%Y-%m-%d}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("ticket_id\n")

    answer = opslake("plan", "--end", "2026-02-28")

    assert answer.line("2026-01-20 to 2026-02-08 (20 days)", "load", "…")
    assert answer.line("2026-02-09", "missing")
    assert answer.line("2026-02-10 to 2026-02-28 (19 days)", "load")


def test_a_choice_narrows_the_plan(opslake: Command, landing: Path) -> None:
    """`--date`, `--start` with `--end`, `--dataset` and `--max-days` as a run takes them."""
    for day in (1, 2, 3, 4):
        deliver(landing, day)

    def planned(*options: str) -> list[str]:
        return [d["logical_date"][-2:] for d in opslake("plan", "--json", *options).json["days"]]

    assert planned("--date", "2026-03-02") == ["02"]
    assert planned("--start", "2026-03-02", "--end", "2026-03-03") == ["02", "03"]
    assert planned("--max-days", "1") == ["01"]
    assert planned("--dataset", "agents_master") == []


def test_gold_tables_that_would_be_computed_follow_from_what_is_loaded(opslake: Command, landing: Path) -> None:
    """In a new lake every table is new; with nothing to load there are none."""
    assert opslake("plan").out == "nothing is due\n"

    deliver(landing, 4)
    gold = {g["table"]: g for g in opslake("plan", "--json").json["gold"]}

    assert gold["features_daily"] == {"table": "features_daily", "reason": "new table", "whole": True}
    assert "daily_ops_metrics" in gold


def test_a_changed_definition_is_told_beforehand(opslake: Command, root: Path) -> None:
    """A table of another fingerprint would be rebuilt whole although nothing is to be loaded."""
    write_silver(root, {"ticket_id": "T1", "created_date": date(2026, 3, 4), **came(4, 1)})
    write(root, "gold", "features_daily", {"ops_date": pa.date32()}, [{"ops_date": date(2026, 3, 4)}])
    Ledger(str(root)).put(DayState("tickets", date(2026, 3, 4), Status.SUCCEEDED, 1, loaded=("a" * 12,)))
    Progress(str(root)).put(
        TableProgress("features_daily", {"tickets": 0}, date(2026, 3, 4), fingerprint="of another definition")
    )

    row = opslake("plan").line("features_daily")

    assert row.split() == ["features_daily", "whole", "its", "definition", "changed"]


def test_who_holds_the_lake_is_told(opslake: Command, root: Path, landing: Path) -> None:
    """A run now would be refused; the plan is shown all the same."""
    deliver(landing, 4)
    with acquire(str(root), run_id="r9", command="opslake run", lease_seconds=60):
        answer, found = opslake("plan"), opslake("plan", "--json").json

    assert answer.code == 0
    assert "exit 75" in answer.line("run r9 holds the lake")
    assert answer.line("2026-03-04", "load")
    assert found["held_by"]["run_id"] == "r9"


def test_options_that_contradict_are_wrong_usage(opslake: Command) -> None:
    """Exit code 2 and a hint each."""
    assert opslake("plan", "--date", "2026-03-01", "--end", "2026-03-02").code == 2
    assert "swap them" in opslake("plan", "--start", "2026-03-02", "--end", "2026-03-01").err
    assert opslake("plan", "--force").code == 2
    assert "did you mean 'tickets'?" in opslake("plan", "--dataset", "ticket").err


def test_no_jvm_is_started(opslake: Command, landing: Path) -> None:
    """In a process of its own, with Gold tables to look at."""
    del opslake  # for its environment
    deliver(landing, 4)
    code = (
        "import sys; sys.argv = ['opslake', 'plan']\nfrom spark_jobs.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "from pyspark import SparkContext; assert SparkContext._gateway is None"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "features_daily" in done.stdout


def test_a_source_that_does_not_answer_is_told_and_the_others_are_planned(
    opslake: Command, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server's address; who asks, and by which password, isn't shown."""
    deliver(landing, 2)
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))
    monkeypatch.setenv("WEB_COMPLAINTS_URL", "postgresql://127.0.0.1:1/complaints")
    monkeypatch.setenv("WEB_COMPLAINTS_USER", "reader")
    monkeypatch.setenv("WEB_COMPLAINTS_PASSWORD", "s3cret")

    answer, found = opslake("plan"), opslake("plan", "--json")

    assert "web_complaints can't be asked" in answer.out
    assert [s["dataset"] for s in found.json["silent"]] == ["web_complaints"]
    assert "postgres://127.0.0.1:1/complaints" in found.json["silent"][0]["error"]
    assert "load" in answer.line("tickets", "2026-03-02", "new delivery")
    assert "s3cret" not in answer.out + answer.err + found.out + found.err

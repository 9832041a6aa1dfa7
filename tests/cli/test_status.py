"""`opslake status`: days, what is open, who holds the lake."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from spark_jobs.contract import load_contracts
from state.landing import Delivery
from state.lease import acquire
from state.ledger import DayState, Figures, Ledger, Status
from state.progress import Progress, TableProgress
from state.runs import Run, Runs
from tests.cli.conftest import Command

WHEN = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)


def day(number: int, status: Status = Status.SUCCEEDED, dataset: str = "tickets", **facts: Any) -> DayState:
    """A day of March 2026 in the ledger."""
    return DayState(dataset, date(2026, 3, number), status, 1, "r1", **facts)


def test_a_lake_that_does_not_exist_is_told_kindly_and_stays_away(opslake: Command, root: Path) -> None:
    """Exit code 0, a hint what to do, and no folder appears."""
    answer = opslake("status")

    assert answer.code == 0
    assert "holds nothing yet" in answer.out
    assert "opslake plan" in answer.out
    assert not root.exists()


def test_a_day_is_shown_with_its_figures_ratio_delivery_and_time(opslake: Command, root: Path) -> None:
    """20 read, 3 of them rejected: 15.0%."""
    file = Delivery("/l/a.csv", 10, "abcdef012345" + "0" * 52, WHEN)
    figures = Figures(read=20, inserted=17, rejected=3, warnings={"resolution_hours_off": 2})
    Ledger(str(root)).put(day(4, figures=figures, deliveries=(file,), finished_at=WHEN))

    row = opslake("status").line("tickets", "2026-03-04", "SUCCEEDED")

    counts = ["20", "17", "0", "0", "0", "0", "3", "15.0%"]
    when = ["2026-03-04", "06:30"]
    assert row.split()[3:] == [*counts, "abcdef012345", *when, "resolution_hours_off:", "2"]


def test_only_the_latest_days_are_shown(opslake: Command, root: Path) -> None:
    """`--days 2` of four days, the latest first."""
    Ledger(str(root)).put(*(day(n) for n in (1, 2, 3, 4)))

    shown = [line.split()[1] for line in opslake("status", "--days", "2").out.splitlines() if "SUCCEEDED" in line]

    assert shown == ["2026-03-04", "2026-03-03"]


def test_skipped_days_in_a_row_are_one_line_and_do_not_count(opslake: Command, root: Path) -> None:
    """The last list of agents is shown although days without one came after it."""
    skipped = [day(n, Status.SKIPPED, "agents_master") for n in (2, 3, 4)]
    Ledger(str(root)).put(day(1, dataset="agents_master"), *skipped)

    answer = opslake("status", "--dataset", "agents_master", "--days", "1")

    assert "2026-03-02 to 2026-03-04" in answer.line("SKIPPED")
    assert "2026-03-01" in answer.line("agents_master", "SUCCEEDED")


def test_what_is_open_is_named_with_its_reason(opslake: Command, root: Path) -> None:
    """A failed day with its message, days that the ledger lacks as one stretch up to yesterday."""
    Ledger(str(root)).put(day(1), day(2, Status.FAILED, error_message="no delivery until then"))

    gaps = opslake("status", "--json", "--dataset", "tickets").json["datasets"][0]["gaps"]

    assert [(g["first"], g["last"], g["status"], g["days"], g["message"]) for g in gaps] == [
        ("2026-03-02", "2026-03-02", "FAILED", 1, "no delivery until then"),
        ("2026-03-03", "2026-03-04", "NOT LOADED", 2, None),
    ]
    assert "2026-03-03 to 2026-03-04 (2 days) NOT LOADED" in opslake("status").out


def test_days_without_a_delivery_are_not_open_where_they_may_be(opslake: Command, root: Path) -> None:
    """agents_master comes when it changes."""
    Ledger(str(root)).put(day(1, dataset="agents_master"))

    assert opslake("status", "--dataset", "agents_master", "--json").json["datasets"][0]["gaps"] == []


def test_the_horizon_is_the_last_day_in_silver(opslake: Command, root: Path) -> None:
    """A failed day that never reached Silver doesn't count; reference data has none."""
    Ledger(str(root)).put(
        day(2, loaded=("a" * 12,)), day(3, Status.FAILED), day(4, dataset="agents_master", loaded=("b" * 12,))
    )

    datasets = opslake("status", "--json").json["datasets"]

    horizons = {d["dataset"]: d["horizon"] for d in datasets}
    assert (horizons["tickets"], horizons["agents_master"]) == ("2026-03-02", None)


def test_who_holds_the_lake_is_told_and_its_days_are_not_open(opslake: Command, root: Path) -> None:
    """A living run and the day that it has under way."""
    started = datetime.now(UTC)
    Runs(str(root)).put(Run("r1", "opslake run", started))
    Ledger(str(root)).put(day(4, Status.RUNNING))
    with acquire(str(root), run_id="r1", command="opslake run", lease_seconds=60):
        answer, found = opslake("status"), opslake("status", "--json").json

    assert f"process {os.getpid()}" in answer.line("lease", "run r1 since")
    assert "running" in answer.line("last run")
    assert found["lease"]["held"] is True
    assert found["datasets"][1]["gaps"] == []


def test_a_run_that_died_is_told_from_one_that_runs(opslake: Command, root: Path) -> None:
    """It has no end and nobody holds the lake; its day is open."""
    Runs(str(root)).put(Run("r1", "opslake run", WHEN))
    Ledger(str(root)).put(day(4, Status.RUNNING))

    answer = opslake("status")

    assert "died without an end" in answer.line("last run")
    assert "free" in answer.line("lease")
    assert answer.line("open", "RUNNING")


def test_gold_tables_that_are_not_ok_are_named(opslake: Command, root: Path) -> None:
    """With what their progress record says; the others are counted."""
    Runs(str(root)).put(Run("r1", "opslake run", WHEN, WHEN, 1))
    good = TableProgress("fact_tickets", horizon=date(2026, 3, 4))
    bad = TableProgress("backlog_daily", status="FAILED", message="backlog_size is negative")
    Progress(str(root)).put(good, bad)

    answer = opslake("status")

    assert "1 table ok up to 2026-03-04" in answer.out
    assert answer.line("backlog_daily FAILED: backlog_size is negative")
    assert "exit code 1" in answer.line("last run")


def test_json_holds_every_field_of_a_day(opslake: Command, root: Path) -> None:
    """Figures as an object, deliveries with path and checksum, the ratio beside them."""
    file = Delivery("/l/a.csv", 10, "ab" * 32, WHEN)
    Ledger(str(root)).put(day(4, figures=Figures(read=4, inserted=3, rejected=1), deliveries=(file,), silver_version=7))

    (found,) = opslake("status", "--dataset", "tickets", "--json").json["datasets"][0]["days"]

    assert found["figures"]["rejected"] == 1
    assert found["reject_ratio"] == 0.25
    assert found["deliveries"] == [
        {"path": "/l/a.csv", "size": 10, "checksum": "ab" * 32, "modified": "2026-03-04T06:30:00+00:00", "token": ""}
    ]
    assert found["silver_version"] == 7


def test_an_unknown_dataset_is_wrong_usage(opslake: Command) -> None:
    """Exit code 2, with what is allowed and what was meant."""
    answer = opslake("status", "--dataset", "tikets")

    assert answer.code == 2
    assert f"allowed: {', '.join(load_contracts())}" in answer.err
    assert "did you mean 'tickets'?" in answer.err


def test_three_years_of_four_datasets_take_no_spark_and_little_time(opslake: Command, root: Path) -> None:
    """A process of its own, in processor time, which other processes on the machine change little; about 0.6 s."""
    del opslake  # for its environment
    names = ("tickets", "agents_master", "calls", "complaints")
    first = date(2023, 3, 6)
    Ledger(str(root)).put(
        *(
            DayState(
                name, first + timedelta(days=n), Status.SUCCEEDED, 1, "r1", Figures(read=9, inserted=9), loaded=("a",)
            )
            for name in names
            for n in range(1096)
        )
    )
    code = (
        "import sys; sys.argv = ['opslake', 'status']\nfrom spark_jobs.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'pyspark', 'pandas', 'pyarrow'} & set(sys.modules); assert not heavy, heavy"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SUCCEEDED") == 7 * 4
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5

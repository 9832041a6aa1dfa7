"""A submitted job: settings among its arguments, what the platform adds, and its last event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from signal import SIGTERM

import pytest

from spark_jobs.submitted import split_arguments, take_settings
from state.ledger import DayState, Ledger, Status
from state.runs import Runs
from tests.e2e.processes import HEADER, appears, put, ticket

ROOT = Path(__file__).parents[1]


def test_settings_among_the_arguments_become_variables() -> None:
    """In both ways of writing them; the later wins, also over what the environment had."""
    environment = {"OPSLAKE_LANDING": "there"}
    given = ["--OPSLAKE_LAKE", "s3://a", "--date", "2026-01-31", "--OPSLAKE_LANDING=s3://b", "--OPSLAKE_LAKE", "s3://c"]
    assert take_settings(given, environment) == ["--date", "2026-01-31"]
    assert environment == {"OPSLAKE_LAKE": "s3://c", "OPSLAKE_LANDING": "s3://b"}


def test_arguments_that_glue_gives_every_job_are_set_aside() -> None:
    """Those of deploy/aws/spark.tf, as Glue hands them to the script."""
    glue = [
        "--JOB_NAME",
        "daily",
        "--enable-metrics",
        "true",
        "--datalake-formats",
        "delta",
        "--conf",
        "a=b --conf c=d",
    ]
    glue += ["--extra-py-files", "s3://p/opslake.zip", "--additional-python-modules", "s3://p/requirements.txt"]
    glue += ["--datalake-formats", "delta", "--python-modules-installer-option", "-r", "--job-language", "python"]
    assert split_arguments(take_settings([*glue, "--date", "2026-01-31"], {})) == ([], ["--date", "2026-01-31"])


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        (["--dataset", "calls"], 0, {"event": "run.done"}),
        (["--date", "2026-03-03"], 1, {"event": "run.failed", "exit_code": 1}),
        (["--OPSLAKE_LEASE_SECONDS", "many"], 2, {"event": "run.failed", "exit_code": 2}),
    ],
)
def test_the_last_event_says_whether_the_run_was_well(
    arguments: list[str], code: int, last: dict[str, object], tmp_path: Path
) -> None:
    """Alerts of both clouds look for it: nothing due, a missing delivery, a setting that can't be meant."""
    (tmp_path / "landing").mkdir()
    Ledger(str(tmp_path / "lake")).put(DayState("tickets", date(2026, 3, 2), Status.SUCCEEDED))
    given = {"OPSLAKE_LAKE": "lake", "OPSLAKE_LANDING": "landing", "OPSLAKE_TODAY": "2026-03-06"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "spark_jobs" / "daily.py"), *arguments],
        env={**os.environ, **given, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {**events[-1], **last} == events[-1]


@pytest.mark.spark
def test_a_job_that_is_told_to_end_while_it_loads_says_so_first(tmp_path: Path) -> None:
    """Its record and its last event have the exit code that SIGTERM gives a process."""
    lake, landing = tmp_path / "lake", tmp_path / "landing"
    put(landing, "tickets", 1, HEADER, [ticket(1, "01 08:00")], 1)
    given = {"OPSLAKE_LAKE": str(lake), "OPSLAKE_LANDING": str(landing), "OPSLAKE_TODAY": "2024-05-02"}
    loading = appears(lake, "bronze/tickets/_delta_log/*.json")
    with (tmp_path / "log").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "spark_jobs" / "daily.py"), "--dataset", "tickets"],
            env={**os.environ, **given, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stderr=told,
        )
        while process.poll() is None and not loading():
            time.sleep(0.01)
        process.send_signal(SIGTERM)
        code = process.wait(timeout=120)
    errors = (tmp_path / "log").read_text(encoding="utf-8")
    assert code == 128 + SIGTERM, errors
    events = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    assert [e["exit_code"] for e in events if e["event"] == "run.failed"] == [128 + SIGTERM]
    assert events[-1]["event"] == "run.failed"
    record = Runs(str(lake)).last()[0]
    assert (record.exit_code, record.finished_at is not None, "SIGTERM" in str(record.error)) == (143, True, True)

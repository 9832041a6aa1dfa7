"""`make plan-gcp` and the like say what is missing, all at once, before anything is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERRAFORM = """#!/bin/sh
printf '%s\\n' "$TF_VAR_release $*" >> "$CALLS"
case "$*" in *"$FAILS"*) exit 3;; esac
"""


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, with nothing in its environment but a PATH and what is given."""
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([*arguments], capture_output=True, text=True, env=given, cwd=cwd)


@pytest.mark.parametrize("target", ["plan-gcp", "deploy-gcp", "plan-aws", "deploy-aws"])
def test_everything_that_is_missing_is_named_at_once(target: str, tmp_path: Path) -> None:
    """Terraform, credentials, the state's bucket and variables; nothing is set up or built meanwhile."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, tool in (("make", shutil.which("make")), ("sh", shutil.which("sh")), ("python3", sys.executable)):
        assert tool is not None
        (tools / name).symlink_to(tool)
    done = run("make", target, PATH=str(tools), HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    told = [line for line in done.stderr.splitlines() if line.startswith("  - ")]
    wanted = ["terraform 1.10 or later", "credentials: ", "STATE_BUCKET: "]
    wanted += ["variable project_id (Project that everything is made in)"] if target.endswith("gcp") else []
    wanted += ["variable alert_emails (Addresses that are told of a failed"]
    assert [line[4 : 4 + len(start)] for line, start in zip(told, wanted, strict=True)] == wanted


@pytest.fixture
def ready(tmp_path: Path) -> dict[str, str]:
    """A tree of the deployment's own files with a Terraform that notes how it is called, and an environment for it."""
    tree = tmp_path / "tree"
    (tree / "deploy" / "gcp").mkdir(parents=True)
    for file in ("cloud.py", "gcp/variables.tf"):
        (tree / "deploy" / file).write_bytes((ROOT / "deploy" / file).read_bytes())
    (tree / "deploy" / "gcp" / "terraform.tfvars").write_text('project_id = "p"\n', encoding="utf-8")
    (tree / "deploy" / "gcp" / "terraform.tfvars.example").write_text("alert_emails = []\n", encoding="utf-8")
    (tmp_path / "terraform").write_text(TERRAFORM, encoding="utf-8")
    (tmp_path / "terraform").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    calls = str(tmp_path / "calls")
    return {
        "PATH": path,
        "CALLS": calls,
        "FAILS": "-",
        "STATE_BUCKET": "b",
        "GOOGLE_CREDENTIALS": "{}",
        "RELEASE": "abc",
    }


def test_a_variable_counts_from_a_file_and_from_the_environment_but_not_from_the_example(
    tmp_path: Path, ready: dict[str, str]
) -> None:
    """`alert_emails` is in the example only."""
    check = [sys.executable, "deploy/cloud.py", "gcp", "check"]
    done = run(*check, cwd=tmp_path / "tree", **ready)
    assert done.returncode == 2
    assert [line[:25] for line in done.stderr.splitlines()[1:-1]] == ["  - variable alert_emails"]
    assert run(*check, cwd=tmp_path / "tree", **ready, TF_VAR_alert_emails="[]").returncode == 0
    (tmp_path / "tree/deploy/gcp/given.auto.tfvars.json").write_text('{"alert_emails": []}', encoding="utf-8")
    assert run(*check, cwd=tmp_path / "tree", **ready).returncode == 0


@pytest.mark.parametrize(("step", "words"), [("plan", ["init", "plan"]), ("apply", ["init", "plan", "apply"])])
def test_what_is_applied_is_what_was_planned(
    step: str, words: list[str], tmp_path: Path, ready: dict[str, str]
) -> None:
    """Both know the release; the state is in the bucket that was named."""
    done = run(
        sys.executable, "deploy/cloud.py", "gcp", step, cwd=tmp_path / "tree", **{**ready, "FAILS": "no such"},
        TF_VAR_alert_emails="[]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = [line.split() for line in (tmp_path / "calls").read_text(encoding="utf-8").splitlines()]
    assert [call[0] for call in calls] == ["abc"] * len(words)
    assert [call[2] for call in calls] == words
    assert "-backend-config=bucket=b" in calls[0]
    assert calls[1][-1] == "-out=gcp.tfplan"
    assert [call[-1] for call in calls[2:]] == ["gcp.tfplan"] * (len(words) - 2)


def test_a_plan_that_fails_is_not_applied(tmp_path: Path, ready: dict[str, str]) -> None:
    """Terraform's own exit code is handed on."""
    environment = {**ready, "FAILS": "-out=", "TF_VAR_alert_emails": "[]"}
    done = run(sys.executable, "deploy/cloud.py", "gcp", "apply", cwd=tmp_path / "tree", **environment)
    assert done.returncode == 3
    assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) == 2

"""Terraform run on copies of our files, with stand-ins for the providers; no state is kept and no cloud is asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.provider_server import serving
from tests.deploy.terraform_check import module_of

ROOT = Path(__file__).parents[2]
PROVIDERS = {"gcp": "google", "aws": "aws"}
TERRAFORM = shutil.which("terraform")

needs_terraform = pytest.mark.skipif(
    TERRAFORM is None,
    reason="no terraform on the PATH (1.10 or later); where it is, the workflow terraform.yml validates",
)


class Refused(Exception):
    """Terraform's own words."""


def copy_of(cloud: str, folder: Path) -> None:
    """A cloud's files without their backend, and the example's variables."""
    for file in (ROOT / "deploy" / cloud).iterdir():
        if file.suffix in (".tf", ".json"):
            shutil.copy(file, folder)
    shutil.copy(ROOT / "deploy" / cloud / "terraform.tfvars.example", folder / "terraform.tfvars")
    versions = (folder / "versions.tf").read_text(encoding="utf-8")
    without = re.sub(r'  backend "\w+" \{.*?\n  \}\n', "", versions, flags=re.DOTALL)
    (folder / "versions.tf").write_text(without, encoding="utf-8")


def terraform(cloud: str, folder: Path, *commands: list[str]) -> str:
    """The last command's output; Refused by the first one that fails."""
    wanted = {(kind, type_name) for _, kind, type_name, _, _ in module_of(cloud).things()}
    output = ""
    with serving(PROVIDERS[cloud], wanted) as found:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1", **found}
        for name, *words in commands:
            command = [str(TERRAFORM), f"-chdir={folder}", name, "-no-color", *words]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
            if done.returncode != 0:
                raise Refused(done.stdout + done.stderr)
            output = done.stdout
    return output


def planned(cloud: str, folder: Path, **variables: object) -> dict[str, dict[str, Any]]:
    """What a first deployment with these variables would make: the values that are known, by address."""
    inner = folder / "deploy" / cloud
    inner.mkdir(parents=True)
    copy_of(cloud, inner)
    for file in ("spark_jobs/daily.py", "spark_jobs/backfill.py", ".ivy/jars/4.0/delta-spark.jar"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (inner / "given.auto.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    plan = ["plan", "-input=false", "-lock=false", "-out=plan"]
    text = terraform(cloud, inner, ["init", "-input=false"], plan, ["show", "-json", "plan"])
    changes = json.loads(text)["resource_changes"]
    return {one["address"]: one["change"]["after"] for one in changes if one["mode"] == "managed"}


def environment(plan: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The variables of the trigger function, those that are known."""
    if "google_cloudfunctions2_function.trigger" in plan:
        return dict(plan["google_cloudfunctions2_function.trigger"]["service_config"][0]["environment_variables"])
    return dict(plan["aws_lambda_function.trigger"]["environment"][0]["variables"])

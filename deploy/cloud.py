"""Plan or apply the Terraform of one cloud: `cloud.py gcp|aws check|plan|apply`. `make plan-gcp` and the like call it.

Needs nothing but Python and Terraform. What is missing is said at once and all together, before anything is built.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLOUDS = ("gcp", "aws")
STEPS = ("check", "plan", "apply")
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.DOTALL | re.MULTILINE)
GIVEN = re.compile(r"^\s*(\w+)\s*=", re.MULTILINE)
CREDENTIALS: Mapping[str, tuple[Sequence[str], Sequence[str], str]] = {
    "gcp": (
        ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"),
        (".config/gcloud/application_default_credentials.json",),
        "gcloud auth application-default login",
    ),
    "aws": (
        ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        (".aws/credentials", ".aws/config"),
        "aws configure sso, or aws configure",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """The exit code: Terraform's own, or 2 where something is missing."""
    if len(arguments) != 2 or arguments[0] not in CLOUDS or arguments[1] not in STEPS:
        print(f"usage: cloud.py {'|'.join(CLOUDS)} {'|'.join(STEPS)}", file=sys.stderr)
        return 2
    cloud, step = arguments
    lacking = list(missing(cloud, ROOT / "deploy" / cloud, os.environ))
    if lacking:
        print(f"{step} on {cloud} needs:", *(f"  - {one}" for one in lacking), sep="\n", file=sys.stderr)
        print("docs/runbook.md, First deployment, has the steps", file=sys.stderr)
        return 2
    return 0 if step == "check" else _terraform(cloud, step)


def missing(cloud: str, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """What has to be there before Terraform can do anything, each with what to do."""
    if shutil.which("terraform", path=environment.get("PATH")) is None:
        yield "terraform 1.10 or later on the PATH"
    variables, files, command = CREDENTIALS[cloud]
    home = Path(environment.get("HOME", "~")).expanduser()
    if not any(environment.get(name) for name in variables) and not any((home / file).is_file() for file in files):
        yield f"credentials: {command}; or one of {', '.join(variables)}"
    if not environment.get("STATE_BUCKET"):
        yield "STATE_BUCKET: the bucket that keeps Terraform's state, made once by hand"
    given = {name for file in folder.glob("*.tfvars*") if file.suffix != ".example" for name in _given(file)}
    for name, about in _required(folder):
        if name not in given and f"TF_VAR_{name}" not in environment:
            yield f"variable {name} ({about}): in deploy/{cloud}/terraform.tfvars, or as TF_VAR_{name}"


def _given(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    return list(json.loads(text)) if file.suffix == ".json" else GIVEN.findall(text)


def _required(folder: Path) -> Iterator[tuple[str, str]]:
    """Variables without a default, and what they are."""
    for name, body in VARIABLE.findall((folder / "variables.tf").read_text(encoding="utf-8")):
        if not re.search(r"^\s*default\s*=", body, re.MULTILINE):
            about = re.search(r'description\s*=\s*"(.*)"', body)
            yield name, about[1].rstrip(".") if about else "no description"


def _terraform(cloud: str, step: str) -> int:
    """Init with the remote state, then plan into a file, or apply what this very call has planned."""
    folder = ROOT / "deploy" / cloud
    environment = {**os.environ, "TF_VAR_release": os.environ.get("RELEASE") or _commit()}
    plan = f"{cloud}.tfplan"
    bucket = [f"-backend-config=bucket={os.environ['STATE_BUCKET']}"]
    if cloud == "aws" and os.environ.get("STATE_REGION"):
        bucket.append(f"-backend-config=region={os.environ['STATE_REGION']}")
    steps = [
        ["init", "-input=false", "-reconfigure", *bucket],
        ["plan", "-input=false", "-lock-timeout=5m", f"-out={plan}"],
    ]
    if step == "apply":
        steps.append(["apply", "-input=false", "-lock-timeout=5m", plan])
    for words in steps:
        done = subprocess.run(["terraform", f"-chdir={folder}", *words], env=environment, check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


def _commit() -> str:
    """The commit that is deployed; with `-dirty` where the tree holds something else."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip() or "local"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

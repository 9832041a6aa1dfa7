"""`terraform validate` itself, with providers that have the schemas and nothing else: types, functions, cycles."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.provider_server import serving
from tests.deploy.terraform_check import module_of

DEPLOY = Path(__file__).parents[2] / "deploy"
PROVIDERS = {"gcp": "google", "aws": "aws"}
TERRAFORM = shutil.which("terraform")

pytestmark = [
    pytest.mark.usefixtures("schemas"),
    pytest.mark.skipif(TERRAFORM is None, reason="terraform isn't installed; the workflow terraform.yml validates"),
]


def validate(cloud: str, folder: Path, change: tuple[str, str, str] | None = None) -> str:
    """What Terraform says of a copy of a cloud's files, in which one text may be changed; empty when all is well."""
    for file in (DEPLOY / cloud).iterdir():
        if file.suffix in (".tf", ".json"):
            shutil.copy(file, folder)
    versions = (folder / "versions.tf").read_text(encoding="utf-8")
    (folder / "versions.tf").write_text(
        re.sub(r'  backend "\w+" \{.*?\n  \}\n', "", versions, flags=re.DOTALL), encoding="utf-8"
    )
    if change is not None:
        name, old, new = change
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    wanted = {(kind, type_name) for _, kind, type_name, _, _ in module_of(cloud).things()}
    with serving(PROVIDERS[cloud], wanted) as found:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1", **found}
        for words in (["init", "-input=false"], ["validate"]):
            command = [str(TERRAFORM), f"-chdir={folder}", *words, "-no-color"]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
            if done.returncode != 0:
                return done.stdout + done.stderr
    return ""


@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_terraform_finds_both_clouds_valid(cloud: str, tmp_path: Path) -> None:
    """Without packages, state or credentials."""
    assert validate(cloud, tmp_path) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("trigger.tf", "timeout_seconds    ", 'timeout_secondz = "x" #'), "Unsupported argument"),
        (("trigger.tf", "google_service_account.trigger.email", "[1]"), "Incorrect attribute value type"),
        (("query.tf", "setunion(var.analysts", "setunionn(var.analysts"), "Call to unknown function"),
        (("storage.tf", "location                    = var.region", ""), "Missing required argument"),
        (("storage.tf", '  name  ', '  name = google_storage_bucket_iam_member.lake_batch.id #'), "Cycle"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(change: tuple[str, str, str], message: str, tmp_path: Path) -> None:
    """So a green test above says something."""
    assert message in validate("gcp", tmp_path, change)

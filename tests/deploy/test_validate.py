"""`terraform validate` itself, with providers that have the schemas and nothing else: types, functions, cycles."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.running import Refused, copy_of, needs_terraform, terraform

pytestmark = [pytest.mark.usefixtures("schemas"), needs_terraform]


def validate(cloud: str, folder: Path, change: tuple[str, str, str] | None = None) -> str:
    """What Terraform says of a copy of a cloud's files, in which one text may be changed; empty when all is well."""
    copy_of(cloud, folder)
    if change is not None:
        name, old, new = change
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        terraform(cloud, folder, ["init", "-input=false"], ["validate"])
    except Refused as error:
        return str(error)
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

"""The check of Terraform files can fail: each kind of mistake in a small file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.terraform_check import Module, findings

pytestmark = pytest.mark.usefixtures("schemas")

BUCKET = """
resource "google_storage_bucket" "lake" {{
  name     = "lake"
  location = "asia-south1"
  {more}
}}
"""


def found(folder: Path, text: str) -> list[str]:
    """What is wrong with a folder that holds this text."""
    (folder / "main.tf").write_text(text, encoding="utf-8")
    return findings(Module(folder))


def test_a_right_file_has_no_findings(tmp_path: Path) -> None:
    """Arguments, maps, nested and dynamic blocks, meta arguments, references."""
    text = """
    locals {
      days = [3, 4]
    }
    resource "google_storage_bucket" "lake" {
      for_each = toset(["a"])
      name     = each.key
      location = "asia-south1"
      labels   = { any_key = "x" }
      lifecycle_rule {
        action {
          type = "Delete"
        }
        condition {
          age = 3
        }
      }
      dynamic "cors" {
        for_each = local.days
        content {
          origin = [cors.value]
        }
      }
      lifecycle {
        prevent_destroy = true
      }
    }
    output "link" {
      value = google_storage_bucket.lake["a"].self_link
    }
    """
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("uniform_bucket_level_acess = true", ": unknown argument or block uniform_bucket_level_acess"),
        ("lifecycle_rules {\n}", ": unknown argument or block lifecycle_rules"),
        (
            "lifecycle_rule {\naction {\ntype = 1\n}\ncondition {\nages = 3\n}\n}",
            ".lifecycle_rule.condition: unknown argument or block ages",
        ),
        ("lifecycle_rule {\naction {\ntype = 1\n}\n}", ".lifecycle_rule: block condition is missing"),
        (
            "lifecycle_rule {\naction {\nstorage_class = 1\n}\ncondition {\n}\n}",
            ".lifecycle_rule.action: argument type is missing",
        ),
        ('dynamic "cors" {\nfor_each = []\ncontent {\norigins = []\n}\n}', ".cors: unknown argument or block origins"),
        ("versioning = { enabled = true }", ".versioning: a block, not an argument"),
        ("labels {\n}", ".labels: an argument, not a block"),
        (
            "versioning {\nenabled = true\n}\nversioning {\nenabled = true\n}",
            ".versioning: stands 2 times, and may once",
        ),
        ("storage_class = [1]", ".storage_class: a list, where one value is meant"),
        ('cors {\norigin = "x"\n}', ".cors.origin: one value, where a list is meant"),
    ],
)
def test_a_mistake_in_a_resource_is_found(tmp_path: Path, more: str, message: str) -> None:
    """Misspelt, unknown, missing or of the wrong shape, at any depth."""
    assert found(tmp_path, BUCKET.format(more=more)) == [f"main.tf: google_storage_bucket.lake{message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'resource "google_storage_bucket" "b" {\nname = "b"\n}',
            "main.tf: google_storage_bucket.b: argument location is missing",
        ),
        (
            'resource "google_storage_buckets" "b" {\n}',
            "main.tf: google_storage_buckets.b: google has no resource of this type",
        ),
        ('data "aws_storage" "b" {\n}', "main.tf: aws_storage.b: aws has no data of this type"),
        ('resource "azurerm_x" "b" {\n}', "main.tf: azurerm_x.b: azurerm has no resource of this type"),
        ('provider "aws" {\nregions = "x"\n}', "main.tf: provider.aws: unknown argument or block regions"),
        ('output "o" {\nvalue = google_storage_bucket.b.name\n}', "google_storage_bucket.b isn't declared"),
        ('output "o" {\nvalue = "${data.aws_region.b.name}-x"\n}', "data.aws_region.b isn't declared"),
        ('output "o" {\nvalue = var.nothing\n}', "var.nothing isn't declared"),
        ("locals {\na = 1\n}", "local.a isn't used"),
        ('variable "v" {\ntype = string\n}', "var.v isn't used"),
    ],
)
def test_a_mistake_beside_resources_is_found(tmp_path: Path, text: str, message: str) -> None:
    """Types, providers, references and names."""
    assert found(tmp_path, text) == [message]


def test_an_attribute_that_a_resource_lacks_is_found(tmp_path: Path) -> None:
    """What a reference asks for must be something that the resource has."""
    text = (
        BUCKET.format(more="")
        + 'output "o" {\nvalue = [google_storage_bucket.lake.url, google_storage_bucket.lake.uri]\n}'
    )
    assert found(tmp_path, text) == ["google_storage_bucket.lake.uri: it has no such attribute"]

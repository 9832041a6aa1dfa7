"""deploy/gcp and deploy/aws: what the providers take, formatted, alike on both clouds, without a secret."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.terraform_check import findings, module_of
from tests.lacking import lacking

DEPLOY = Path(__file__).parents[2] / "deploy"
CLOUDS = ("gcp", "aws")
HCLFMT = DEPLOY.parent / ".cache" / "bin"


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.usefixtures("schemas")
def test_every_argument_is_one_that_the_provider_takes(cloud: str) -> None:
    """Types, arguments, blocks at any depth, required ones, references, variables and locals."""
    assert findings(module_of(cloud)) == []


def test_files_are_formatted() -> None:
    """As `terraform fmt` has it; where there is no Terraform, as the tool of its library has it."""
    terraform, hclfmt = shutil.which("terraform"), shutil.which("hclfmt", path=f"{HCLFMT}:{os.environ['PATH']}")
    files = [str(file) for cloud in CLOUDS for file in sorted((DEPLOY / cloud).glob("*.tf"))]
    if terraform:
        command = [terraform, "fmt", "-check", *files]
    elif hclfmt:
        command = [hclfmt, "-require-no-change", *files]
    else:
        lacking("neither terraform nor hclfmt is there", "install Terraform, or have .ci/run build hclfmt with Go")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_clouds_have_the_same_files() -> None:
    """Who knows one cloud's folder finds the same thing in the other's."""
    gcp, aws = ({path.name for path in (DEPLOY / cloud).glob("*.tf*")} for cloud in CLOUDS)
    assert gcp == aws
    assert {"storage.tf", "trigger.tf", "schedule.tf", "alerts.tf", "query.tf", "secrets.tf", "spark.tf"} <= gcp


@pytest.mark.parametrize("cloud", CLOUDS)
def test_variables_have_a_type_and_a_description_and_outputs_a_description(cloud: str) -> None:
    """Nobody has to guess."""
    bare = []
    for content in module_of(cloud).files.values():
        for kind, wanted in (("variable", {"type", "description"}), ("output", {"description"})):
            for block in content.get(kind, ()):
                bare += [name for name, body in block.items() if not name.startswith("__") and not wanted <= set(body)]
    assert bare == []


@pytest.mark.parametrize(("cloud", "cron"), [("gcp", "0 8 * * *"), ("aws", "cron(0 8 * * ? *)")])
def test_the_day_begins_at_eight_in_india_unless_somebody_says_otherwise(cloud: str, cron: str) -> None:
    """Cron and zone are variables."""
    variables = (DEPLOY / cloud / "variables.tf").read_text(encoding="utf-8")
    assert re.search(rf'variable "schedule" {{[^}}]*default\s+= "{re.escape(cron)}"', variables)
    assert re.search(r'variable "schedule_timezone" {[^}]*default\s+= "Asia/Kolkata"', variables)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_state_is_remote_and_locked(cloud: str) -> None:
    """The gcs backend locks by itself; the s3 one has to be told."""
    text = (DEPLOY / cloud / "versions.tf").read_text(encoding="utf-8")
    assert 'backend "gcs"' in text if cloud == "gcp" else re.search(r'backend "s3" {[^}]*use_lockfile\s+= true', text)


def test_no_version_of_a_secret_is_made() -> None:
    """Terraform keeps what it makes in its state, in the clear."""
    types = {type_name for cloud in CLOUDS for _, _, type_name, _, _ in module_of(cloud).things()}
    assert {"google_secret_manager_secret", "aws_secretsmanager_secret"} <= types
    kept = {"google_secret_manager_secret_version", "aws_secretsmanager_secret_version", "google_service_account_key"}
    assert not types & (kept | {"aws_iam_access_key"})


def test_buckets_are_closed_versioned_and_kept() -> None:
    """On Google Cloud: each bucket; on AWS: all, by for_each over the same map."""
    for _, kind, type_name, name, body in module_of("gcp").things():
        if (kind, type_name) == ("resource", "google_storage_bucket"):
            assert body["uniform_bucket_level_access"] is True, name
            assert body["public_access_prevention"] == '"enforced"', name
            assert body["versioning"][0]["enabled"] is True, name
            assert body["lifecycle_rule"], name
    made = {
        type_name: body
        for _, _, type_name, _, body in module_of("aws").things()
        if type_name.startswith("aws_s3_bucket")
    }
    for type_name in (
        "public_access_block",
        "versioning",
        "lifecycle_configuration",
        "server_side_encryption_configuration",
    ):
        assert made[f"aws_s3_bucket_{type_name}"]["for_each"] == "${aws_s3_bucket.buckets}"


def test_no_role_is_given_for_a_whole_project_that_opens_every_bucket_or_table() -> None:
    """Project-wide roles of the accounts and people: what can't be given for less."""
    wide = {
        body["role"].strip('"'): "condition" in body
        for _, _, type_name, _, body in module_of("gcp").things()
        if type_name == "google_project_iam_member"
    }
    assert wide == {
        "roles/bigquery.jobUser": False,
        "roles/dataproc.serverlessEditor": False,
        '${var.runtime_version == "2.3" ? "roles/dataproc.worker" : "roles/dataproc.serverlessNode"}': False,
        "roles/eventarc.eventReceiver": False,
        "roles/logging.logWriter": False,
        "roles/pubsub.publisher": False,
        "roles/storage.objectViewer": True,
    }


def test_every_state_of_the_daily_state_machine_leads_somewhere_and_is_reached() -> None:
    """By the template with plain values in it; what the function raises by name is what it can raise."""
    text = (DEPLOY / "aws" / "daily.asl.json").read_text(encoding="utf-8")
    machine = json.loads(re.sub(r"\$\{(\w+)\}", "1", text))
    states = machine["States"]
    reached, waiting = set(), {machine["StartAt"]}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        state = states[name]
        onward = {one["Next"] for kind in ("Choices", "Catch") for one in state.get(kind, ())}
        onward |= {state[key] for key in ("Next", "Default") if key in state}
        assert onward or state["Type"] in ("Succeed", "Fail"), name
        waiting |= onward - reached
    assert reached == set(states)
    given = set(re.findall(r"\$\{(\w+)\}", text))
    (body,) = (body for _, _, kind, _, body in module_of("aws").things() if kind == "aws_sfn_state_machine")
    assert given == set(re.findall(r"(\w+)\s*=", body["definition"]))
    asked = states["Ask"]
    assert asked["Retry"][0]["ErrorEquals"] == ["LakeBusy"]
    assert asked["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}]


def test_analysts_on_google_cloud_get_a_dataset_of_views_and_nothing_else() -> None:
    """Whatever is given to them: to read the open dataset, and to have jobs."""
    given = {}
    for file, _, type_name, name, body in module_of("gcp").things():
        if "var.analysts" in str(body):
            given[f"{type_name}.{name}"] = (file, body["role"].strip('"'), str(body.get("dataset_id", "")))
    assert given == {
        "google_bigquery_dataset_access.open_analysts": (
            "query.tf",
            "READER",
            "${google_bigquery_dataset.open.dataset_id}",
        ),
        "google_project_iam_member.query_jobs": ("query.tf", "roles/bigquery.jobUser", ""),
    }


def test_analysts_on_aws_read_gold_and_state_and_are_refused_the_rest() -> None:
    """What their role may do to the lake; it has this policy and the one to query with."""
    documents = {name: body for _, kind, type_name, name, body in module_of("aws").things() if kind == "data"}
    statements = documents["lake_analyst"]["statement"]
    allowed = [one for one in statements if "effect" not in one]
    objects = [one for one in allowed if one["actions"] == ['"s3:GetObject"']]
    assert [re.findall(r"arn\}/(.*?)\"", str(one["resources"])) for one in objects] == [["gold/*", "state/*"]]
    listed = [one for one in allowed if one["actions"] == ['"s3:ListBucket"']]
    assert [one["condition"][0]["values"] for one in listed] == [['"gold/*"', '"state/*"']]
    assert len(allowed) == 2
    (refused,) = (one for one in statements if one.get("effect") == '"Deny"')
    assert all(layer in str(refused["resources"]) for layer in ("bronze", "silver", "exception", "landing"))

    policies = {
        name: body["policy"]
        for _, _, type_name, name, body in module_of("aws").things()
        if type_name == "aws_iam_role_policy" and re.search(r"people\[\"analyst\"\]|each\.value", str(body["role"]))
    }
    assert set(policies) == {"lake_analyst", "query"}
    assert "restricted" not in str(documents["query"])

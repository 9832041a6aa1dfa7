"""`terraform plan` of a first deployment: what is made with which variables, and what the functions are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.running import Refused, environment, needs_terraform, planned

pytestmark = [pytest.mark.usefixtures("schemas"), needs_terraform]


def test_a_batch_on_google_cloud_gets_its_packages_as_an_archive(tmp_path: Path) -> None:
    """With nothing but the example's variables."""
    plan = planned("gcp", tmp_path, release="abc")
    told = environment(plan)
    base = "gs://my-project-opslake-packages/releases/abc"
    assert told["OPSLAKE_LAKE"] == "gs://my-project-opslake-lake"
    assert told["OPSLAKE_LANDING"] == "gs://my-project-opslake-landing"
    assert told["TRIGGER_DAILY_FILE"] == f"{base}/daily.py"
    assert told["TRIGGER_PY_FILES"] == f"{base}/opslake.zip"
    assert told["TRIGGER_ARCHIVES"] == f"{base}/opslake-env.tar.gz#environment"
    assert told["TRIGGER_JARS"] == f"{base}/delta-spark.jar"
    assert json.loads(told["TRIGGER_PROPERTIES"])["spark.executorEnv.PYTHONPATH"] == "./environment"
    objects = [made for address, made in plan.items() if address.startswith("google_storage_bucket_object.packages")]
    uploaded = {made["name"] for made in objects}
    files = ("daily.py", "backfill.py", "opslake.zip", "opslake-env.tar.gz", "delta-spark.jar")
    assert uploaded == {f"releases/abc/{file}" for file in files}
    schedule = plan["google_cloud_scheduler_job.daily"]
    assert (schedule["schedule"], schedule["time_zone"]) == ("0 8 * * *", "Asia/Kolkata")
    assert schedule["http_target"][0]["oidc_token"][0]["audience"] in told["TRIGGER_AUDIENCE"].split(",")


def test_a_batch_with_an_image_gets_no_archive(tmp_path: Path) -> None:
    """The image has the code and its packages."""
    told = environment(planned("gcp", tmp_path, container_image="images/opslake:abc", subnetwork="inner"))
    assert told["TRIGGER_CONTAINER_IMAGE"] == "images/opslake:abc"
    assert told["TRIGGER_SUBNETWORK"] == "inner"
    assert not {"TRIGGER_ARCHIVES", "TRIGGER_PY_FILES"} & set(told)
    assert not [name for name in json.loads(told["TRIGGER_PROPERTIES"]) if "PYTHONPATH" in name]


def test_a_glue_job_is_alone_and_has_settings_as_arguments(tmp_path: Path) -> None:
    """Of the settings those that are known before the buckets are."""
    plan = planned("aws", tmp_path, contracts="s3://ours/contracts", job_arguments={"--enable-auto-scaling": "true"})
    assert environment(plan)["TRIGGER_GLUE_JOB"] == "opslake-daily"
    job = plan["aws_glue_job.daily"]
    assert job["execution_property"][0]["max_concurrent_runs"] == 1
    assert (job["glue_version"], job["default_arguments"]["--datalake-formats"]) == ("5.1", "delta")
    assert job["default_arguments"]["--OPSLAKE_CONTRACTS"] == "s3://ours/contracts"
    assert job["default_arguments"]["--enable-auto-scaling"] == "true"
    schedule = plan["aws_scheduler_schedule.daily"]
    assert schedule["schedule_expression"] == "cron(0 8 * * ? *)"
    assert schedule["schedule_expression_timezone"] == "Asia/Kolkata"


@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_nobody_is_given_anything_unless_somebody_is_named(cloud: str, tmp_path: Path) -> None:
    """Without operators and analysts there is nothing of theirs."""
    plan = planned(cloud, tmp_path, operators=[], analysts=[])
    assert not [address for address in plan if "operator" in address and "athena" not in address]
    assert not [address for address in plan if "analyst" in address and "athena" not in address]


@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_files_that_land_start_a_run_only_where_that_is_wanted(cloud: str, tmp_path: Path) -> None:
    """Off unless it is asked for."""
    (tmp_path / "on").mkdir()
    (tmp_path / "off").mkdir()
    on = planned(cloud, tmp_path / "on", start_on_delivery=True, secrets=["crm"])
    off = planned(cloud, tmp_path / "off")
    assert [address for address in on if "landed" in address]
    assert not [address for address in off if "landed" in address]
    assert len([address for address in on if "secret" in address and "crm" in address]) == {"gcp": 3, "aws": 1}[cloud]


def test_a_run_is_told_by_reference_where_its_receivers_stand(tmp_path: Path) -> None:
    """In the secret that the deployment makes and doesn't fill."""
    gcp = planned("gcp", tmp_path / "gcp", notify=True)
    properties = json.loads(environment(gcp)["TRIGGER_PROPERTIES"])
    assert (
        properties["spark.dataproc.driverEnv.OPSLAKE_NOTIFY"] == "gcp-secret:projects/my-project/secrets/opslake-notify"
    )
    assert gcp['google_secret_manager_secret.secrets["notify"]']["secret_id"] == "opslake-notify"
    aws = planned("aws", tmp_path / "aws", notify=True)
    assert aws["aws_glue_job.daily"]["default_arguments"]["--OPSLAKE_NOTIFY"] == "aws-secret:opslake/notify"
    assert aws['aws_secretsmanager_secret.secrets["notify"]']["name"] == "opslake/notify"


@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_receivers_with_their_credentials_are_no_setting_of_a_deployment(cloud: str, tmp_path: Path) -> None:
    """They would stand in Terraform's state."""
    with pytest.raises(Refused, match="OPSLAKE_NOTIFY holds credentials"):
        planned(cloud, tmp_path, settings={"OPSLAKE_NOTIFY": "json://user:password@example.com"})

"""The variables that Terraform gives the functions are those that they read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spark_jobs.settings import Settings
from spark_jobs.submitted import split_arguments, take_settings
from tests.deploy.running import environment as told
from tests.deploy.running import needs_terraform, planned
from tests.deploy.terraform_check import Body, module_of
from trigger_function.environment import OnDataproc, OnGlue, lake_settings, own_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
VARIABLE = re.compile(r"\b(?:TRIGGER|OPSLAKE)_[A-Z_]+\b")
NEEDED = {"OPSLAKE_LAKE", "OPSLAKE_LANDING"}


def given(cloud: str) -> set[str]:
    """The variables that the texts of trigger.tf and spark.tf name."""
    texts = [(DEPLOY / cloud / name).read_text(encoding="utf-8") for name in ("trigger.tf", "spark.tf")]
    return {name for text in texts for line in text.splitlines() for name in VARIABLE.findall(line.split("#")[0])}


@pytest.mark.parametrize(("cloud", "own"), [("gcp", OnDataproc), ("aws", OnGlue)])
def test_a_function_gets_the_variables_that_it_reads_and_all_that_it_needs(
    cloud: str, own: type[OnDataproc] | type[OnGlue]
) -> None:
    """An unknown TRIGGER_ variable, like an unknown setting, is an error when the function starts."""
    known = {f"TRIGGER_{name.upper()}" for name in own.model_fields} | {
        f"OPSLAKE_{name.upper()}" for name in Settings.model_fields
    }
    needed = {f"TRIGGER_{name.upper()}" for name, field in own.model_fields.items() if field.is_required()} | NEEDED
    assert given(cloud) <= known
    assert given(cloud) >= needed


def test_the_entries_are_where_terraform_says() -> None:
    """`trigger` and `landed` of main.py, and Lambda's handler."""
    gcp = {
        body["build_config"][0]["entry_point"].strip('"') for *_, body in of("gcp", "google_cloudfunctions2_function")
    }
    assert gcp == {"trigger", "landed"}
    main = (Path(__file__).parents[2] / "trigger_function" / "main.py").read_text(encoding="utf-8")
    assert all(re.search(rf"^def {name}\(", main, re.MULTILINE) for name in gcp)
    (handler,) = (body["handler"].strip('"') for *_, body in of("aws", "aws_lambda_function"))
    package, module, function = handler.rsplit(".", 2)
    text = (Path(__file__).parents[2] / package / f"{module}.py").read_text(encoding="utf-8")
    assert re.search(rf"^def {function}\(event: object, context: object\)", text, re.MULTILINE)


def test_what_a_glue_job_gets_by_default_does_not_reach_the_command() -> None:
    """The job's default arguments are Glue's or settings; none of them is taken for an option of `opslake run`."""
    ((*_, body),) = of("aws", "aws_glue_job")
    names = re.findall(r'"?(--[\w-]+)"?\s*[=:]', str(body["default_arguments"]))
    assert {"--datalake-formats", "--extra-py-files", "--python-modules-installer-option"} <= set(names)
    words = [word for name in names for word in (name, "x")]
    assert split_arguments(take_settings([*words, "--OPSLAKE_LAKE", "s3://x"], {})) == ([], [])


def of(cloud: str, type_name: str) -> list[tuple[str, str, str, str, Body]]:
    """What Terraform makes of one type."""
    return [thing for thing in module_of(cloud).things() if thing[2] == type_name]


@needs_terraform
@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("variables", [{}, {"container_image": "images/opslake:abc", "subnetwork": "inner"}])
def test_a_function_understands_what_terraform_tells_it(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own settings and those of the lake, from the variables of a plan."""
    for name, value in told(planned("gcp", tmp_path, **variables)).items():
        monkeypatch.setenv(name, value)
    own = own_settings(OnDataproc)
    assert own.runtime_version == "3.0"
    assert own.labels == {"application": "opslake", "managed-by": "terraform"}
    assert own.container_image == variables.get("container_image", "")
    assert lake_settings().lake == "gs://my-project-opslake-lake"

"""The workflows call what exists, and hold no secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[Any, Any]:
    """One workflow's content."""
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")))


def steps(content: dict[Any, Any]) -> list[dict[str, Any]]:
    """The steps of all its jobs."""
    return [step for job in content["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_and_every_file_that_a_step_runs_exists(path: Path) -> None:
    """With each cloud in the place of the matrix's."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for step in steps(workflow(path.name)):
        for cloud in ("gcp", "aws"):
            run = re.sub(r"\$\{\{ matrix\.cloud \}\}", cloud, step.get("run", ""))
            for target in re.findall(r"\bmake (?:--[\w-]+ )*([a-z][\w-]*)", run):
                assert target in targets, run
            for folder in re.findall(r"-chdir=(\S+)", run):
                assert (ROOT / folder).is_dir(), run
            if run.startswith("."):
                assert (ROOT / run.split()[0]).is_file(), run


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_keeps_no_key_and_may_do_little(path: Path) -> None:
    """Clouds take the workflow's own identity; nothing may write to the repository."""
    content = workflow(path.name)
    assert "secrets." not in path.read_text(encoding="utf-8")
    assert content["permissions"]["contents"] == "read"
    assert set(content["permissions"]) <= {"contents", "id-token"}


def test_main_is_deployed_after_ci_and_staging_by_hand() -> None:
    """Image, validate, plan, apply, in that order; production only after a green ci of a push to main."""
    content = workflow("deploy.yml")
    triggers = content[True]  # YAML reads the key `on` as true
    assert triggers["workflow_run"] == {
        "workflows": [workflow("ci.yml")["name"]],
        "branches": ["main"],
        "types": ["completed"],
    }
    assert set(triggers) == {"workflow_run", "workflow_dispatch"}
    job = content["jobs"]["deploy"]
    assert "conclusion == 'success'" in job["if"]
    assert "'staging' || 'production'" in job["environment"]
    named = [step["name"] for step in job["steps"] if "name" in step]
    assert named == ["image", "variables", "validate", "plan", "apply"]
    by_name = {step.get("name"): step for step in job["steps"]}
    assert by_name["apply"]["if"] == "github.event_name == 'workflow_run' || inputs.apply"


def test_an_image_is_tagged_with_the_commit_and_latest() -> None:
    """deploy/image.sh builds both tags and pushes both."""
    script = (ROOT / "deploy" / "image.sh").read_text(encoding="utf-8")
    assert "commit=$(git rev-parse --short=12 HEAD)" in script
    for tag in ("$commit", "latest"):
        assert f'--tag "$image:{tag}"' in script
        assert f'docker push --quiet "$image:{tag}"' in script

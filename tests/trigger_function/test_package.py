"""The function imports little: no Spark, no data frames, and no package that its archive doesn't have."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pyspark", "py4j", "delta", "pandas", "numpy", "pyarrow", "typer", "apprise", "duckdb"}
PACKAGED = {
    "deltalake", "fsspec", "open-data-contract-standard", "pydantic", "pydantic-settings", "pyyaml", "structlog",
}  # fmt: skip
ON_GOOGLE = {"functions-framework", "gcsfs", "google-cloud-dataproc"}
ON_AWS = {"boto3", "s3fs"}
NICE_TO_HAVE = {"certifi", "chardet", "colorama", "pygments", "rich"}  # others use them where they are installed
PROGRAM = """
import json, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    __import__(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(*modules: str) -> set[str]:
    """The modules that importing these ones brings into a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *modules], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def required(names: set[str]) -> set[str]:
    """The distributions with all that they require, in lower case."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    found: set[tuple[str, str]] = set()
    open_ = [(Requirement(name), "") for name in names]
    while open_:
        one, extra = open_.pop()
        if (canonical(one.name), extra) in found:
            continue
        found.add((canonical(one.name), extra))
        try:
            wanted = [Requirement(line) for line in requires(one.name) or []]
        except PackageNotFoundError:  # of another platform
            continue
        wanted = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": extra})]
        open_ += [(r, e) for r in wanted for e in ("", *r.extras)]
    return {name for name, _ in found}


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


@pytest.mark.parametrize(
    ("modules", "packages"),
    [
        (("trigger_function.main", "trigger_function.dataproc"), PACKAGED | ON_GOOGLE),
        (("trigger_function.aws_lambda", "trigger_function.glue"), PACKAGED | ON_AWS),
    ],
    ids=["google", "aws"],
)
def test_what_is_imported_is_packaged(modules: tuple[str, ...], packages: set[str]) -> None:
    """Each module is Python's own, the project's, or of a packaged distribution and what that requires."""
    found = {name.partition(".")[0] for name in imported(*modules)}
    owners = packages_distributions()
    foreign = {
        name: {canonical(owner) for owner in owners.get(name, [])}
        for name in found - set(sys.stdlib_module_names) - {"spark_jobs", "state", "trigger_function"}
        if name in owners
    }
    allowed = required(packages) | NICE_TO_HAVE

    assert found & HEAVY == set()
    assert {name: of for name, of in foreign.items() if not of & allowed} == {}


def test_a_call_with_nothing_due_needs_no_client() -> None:
    """The clients of the platforms take longer to import than all the rest."""
    for entry in ("main", "aws_lambda"):
        assert {name.partition(".")[0] for name in imported(f"trigger_function.{entry}")} & {"boto3", "grpc"} == set()


def test_the_routing_knows_no_cloud() -> None:
    """Reading a request, naming a job and deciding are the same on both."""
    shared = ["asked", "naming", "objects", "window", "looking", "starting", "answers", "calling", "environment"]
    found = {name.partition(".")[0] for name in imported(*(f"trigger_function.{name}" for name in shared))}

    assert found & {"google", "grpc", "boto3", "flask", "functions_framework", "cloudevents"} == set()

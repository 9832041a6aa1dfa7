"""What is packaged: our sources, the same bytes each time, and the packages of the right platform."""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "setup"))

import package  # noqa: E402  (a script beside setup.sh, no package of ours)


def test_the_code_is_the_same_archive_from_the_same_sources(tmp_path: Path) -> None:
    """Byte for byte, with contracts and settings of the log, without caches, tests and the trigger function."""
    first, second = (package._zip(tmp_path / name, package._sources(package.JOBS)) for name in ("a.zip", "b.zip"))
    assert first.read_bytes() == second.read_bytes()
    names = set(zipfile.ZipFile(first).namelist())
    assert {"spark_jobs/daily.py", "spark_jobs/contracts/tickets.odcs.yaml", "spark_jobs/log4j2.properties"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests", "trigger_function"))]


def test_an_environment_is_an_archive_of_packages_without_times_and_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds of the same packages are the same bytes, whenever and by whomever they were made."""
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "_pip", _install)
    made = [package._environment(tmp_path / f"{name}.tar.gz", ["some-package"]).read_bytes() for name in ("a", "b")]
    assert made[0] == made[1]


def test_a_batch_has_delta_s_module_and_the_platform_s_pyspark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delta's jars bring no module that Python finds; what the module asks for is left out, here and in the image."""
    wanted = package.required()
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "_pip", _install)
    with tarfile.open(package._environment(tmp_path / "env.tar.gz", wanted)) as archive:
        names = set(archive.getnames())
    assert {"deltalake/with-dependencies", "delta-spark/alone"} <= names
    assert not [name for name in names if "pyspark" in name]
    assert "--no-deps delta-spark" in (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def _install(options: list[str], wanted: list[str], _python: str, _constraints: str) -> None:
    """Writes what pip was asked for where it was to put it."""
    for requirement in wanted:
        folder = Path(options[options.index("--target") + 1]) / package._name(requirement)
        folder.mkdir(parents=True)
        (folder / ("alone" if "--no-deps" in options else "with-dependencies")).touch()


def test_functions_get_requirements_of_the_project() -> None:
    """Each name is one that pyproject.toml has, with its bounds."""
    for names, extra in ((package.FUNCTION_GCP, "gcp"), (package.FUNCTION_AWS, "aws")):
        chosen = package._chosen(package.FUNCTION + names, extra)
        assert [re.split(r"[<>=\[]", one)[0].lower() for one in chosen] == list(package.FUNCTION + names)
    assert not {"pandas", "pyarrow", "pyspark"} & set(package.FUNCTION)


def test_the_python_of_a_package_is_that_of_its_platform() -> None:
    """Terraform names the functions' Python and the runtime's default; packages are for the same."""
    gcp = (ROOT / "deploy" / "gcp" / "trigger.tf").read_text(encoding="utf-8")
    aws = (ROOT / "deploy" / "aws" / "trigger.tf").read_text(encoding="utf-8")
    short = package.FUNCTION_PYTHON.replace(".", "")
    assert set(re.findall(r'runtime\s+= "python(\w+)"', gcp)) == {short}
    assert re.findall(r'runtime\s+= "python([\w.]+)"', aws) == [package.FUNCTION_PYTHON]
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^FROM python:([\d.]+)-", image, re.MULTILINE) == ["3.12"]


def test_an_unknown_platform_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """With what is known, and nothing built."""
    assert package.main(["azure"]) == 2
    assert "'azure' is none of spark, gcp, aws" in capsys.readouterr().err

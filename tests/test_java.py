"""Finding a Java for Spark, on machines made of directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from spark_jobs.errors import EngineError
from spark_jobs.java import Java, find_java, inspect_java

FULL = "java.base jdk.incubator.vector"


def install(home: Path, version: str, modules: str = FULL) -> Path:
    """A directory that looks like an installed Java."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return home


def test_java_home_comes_before_the_usual_places(tmp_path: Path) -> None:
    """A JAVA_HOME that Spark runs on is taken, whatever else is installed."""
    chosen = install(tmp_path / "mine", "21.0.2")
    install(tmp_path / "jvm" / "java-17", "17.0.9")
    assert find_java({"JAVA_HOME": str(chosen), "PATH": ""}, (f"{tmp_path}/jvm/*",)) == Java(chosen, "21.0.2")


def test_a_java_that_is_too_new_is_passed_over(tmp_path: Path) -> None:
    """With 25 on JAVA_HOME the 17 beside it is found."""
    new = install(tmp_path / "jvm" / "java-25", "25.0.1")
    install(tmp_path / "jvm" / "java-17", "17.0.9")
    assert find_java({"JAVA_HOME": str(new), "PATH": ""}, (f"{tmp_path}/jvm/*",)).major == 17


def test_the_error_lists_what_was_found_and_says_make_setup(tmp_path: Path) -> None:
    """Without a fitting Java the message quotes the versions that were seen and the way out."""
    new = install(tmp_path / "java-25", "25.0.1")
    with pytest.raises(EngineError, match=r"25\.0\.1 in .*17 or 21.*make setup"):
        find_java({"JAVA_HOME": str(new), "PATH": ""}, ())


def test_a_java_without_the_module_that_spark_asks_for_is_none(tmp_path: Path) -> None:
    """A stripped-down 17 would die in Spark's launcher, so it doesn't count."""
    assert inspect_java(install(tmp_path / "small", "17.0.9", modules="java.base java.logging")) is None


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8), ("25-ea", 25)])
def test_the_feature_release_is_read_from_old_and_new_version_strings(version: str, major: int) -> None:
    """Java 8 called itself 1.8."""
    assert Java(Path("/x"), version).major == major

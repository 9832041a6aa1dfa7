"""Finding a Java that Spark runs on: a full 17 or 21, wherever the machine keeps it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spark_jobs.errors import EngineError

SUPPORTED = (17, 21)
# Spark's launcher asks for this module by name; stripped-down Javas don't have it and die at start.
NEEDED_MODULE = "jdk.incubator.vector"
JVM_ROOTS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
)


@dataclass(frozen=True)
class Java:
    """One installed Java: its home directory and its full version, such as `17.0.15`."""

    home: Path
    version: str

    @property
    def major(self) -> int:
        """The feature release: 17 for `17.0.15`, 8 for `1.8.0_402`."""
        numbers = [int(n) for n in re.findall(r"\d+", self.version)[:2]] or [0]
        return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def find_java(environ: Mapping[str, str] | None = None, roots: tuple[str, ...] = JVM_ROOTS) -> Java:
    """The first Java 17 or 21 of JAVA_HOME, PATH and the usual places, else an EngineError that lists what was seen."""
    seen: list[Java] = []
    for home in _homes(os.environ if environ is None else environ, roots):
        java = inspect_java(home)
        if java and java.major in SUPPORTED:
            return java
        if java:
            seen.append(java)
    raise EngineError(
        "no Java that Spark runs on",
        where="java",
        value="; ".join(f"{java.version} in {java.home}" for java in seen) or "none",
        allowed="a full Java 17 or 21",
        hint="run `make setup`, or install openjdk-17 and set JAVA_HOME to it",
    )


def inspect_java(home: Path) -> Java | None:
    """What lies at `home`, or None where it is no Java or lacks the module that Spark needs.

    The `release` file answers in no time; a Java without one is asked itself.
    """
    if not (home / "bin" / "java").exists():
        return None
    try:
        release = dict(re.findall(r'^(\w+)="(.*)"$', (home / "release").read_text(encoding="utf-8"), re.MULTILINE))
    except OSError:
        release = {}
    if release.get("MODULES") and NEEDED_MODULE not in release["MODULES"].split():
        return None
    version = release.get("JAVA_VERSION") or _ask_version(home)
    return Java(home, version) if version else None


def _ask_version(home: Path) -> str | None:
    try:
        answer = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "([^"]+)"', answer.stderr)
    return found.group(1) if found else None


def _homes(environ: Mapping[str, str], roots: tuple[str, ...]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    for pattern in roots:
        yield from sorted(Path("/").glob(pattern.lstrip("/")))


if __name__ == "__main__":
    try:
        print(find_java().home)
    except EngineError as error:
        sys.exit(str(error))

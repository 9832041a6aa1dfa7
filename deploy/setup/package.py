"""Build what spark-submit ships: `dist/opslake.zip` (our code) and `dist/opslake-env.tar.gz` (what it imports).

    spark-submit --py-files dist/opslake.zip --archives dist/opslake-env.tar.gz#environment spark_jobs/daily.py …

with PYSPARK_PYTHON=./environment/bin/python where the platform lacks the packages. PySpark isn't in the environment:
the platform brings its own. Packages are compiled for this machine's Python and processor: build on Linux for Linux.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spark_jobs", "state", "trigger_function")
SHIPPED = {".py", ".yaml", ".properties", ".sql"}
# A fixed time makes the same sources the same archive, byte for byte.
EPOCH = (2020, 1, 1, 0, 0, 0)


def main() -> int:
    """Write both archives into `dist/` and print their paths and sizes."""
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    for built in (_code(dist / "opslake.zip"), _environment(dist / "opslake-env.tar.gz")):
        print(f"{built.relative_to(ROOT)}: {built.stat().st_size / 1e6:.1f} MB")
    return 0


def _code(target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _sources():
            entry = zipfile.ZipInfo(file.relative_to(ROOT).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return target


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        files = (ROOT / package).rglob("*")
        yield from sorted(file for file in files if file.suffix in SHIPPED and "__pycache__" not in file.parts)


def _environment(target: Path) -> Path:
    """The runtime dependencies of pyproject.toml at the versions of constraints.txt, in an environment that may move.

    Built afresh, so that a package that was dropped doesn't linger.
    """
    venv = ROOT / ".cache" / "package-env"
    shutil.rmtree(venv, ignore_errors=True)
    target.unlink(missing_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-c", str(ROOT / "constraints.txt"), *project["dependencies"]], check=True)
    subprocess.run([Path(sys.executable).with_name("venv-pack"), "-q", "-p", venv, "-o", target], check=True)
    shutil.rmtree(venv)
    return target


if __name__ == "__main__":
    sys.exit(main())

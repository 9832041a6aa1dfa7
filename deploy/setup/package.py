"""Build what runs elsewhere, into `dist/`: for spark-submit, or for a cloud (`package.py gcp`, `package.py aws`).

    opslake.zip             our code, for --py-files                                          all
    opslake-env.tar.gz      the packages that it imports, for --archives                      spark-submit, gcp
    trigger-gcp.zip         the source of the trigger function; the platform installs         gcp
    requirements-glue.txt   the packages with their versions, which Glue installs             aws
    trigger-aws.zip         the trigger function with its packages                            aws

The archive holds packages and no interpreter: the platform's Python finds them by PYTHONPATH=./environment, where
`--archives dist/opslake-env.tar.gz#environment` unpacks them. They are for Linux and for the Python that the platform
has, whatever this machine has. PySpark isn't among them: the platform brings its own. Delta's Python module is, since
jars that a batch brings are on Java's path only.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from os import environ
from pathlib import Path
from re import match

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
JOBS = ("spark_jobs", "state")
TRIGGER = (*JOBS, "trigger_function")
SHIPPED = {".py", ".yaml", ".properties", ".sql"}
# A fixed time makes the same sources the same archive, byte for byte.
EPOCH = (2020, 1, 1, 0, 0, 0)

# Python of the platforms: Dataproc Serverless 3.0 (2.3 has 3.11), the functions (Terraform says so), Glue 5.1.
SPARK_PYTHON = environ.get("PACKAGE_PYTHON") or "3.12"
FUNCTION_PYTHON = "3.12"
GLUE_PYTHON = "3.11"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
SOURCES = ("postgres", "sheets")

# The function needs few of the project's packages, and Lambda takes no more than 250 MiB unpacked.
FUNCTION = (
    "deltalake", "fsspec", "open-data-contract-standard", "pydantic", "pydantic-settings", "pyyaml", "structlog",
    "tzdata",
)  # fmt: skip
FUNCTION_GCP = ("functions-framework", "gcsfs", "google-cloud-dataproc")
FUNCTION_ONLY = ("functions-framework", "google-cloud-dataproc")  # a batch neither serves nor starts anything
FUNCTION_AWS = ("boto3", "s3fs")
LAMBDA_LIMIT = 250 * 1024 * 1024
FUNCTION_MAIN = "from trigger_function.main import landed, trigger\n\n__all__ = ['landed', 'trigger']\n"


def main(arguments: Sequence[str]) -> int:
    """Write the archives of one platform and print their paths and sizes."""
    platforms = {"spark": _spark, "gcp": _gcp, "aws": _aws}
    platform = arguments[0] if arguments else "spark"
    if platform not in platforms:
        print(f"package.py: {platform!r} is none of {', '.join(platforms)}", file=sys.stderr)
        return 2
    DIST.mkdir(exist_ok=True)
    for built in platforms[platform]():
        print(f"{built.relative_to(ROOT)}: {built.stat().st_size / 1e6:.1f} MB")
    return 0


def _spark() -> Iterator[Path]:
    yield _zip(DIST / "opslake.zip", _sources(JOBS))
    yield _environment(DIST / "opslake-env.tar.gz", required())


def _gcp() -> Iterator[Path]:
    yield _zip(DIST / "opslake.zip", _sources(JOBS))
    of_jobs = [one for one in required("gcp", *SOURCES) if _name(one) not in FUNCTION_ONLY]
    yield _environment(DIST / "opslake-env.tar.gz", of_jobs)
    wanted = _chosen(FUNCTION + FUNCTION_GCP, "gcp")
    pinned = "\n".join(_resolved(wanted, FUNCTION_PYTHON, "constraints.txt")) + "\n"
    texts = [("main.py", FUNCTION_MAIN.encode()), ("requirements.txt", pinned.encode())]
    yield _zip(DIST / "trigger-gcp.zip", [*texts, *_sources(TRIGGER)])


def _aws() -> Iterator[Path]:
    yield _zip(DIST / "opslake.zip", _sources(JOBS))
    glue = DIST / "requirements-glue.txt"
    pinned = _resolved(required("aws", *SOURCES), GLUE_PYTHON, "constraints-spark35.txt")
    glue.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    yield glue
    folder = _installed(_chosen(FUNCTION + FUNCTION_AWS, "aws"), FUNCTION_PYTHON, "constraints.txt", "function-aws")
    files = [*_sources(TRIGGER), *((path.relative_to(folder).as_posix(), path.read_bytes()) for path in _files(folder))]
    size = sum(len(content) for _, content in files)
    if size > LAMBDA_LIMIT:
        raise SystemExit(f"trigger-aws.zip is {size / 1e6:.0f} MB unpacked; Lambda takes {LAMBDA_LIMIT / 1e6:.0f}")
    yield _zip(DIST / "trigger-aws.zip", files)
    shutil.rmtree(folder)


def required(*extras: str) -> list[str]:
    """The project's requirements, with those of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]


def _chosen(names: Iterable[str], extra: str) -> list[str]:
    """The requirements of these names, as pyproject.toml has them."""
    known = {_name(one): one for one in required(extra)}
    return [known[name] for name in names]


def _name(requirement: str) -> str:
    found = match(r"[\w.-]+", requirement)
    assert found is not None, requirement
    return found[0].lower()


def _sources(packages: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for package in packages:
        for file in _files(ROOT / package):
            if file.suffix in SHIPPED:
                yield file.relative_to(ROOT).as_posix(), file.read_bytes()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _zip(target: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return target


def _environment(target: Path, wanted: Sequence[str]) -> Path:
    """The packages of a Spark job in one archive, the same bytes for the same versions."""
    constraints = "constraints-spark35.txt" if SPARK_PYTHON == "3.11" else "constraints.txt"
    folder = _installed(wanted, SPARK_PYTHON, constraints, "package-env")
    # without what it asks for: that would be another PySpark than the platform's
    _pip(["--no-compile", "--no-deps", "--target", str(folder)], ["delta-spark"], SPARK_PYTHON, constraints)

    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
        return entry

    with (
        target.open("wb") as written,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=written, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in _files(folder):
            archive.add(file, file.relative_to(folder).as_posix(), filter=anonymous)
    shutil.rmtree(folder)
    return target


def _installed(wanted: Sequence[str], python: str, constraints: str, name: str) -> Path:
    """A folder with the packages, built afresh, so that one that was dropped doesn't linger."""
    folder = ROOT / ".cache" / name
    shutil.rmtree(folder, ignore_errors=True)
    _pip(["--no-compile", "--target", str(folder)], wanted, python, constraints)
    return folder


def _resolved(wanted: Sequence[str], python: str, constraints: str) -> list[str]:
    """`name==version` of the packages and of all that they need."""
    report = ROOT / ".cache" / "resolved.json"
    report.parent.mkdir(exist_ok=True)
    _pip(
        ["--dry-run", "--target", str(ROOT / ".cache" / "nowhere"), "--report", str(report)],
        wanted,
        python,
        constraints,
    )
    found = [one["metadata"] for one in json.loads(report.read_text(encoding="utf-8"))["install"]]
    report.unlink()
    return sorted(f"{one['name']}=={one['version']}" for one in found)


def _pip(options: Sequence[str], wanted: Sequence[str], python: str, constraints: str) -> None:
    """pip for another Python and for Linux: wheels only, at the versions that the tests ran with."""
    linux = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
    ]
    command += ["--ignore-installed", "--implementation", "cp", "--python-version", python, *linux, *options]
    subprocess.run([*command, "-c", str(ROOT / constraints), *wanted], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

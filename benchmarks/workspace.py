"""Where the benchmarks keep what they make: cached histories, fresh copies for runs, logs and results."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OPSLAKE = str(Path(sys.executable).with_name("opslake"))
TODAY = "2025-01-01"
"""The business date of every run: the day after the delivery that is measured, so that nothing else is due."""

FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


def tickets_of(size: str) -> int:
    """The number of tickets that `300k` or `10m` stands for; ValueError for another text."""
    match = re.fullmatch(r"(\d+)([km]?)", size.strip().lower())
    if match is None:
        raise ValueError(f"{size!r} is no size; say 100k, 1m or a whole number")
    return int(match[1]) * FACTORS[match[2]]


@dataclass(frozen=True)
class Workspace:
    """A folder; histories in it stay until somebody deletes them, runs are overwritten by the next."""

    root: Path

    def history(self, size: str) -> Path:
        """The cached history of one size: `lake`, `landing` and `built.json`."""
        return self.root / "history" / size

    def landing(self, size: str) -> Path:
        """The landing root that belongs to a history, with the delivery that is measured."""
        return self.history(size) / "landing"

    def log(self, name: str) -> Path:
        """A file for one process's standard error."""
        path = self.root / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def scratch(self, name: str) -> Path:
        """An empty folder of this name."""
        path = self.root / "runs" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def fresh(self, size: str, name: str = "lake") -> Path:
        """A copy of a history's lake, as it was before the delivery that is measured."""
        target = self.scratch(name)
        copy_lake(self.history(size) / "lake", target)
        return target

    def environ(self, lake: Path, landing: Path) -> dict[str, str]:
        """The environment of a measured process; of the caller's settings only those about the machine stay."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("OPSLAKE_") or k in MACHINE_SETTINGS}
        contracts = landing / "_contracts"  # of a sample, which has files in the place of servers
        own = {"OPSLAKE_CONTRACTS": str(contracts)} if contracts.exists() else {}
        return (
            kept
            | own
            | {
                "OPSLAKE_LAKE": str(lake),
                "OPSLAKE_LANDING": str(landing),
                "OPSLAKE_TODAY": TODAY,
                "OPSLAKE_LOG_FORMAT": "json",
                "PYTHONPATH": str(PROJECT),
            }
        )


MACHINE_SETTINGS = ("OPSLAKE_JVM", "OPSLAKE_CORES", "OPSLAKE_DRIVER_MEMORY", "OPSLAKE_GOLD_THREADS")


def copy_lake(source: Path, target: Path) -> None:
    """Copy a lake: data files as hard links, for they are never changed; logs and state as files of their own."""
    for path in _files(source):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet" and "_delta_log" not in path.parts and "state" not in path.parts:
            os.link(path, to)
        else:
            shutil.copy2(path, to)


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield Path(folder, name)

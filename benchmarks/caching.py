"""Histories are built once; one that the engine's present code wouldn't leave like that is brought up to it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

from benchmarks.process import run
from benchmarks.workspace import Workspace, tickets_of

RECIPE = 1
"""Counts up whenever a history that was built before can't be used any more."""


def ensure_history(space: Workspace, size: str) -> None:
    """Build the history of this size where there is none that fits; what takes how long is printed."""
    folder, marker = space.history(size), space.history(size) / "built.json"
    wanted = {"recipe": RECIPE, "tickets": tickets_of(size)}
    began = time.monotonic()
    if marker.exists() and json.loads(marker.read_text()) == wanted:
        _call(space, size, "publish")
        print(f"history {size}: there, Gold looked after in {time.monotonic() - began:.0f} s", flush=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lake").mkdir(parents=True)
    print(f"history {size}: building {wanted['tickets']:,} tickets", flush=True)
    log = _call(space, size, str(wanted["tickets"]))
    steps = [line for line in log.read_text().splitlines() if line.endswith(" s") and ": " in line and "{" not in line]
    marker.write_text(json.dumps(wanted))
    print(f"history {size}: built in {time.monotonic() - began:.0f} s ({', '.join(steps)})", flush=True)


def _call(space: Workspace, size: str, what: str) -> Path:
    log = space.log(f"history-{size}-{what}")
    environ = space.environ(space.history(size) / "lake", space.landing(size))
    run([sys.executable, "-m", "benchmarks.history", what], environ=environ, log=log, folder=space.root)
    return log

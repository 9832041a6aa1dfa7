"""The trigger function and `opslake status` over a long ledger: three years of days of twelve datasets."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparison import Comparison, Target
from benchmarks.process import Timing, run
from benchmarks.workspace import OPSLAKE, TODAY, Workspace
from spark_jobs.contract import load_contracts
from state.landing import Delivery
from state.ledger import DayState, Figures, Ledger, Status

if TYPE_CHECKING:
    from benchmarks.cases import Bench

DATASETS = 12
LAST = date.fromisoformat(TODAY) - timedelta(days=1)
FIRST = LAST - timedelta(days=3 * 365)
CONTRACT = """\
kind: DataContract
apiVersion: v3.1.0
id: {name}
version: 1.0.0
status: active
customProperties:
  - {{property: path, value: "{name}/%Y/%m/%Y-%m-%d.csv"}}
  - {{property: orderingColumn, value: changed_at}}
schema:
  - name: {name}
    properties:
      - {{name: record_id, physicalType: string, required: true, primaryKey: true}}
      - {{name: changed_at, physicalType: timestamp}}
"""


def trigger(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A call that starts a job, the function's import, and `opslake status`; the ledger has one size."""
    folder = _built(bench.space)
    nothing = (sys.executable, "-c", "pass")

    def process(name: str, *command: str) -> Callable[[int], Timing]:
        return lambda n: _process(bench, folder, f"trigger-{name}-{n}", *command)

    call, imported, status = (
        Comparison("trigger", sizes[0], ours, peer, Target("ours - peer", limit))
        for ours, peer, limit in (
            ("a call that starts a batch", "the platform's calls alone", 0.3),
            ("import of the function", "empty process", 1),
            ("opslake status", "empty process", 1),
        )
    )
    return [
        call.measure(
            lambda n: _told(bench, folder, f"trigger-call-{n}", "call"),
            lambda n: _told(bench, folder, f"trigger-platform-{n}", "platform"),
            bench.runs,
        ),
        imported.measure(
            process("import", sys.executable, "-c", "import trigger_function.main"),
            process("empty", *nothing),
            bench.runs,
        ),
        status.measure(process("status", OPSLAKE, "status"), process("empty", *nothing), bench.runs),
    ]


def _process(bench: Bench, folder: Path, log: str, *command: str) -> Timing:
    environ = bench.space.environ(folder / "lake", folder / "landing") | {
        "OPSLAKE_CONTRACTS": str(folder / "contracts")
    }
    return run(list(command), environ=environ, log=bench.space.log(log), folder=folder)


def _told(bench: Bench, folder: Path, log: str, what: str) -> Timing:
    """A process that measures a part of what it does, and tells it in the last line of its output."""
    timing = _process(bench, folder, log, sys.executable, "-m", "benchmarks.peers.call", what)
    last = bench.space.log(log).read_text(encoding="utf-8").splitlines()[-1]
    return replace(timing, seconds=float(json.loads(last)["seconds"]))


def _built(space: Workspace) -> Path:
    """A lake of which all days but the last have succeeded, and its landing; made once."""
    folder = space.root / "trigger"
    if not (folder / "built").exists():
        folder.mkdir(parents=True, exist_ok=True)
        contracts = _contracts(folder / "contracts")
        days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
        files = {(name, day): _file(folder / "landing", path, day) for name, path in contracts.items() for day in days}
        rows = [_day(name, day, file) for (name, day), file in files.items() if day < LAST]
        Ledger(str(folder / "lake")).put(*rows)
        (folder / "built").touch()
    return folder


def _contracts(folder: Path) -> dict[str, str]:
    """Path templates by dataset: the built-in datasets and as many more as twelve need."""
    folder.mkdir(exist_ok=True)
    for number in range(DATASETS - len(load_contracts(None))):
        name = f"feed_{number}"
        (folder / f"{name}.odcs.yaml").write_text(CONTRACT.format(name=name), encoding="utf-8")
    return {name: contract.path for name, contract in load_contracts(folder).items()}


def _file(landing: Path, path: str, day: date) -> Delivery:
    file = landing / day.strftime(path).replace("*", "x")
    file.parent.mkdir(parents=True, exist_ok=True)
    text = f"{path} {day}\n".encode()
    file.write_bytes(text)
    modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Delivery(str(file), len(text), hashlib.sha256(text).hexdigest(), modified)


def _day(dataset: str, day: date, file: Delivery) -> DayState:
    at = datetime.combine(day, datetime.min.time(), UTC)
    return DayState(
        dataset=dataset,
        logical_date=day,
        status=Status.SUCCEEDED,
        attempt=1,
        run_id="history",
        figures=Figures(read=1000, inserted=1000),
        deliveries=(file,),
        loaded=(file.delivery,),
        silver_version=1,
        started_at=at,
        finished_at=at,
        ingestion_timestamp=at,
    )

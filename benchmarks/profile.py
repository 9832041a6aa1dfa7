"""Where the time of one run goes: `python -m benchmarks.profile [--case backfill|jdbc] [--size 100k] [--conf KEY=VAL]`.

The run's log events give its stages, Spark's event log the jobs, tasks and bytes in each. The event log is switched on
by Java's own variable for options, so the run is the one that everybody makes, a little slower.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.caching import ensure_history
from benchmarks.cases import DAY, SAMPLE_PERIOD, ensure_sample
from benchmarks.jdbc import COMMAND, filled
from benchmarks.process import Timing, run
from benchmarks.workspace import OPSLAKE, PROJECT, Workspace, tickets_of


@dataclass
class Job:
    """One Spark job; seconds count from the start of the process."""

    number: int
    begins: float
    ends: float
    text: str
    execution: str
    stages: tuple[int, ...]
    tasks: int = 0
    task_seconds: float = 0.0
    read_bytes: int = 0
    read_rows: int = 0
    written_bytes: int = 0


@dataclass(frozen=True)
class Event:
    """One line of the run's log."""

    at: float
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Profile a run and print what it shows.

    It is a daily one on a fresh copy of a history, a backfill of a year's sample, or a first load of a Postgres table.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--case", choices=("daily", "backfill", "jdbc"), default="daily")
    parser.add_argument("--size", default="100k")
    parser.add_argument("--work", type=Path, default=PROJECT / ".cache" / "benchmarks")
    parser.add_argument("--jobs", type=int, default=40, help="how many of the longest jobs to list")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark setting to try out")
    parser.add_argument("--reuse", action="store_true", help="take the history as it is")
    asked = parser.parse_args()
    space = Workspace(asked.work.absolute())
    tried = dict(one.split("=", 1) for one in asked.conf)
    if asked.case == "backfill":
        landing, command = ensure_sample(space, asked.size), ("backfill", *SAMPLE_PERIOD)
        began, timing, folder = _profiled(space, asked.size, space.scratch("lake"), landing, command, tried)
    elif asked.case == "jdbc":
        with filled(tickets_of(asked.size)):
            lake, landing = space.scratch("lake"), space.scratch("landing")
            began, timing, folder = _profiled(space, asked.size, lake, landing, COMMAND, tried)
    else:
        if not asked.reuse:
            ensure_history(space, asked.size)
        lake, landing = space.fresh(asked.size), space.landing(asked.size)
        began, timing, folder = _profiled(space, asked.size, lake, landing, ("run", "--date", DAY), tried)
    lines = [_json(line) for line in space.log(f"profile-{asked.size}").read_text(errors="replace").splitlines()]
    events = [e for e in (_event(line, began) for line in lines) if e]
    jobs, notes = read_event_log(_lines(folder), began)
    print(report(events, jobs, notes, timing, asked.jobs))


def _profiled(
    space: Workspace, size: str, lake: Path, landing: Path, command: Sequence[str], tried: dict[str, str]
) -> tuple[float, Timing, Path]:
    folder = space.scratch("events")
    settings = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        **tried,
    }
    options = " ".join(f"-D{key}={value}" for key, value in settings.items())
    environ = space.environ(lake, landing) | {"JDK_JAVA_OPTIONS": options}
    began = time.time()
    log = space.log(f"profile-{size}")
    timing = run([OPSLAKE, *command], environ=environ, log=log, folder=space.root)
    return began, timing, folder


def read_event_log(lines: Iterable[dict[str, Any]], began: float) -> tuple[list[Job], dict[str, float]]:
    """The jobs of an event log, and when Spark said that its application and its executor were there."""
    jobs: dict[int, Job] = {}
    of_stage: dict[int, Job] = {}
    notes: dict[str, float] = {}
    for line in lines:
        kind = line.get("Event", "")
        if kind == "SparkListenerJobStart":
            job = _job(line, began)
            jobs[job.number] = job
            of_stage.update({stage: job for stage in job.stages if stage not in of_stage})
        elif kind == "SparkListenerJobEnd":
            jobs[line["Job ID"]].ends = line["Completion Time"] / 1000 - began
        elif kind == "SparkListenerTaskEnd" and line["Stage ID"] in of_stage:
            _add_task(of_stage[line["Stage ID"]], line)
        elif kind in ("SparkListenerApplicationStart", "SparkListenerExecutorAdded"):
            notes[kind.removeprefix("SparkListener")] = line["Timestamp"] / 1000 - began
    return list(jobs.values()), notes


def _job(line: dict[str, Any], began: float) -> Job:
    properties = line.get("Properties") or {}
    names = [info["Stage Name"] for info in line.get("Stage Infos", [])]
    text = properties.get("spark.job.description") or properties.get("callSite.short") or (names[-1] if names else "")
    at = line["Submission Time"] / 1000 - began
    stages = tuple(line["Stage IDs"])
    return Job(line["Job ID"], at, at, text.replace("\n", " "), properties.get("spark.sql.execution.id", ""), stages)


def _add_task(job: Job, line: dict[str, Any]) -> None:
    metrics = line.get("Task Metrics") or {}
    job.tasks += 1
    job.task_seconds += metrics.get("Executor Run Time", 0) / 1000
    job.read_bytes += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
    job.read_rows += metrics.get("Input Metrics", {}).get("Records Read", 0)
    job.written_bytes += metrics.get("Output Metrics", {}).get("Bytes Written", 0)


def report(events: Sequence[Event], jobs: Sequence[Job], notes: dict[str, float], timing: Timing, longest: int) -> str:
    """Stages with their jobs, then the longest jobs, then what the jobs are called."""
    out = [
        f"whole process {timing.seconds:.1f} s, CPU {timing.cpu_seconds} s, JVM there after {timing.jvm_after} s, "
        + ", ".join(f"{name} after {at:.1f} s" for name, at in notes.items()),
        f"{len(jobs)} jobs, {len({j.execution for j in jobs if j.execution})} SQL executions, "
        f"{sum(j.tasks for j in jobs)} tasks of {sum(j.task_seconds for j in jobs):.1f} s together; some job ran for "
        f"{covered(jobs):.1f} s, none for the rest: planning, commits, Python",
        "",
        f"{'until':>7} {'took':>6} {'jobs':>5} {'in jobs':>8} {'tasks':>6} {'MiB read':>9}  stage",
    ]
    before = 0.0
    for name, until in stages(events, timing.seconds):
        inside = [j for j in jobs if before <= j.begins < until]
        read = sum(j.read_bytes for j in inside) / 1024**2
        busy = covered(inside)
        out.append(
            f"{until:7.1f} {until - before:6.1f} {len(inside):5} {busy:8.1f} {sum(j.tasks for j in inside):6} "
            f"{read:9.2f}  {name}"
        )
        before = until
    out += ["", f"{'at':>7} {'took':>6} {'tasks':>6} {'MiB read':>9} {'rows':>10}  job"]
    for job in sorted(sorted(jobs, key=lambda j: j.begins - j.ends)[:longest], key=lambda j: j.begins):
        out.append(
            f"{job.begins:7.1f} {job.ends - job.begins:6.2f} {job.tasks:6} {job.read_bytes / 1024**2:9.2f} "
            f"{job.read_rows:10}  {job.text[:110]}"
        )
    named = Counter(job.text[:90] for job in jobs)
    out += ["", *(f"{count:5} x {text}" for text, count in named.most_common(25))]
    return "\n".join(out)


def stages(events: Sequence[Event], end: float) -> list[tuple[str, float]]:
    """Each log event ends a stage of its name; the rest ends with the process."""
    found = []
    for event in events:
        about = event.facts.get("table") or event.facts.get("dataset") or ""
        took = f" ({event.facts['seconds']} s of its own)" if "seconds" in event.facts else ""
        found.append((f"{event.name} {about}{took}".strip(), event.at))
    return [*found, ("end of the process", end)]


def covered(jobs: Iterable[Job]) -> float:
    """Seconds in which at least one of the jobs ran."""
    total = reached = 0.0
    for job in sorted(jobs, key=lambda j: j.begins):
        total += max(0.0, job.ends - max(job.begins, reached))
        reached = max(reached, job.ends)
    return total


def _event(line: dict[str, Any], began: float) -> Event | None:
    if "event" not in line or "timestamp" not in line:
        return None
    at = datetime.fromisoformat(str(line["timestamp"]).replace("Z", "+00:00")).astimezone(UTC).timestamp() - began
    return Event(at, str(line["event"]), line)


def _lines(folder: Path) -> Iterable[dict[str, Any]]:
    for path in folder.iterdir():
        with path.open(encoding="utf-8") as file:
            yield from map(_json, file)


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    main()

"""The cases: what is run against what, at which sizes, and what is asked of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from benchmarks import commits
from benchmarks.comparison import Comparison, Target
from benchmarks.jdbc import jdbc
from benchmarks.process import Timing, run
from benchmarks.trigger import trigger
from benchmarks.workspace import OPSLAKE, Workspace, copy_lake, tickets_of

DAY = "2024-12-31"
SAMPLE_DAYS = 365
MONTH = 30
THREE_DOMAINS = ("tickets", "agents_master", "calls", "agent_events", "agent_identity")
SAMPLE_START = date(2024, 1, 1)
SAMPLE_END = SAMPLE_START + timedelta(days=SAMPLE_DAYS - 1)
SAMPLE_PERIOD = ("--start", str(SAMPLE_START), "--end", str(SAMPLE_END), "--dataset", "tickets")


@dataclass(frozen=True)
class Bench:
    """What every case needs: the workspace and how often each side is run."""

    space: Workspace
    runs: int

    def engine(self, lake: Path, landing: Path, log: str, *command: str) -> Timing:
        """One `opslake` process."""
        environ = self.space.environ(lake, landing)
        return run([OPSLAKE, *command], environ=environ, log=self.space.log(log), folder=self.space.root)

    def peer(self, lake: Path, log: str, name: str, *arguments: object) -> Timing:
        """One peer's process."""
        environ = self.space.environ(lake, self.space.root / "landing")
        command = [sys.executable, "-m", f"benchmarks.peers.{name}", *map(str, arguments)]
        return run(command, environ=environ, log=self.space.log(log), folder=self.space.root)

    def day(self, size: str, number: int) -> Timing:
        """The engine's daily run on a fresh copy of a history, with what it committed."""
        lake = self.space.fresh(size)
        before = commits.versions(lake)
        timing = self.engine(lake, self.space.landing(size), f"day-{size}-{number}", "run", "--date", DAY)
        return replace(timing, facts=commits.totals(commits.since(lake, before)))

    def delivery(self, size: str) -> Path:
        """The measured day's file."""
        return self.space.landing(size) / f"tickets/2024/12/{DAY}.csv"

    def on_a_copy(self, size: str, name: str, number: int) -> Timing:
        """A peer that takes LAKE, DELIVERY and DATE, on a fresh copy, with what it committed."""
        lake = self.space.fresh(size)
        before = commits.versions(lake)
        timing = self.peer(lake, f"{name}-{size}-{number}", name, lake, self.delivery(size), DAY)
        return replace(timing, facts=commits.totals(commits.since(lake, before)))


def daily(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day over a long history against the same day over a short one."""
    small, large = sizes[0], sizes[-1]
    asked = Comparison("daily", f"{large} over {small}", large, small, Target("ours / peer", 1.3))
    return [asked.measure(lambda n: bench.day(large, n), lambda n: bench.day(small, n), bench.runs)]


def floor(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day against a session with as many bare commits of the same rows."""
    return [_floor(bench, size) for size in sizes]


def _floor(bench: Bench, size: str) -> Comparison:
    rows, number = _rows_of_a_day(bench, size)

    def bare(n: int) -> Timing:
        lake, tables = bench.space.scratch("floor"), bench.space.scratch("floor-tables")
        return bench.peer(lake, f"floor-{size}-{n}", "floor", "run", rows, tables)

    peer = f"session and {number} bare commits"
    asked = Comparison("floor", size, "opslake run", peer, Target("ours / peer", 2))
    return asked.measure(lambda n: bench.day(size, n), bare, bench.runs)


def _rows_of_a_day(bench: Bench, size: str) -> tuple[Path, int]:
    """The rows of each commit of a daily run, kept as Parquet; and how many commits there were."""
    lake = bench.space.fresh(size)
    before = commits.versions(lake)
    bench.engine(lake, bench.space.landing(size), f"floor-day-{size}", "run", "--date", DAY)
    rows = bench.space.scratch(f"floor-rows-{size}")
    bench.peer(lake, f"floor-rows-{size}", "floor", "prepare", lake, json.dumps(before), rows)
    return rows, len(list(rows.iterdir()))


def full(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day against full recomputation in Spark."""
    found = []
    for size in sizes:
        tickets = tickets_of(size)
        limit = 3.0 if tickets >= 10_000_000 else 1.5 if tickets >= 1_000_000 else 1.2
        asked = Comparison("full", size, "opslake run", "full recomputation", Target("peer / ours", limit))
        found.append(_against_a_copy(bench, asked, "full"))
    return found


def naive(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day against the job that teams write first."""
    asked = [Comparison("naive", s, "opslake run", "append and rescan", Target("ours / peer", 1.5)) for s in sizes]
    return [_against_a_copy(bench, one, "naive") for one in asked]


def _against_a_copy(bench: Bench, asked: Comparison, peer: str) -> Comparison:
    return asked.measure(lambda n: bench.day(asked.size, n), lambda n: bench.on_a_copy(asked.size, peer, n), bench.runs)


def backfill(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A year of sample files, backfilled, against a plain read of them into one table."""
    return [_backfill(bench, size) for size in sizes]


def _backfill(bench: Bench, size: str) -> Comparison:
    landing = ensure_sample(bench.space, size)
    files = [path for path in (landing / "tickets").rglob("*.csv*") if path.is_file()]
    total = sum(path.stat().st_size for path in files)

    def ours(n: int) -> Timing:
        lake = bench.space.scratch("lake")
        done = bench.engine(lake, landing, f"backfill-{size}-{n}", "backfill", *SAMPLE_PERIOD)
        return replace(done, facts=commits.totals(commits.since(lake, {})))

    def plain(n: int) -> Timing:
        lake = bench.space.scratch("lake")
        done = bench.peer(lake, f"plain-{size}-{n}", "plain_read", lake / "gold" / "plain", total, landing / "tickets")
        return replace(done, facts=commits.totals(commits.since(lake, {})))

    label = f"plain read of {len(files)} files"
    asked = Comparison("backfill", size, "opslake backfill", label, Target("ours / peer", 2.5))
    return asked.measure(ours, plain, bench.runs)


def ensure_sample(space: Workspace, size: str) -> Path:
    """A year of deliveries with so many tickets; written once."""
    landing = space.root / "sample" / size
    if not (landing / "_truth" / "sample.json").exists():
        from spark_jobs.sample import write_sample

        per_day = max(1, round(tickets_of(size) / SAMPLE_DAYS))
        print(f"  writing {SAMPLE_DAYS} days of {per_day} tickets", flush=True)
        asked = ("tickets", "agents_master")
        write_sample(landing, start=SAMPLE_START, days=SAMPLE_DAYS, tickets_per_day=per_day, seed=1, datasets=asked)
    return landing


def repeat(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A finished day again, by its date and as whatever is due, against a session's start."""
    return [comparison for size in sizes for comparison in _repeat(bench, size)]


def _repeat(bench: Bench, size: str) -> list[Comparison]:
    lake, landing = bench.space.fresh(size), bench.space.landing(size)
    bench.engine(lake, landing, f"repeat-first-{size}", "run", "--date", DAY)
    before = commits.versions(lake)
    found = [_again(bench, lake, size, "run", "--date", DAY), _again(bench, lake, size, "run")]
    if commits.versions(lake) != before:
        raise AssertionError(f"a finished day that ran again has changed tables of {lake}")
    return found


def _again(bench: Bench, lake: Path, size: str, *command: str) -> Comparison:
    landing, name = bench.space.landing(size), "-".join(["repeat", size, *(part.strip("-") for part in command)])
    asked = Comparison("repeat", size, " ".join(["opslake", *command]), "empty session", Target("ours - peer", 5))
    return asked.measure(
        lambda n: bench.engine(lake, landing, f"{name}-{n}", *command),
        lambda n: bench.peer(lake, f"{name}-empty-{n}", "empty"),
        bench.runs,
    )


def domains(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day of three domains, and of all with complaints, against the same day of tickets alone; over a month each."""
    return [_domains(bench, size, every=every) for size in sizes for every in (False, True)]


def _domains(bench: Bench, size: str, *, every: bool) -> Comparison:
    landing, built = _sample_of(bench.space, size, every=every)
    last = SAMPLE_START + timedelta(days=MONTH - 1)

    def day(*dataset: str) -> Callable[[int], Timing]:
        def one(n: int) -> Timing:
            lake = bench.space.scratch("lake")
            copy_lake(built, lake)
            log = "-".join(["domains", built.parent.name, *(part.strip("-") for part in dataset), str(n)])
            return bench.engine(lake, landing, log, "run", "--date", str(last), *dataset)

        return one

    ours = "opslake run: complaints too" if every else "opslake run: tickets, calls and activity"
    target = Target("ours / peer", 2.5 if every else 1.5)
    asked = Comparison("domains", size, ours, "opslake run --dataset tickets", target)
    return asked.measure(day(), day("--dataset", "tickets"), bench.runs)


def _sample_of(space: Workspace, size: str, *, every: bool) -> tuple[Path, Path]:
    """A month of sample days of three or of `every` domain, and a lake that has all of them but the last; made once."""
    folder = space.root / "domains" / f"{size}-{'four' if every else 'three'}"
    landing, lake, marker = folder / "landing", folder / "lake", folder / "built"
    if not marker.exists():
        from spark_jobs.sample import DATASETS, write_sample

        per_day, datasets = max(1, round(tickets_of(size) / MONTH)), DATASETS if every else THREE_DOMAINS
        write_sample(landing, start=SAMPLE_START, days=MONTH, tickets_per_day=per_day, seed=1, datasets=datasets)
        before_last = SAMPLE_START + timedelta(days=MONTH - 2)
        command = [OPSLAKE, "backfill", "--start", str(SAMPLE_START), "--end", str(before_last)]
        log = space.log(f"domains-{folder.name}")
        run(command, environ=space.environ(lake, landing), log=log, folder=space.root)
        marker.touch()
    return landing, lake


def spread(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """Agent events spread to half hours, against a plain group-by over them."""
    return [_spread(bench, size) for size in sizes]


def _spread(bench: Bench, size: str) -> Comparison:
    events, lake = bench.space.scratch(f"spread-{size}") / "events", bench.space.scratch("lake")
    bench.peer(lake, f"spread-events-{size}", "spread", "prepare", tickets_of(size), events)
    asked = Comparison("spread", size, "half hours of states", "group-by of events", Target("ours / peer", 3))
    return asked.measure(
        lambda n: bench.peer(lake, f"spread-ours-{size}-{n}", "spread", "ours", events),
        lambda n: bench.peer(lake, f"spread-plain-{size}-{n}", "spread", "plain", events),
        bench.runs,
    )


@dataclass(frozen=True)
class Case:
    """A case by its function, with the sizes of its own and whether it runs over histories."""

    measure: Callable[[Bench, Sequence[str]], list[Comparison]]
    sizes: tuple[str, ...]
    over_history: bool = True


CASES: Mapping[str, Case] = {
    "daily": Case(daily, ("100k", "10m")),
    "floor": Case(floor, ("300k", "10m")),
    "full": Case(full, ("300k", "1m", "10m")),
    "naive": Case(naive, ("300k", "10m")),
    "backfill": Case(backfill, ("300k",), over_history=False),
    "repeat": Case(repeat, ("300k", "10m")),
    "domains": Case(domains, ("30k",), over_history=False),
    "spread": Case(spread, ("1m",), over_history=False),
    "trigger": Case(trigger, ("13k",), over_history=False),
    "jdbc": Case(jdbc, ("1m",), over_history=False),
}

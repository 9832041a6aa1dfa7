"""`python -m benchmarks [case …]`: measure, print a table, keep JSON and Markdown in the work folder."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks import results
from benchmarks.caching import ensure_history
from benchmarks.cases import CASES, Bench
from benchmarks.workspace import PROJECT, Workspace, tickets_of

PAGE = PROJECT / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    """Run the cases that were asked for, all of them by default; 1 where a target isn't met."""
    asked = _parse(arguments)
    if asked.jvm:
        os.environ["OPSLAKE_JVM"] = asked.jvm
    space = Workspace(asked.work.absolute())
    space.root.mkdir(parents=True, exist_ok=True)
    folder = space.root / "results"
    missed = 0
    for name in [] if asked.report else asked.cases or list(CASES):
        missed += _measure(space, name, asked, folder)
    text = results.section(results.kept(folder, CASES))
    (space.root / "results.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}\n\nkept in {folder} and {space.root / 'results.md'}")
    if asked.docs:
        results.put_into(PAGE, text)
    return 1 if missed else 0


def _measure(space: Workspace, name: str, asked: argparse.Namespace, folder: Path) -> int:
    """Measure one case and keep its results; how many targets it misses."""
    case, began = CASES[name], time.monotonic()
    sizes = sorted(asked.sizes if asked.sizes and case.over_history else case.sizes, key=tickets_of)
    if name == "backfill" and asked.backfill:
        sizes = [asked.backfill]
    if case.over_history and not asked.reuse:
        for size in sorted({sizes[0], sizes[-1]} if name == "daily" else set(sizes), key=tickets_of):
            ensure_history(space, size)
    found = [comparison.as_json() for comparison in case.measure(Bench(space, asked.runs), sizes)]
    results.keep(folder, name, found, asked.runs)
    print(f"{name}: measured in {time.monotonic() - began:.0f} s", flush=True)
    return sum(not comparison["met"] for comparison in found)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--sizes", type=_sizes, help="tickets of the histories, as 100k,10m; else each case's own")
    parser.add_argument("--backfill", type=_size, help="tickets of the backfilled year, 300k by default")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side, in turns (5)")
    parser.add_argument("--work", type=Path, default=PROJECT / ".cache" / "benchmarks", help="where everything is kept")
    parser.add_argument("--jvm", choices=("small", "large"), help="JVM flags of both sides; else the engine's rule")
    parser.add_argument("--reuse", action="store_true", help="take the histories as they are, without a look")
    parser.add_argument("--report", action="store_true", help="measure nothing, only show what was kept")
    parser.add_argument("--docs", action="store_true", help="put the results into docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.cases if name not in CASES]
    if unknown or asked.runs < 1:
        parser.error(f"unknown case {unknown[0]!r}, there are {', '.join(CASES)}" if unknown else "--runs is 1 or more")
    return asked


def _size(text: str) -> str:
    try:
        tickets_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text.strip().lower()


def _sizes(text: str) -> list[str]:
    return [_size(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

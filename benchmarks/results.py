"""Results as a table, as JSON, and as the section of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.workspace import MACHINE_SETTINGS, PROJECT

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PACKAGES = ("pyspark", "delta-spark", "deltalake", "pyarrow", "opslake")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "cpu": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.processor(),
        "memory_gib": round(int(_first(r"MemTotal:\s*(\d+)", Path("/proc/meminfo")) or 0) / 1024**2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "java": _java(),
        **{name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "settings": {name: os.environ[name] for name in MACHINE_SETTINGS if name in os.environ},
    }


def keep(folder: Path, case: str, comparisons: Iterable[Mapping[str, Any]], runs: int) -> Path:
    """Write one case's results, with the machine and the date, in the place of its earlier ones."""
    path = folder / f"{case}.json"
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "runs": runs, "machine": machine()}
    path.write_text(json.dumps(facts | {"comparisons": list(comparisons)}, indent=2) + "\n", encoding="utf-8")
    return path


def kept(folder: Path, cases: Iterable[str]) -> list[dict[str, Any]]:
    """The results that are there, in the order of the cases."""
    paths = [folder / f"{case}.json" for case in cases]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def table(results: Iterable[Mapping[str, Any]]) -> str:
    """One line per comparison, in Markdown, which a terminal shows as well."""
    lines = [
        "| case | size | ours, s | peer, s | peer | target | measured | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for found in (c for result in results for c in result["comparisons"]):
        ours, peer = found["sides"]
        cells = [
            found["case"], found["size"], f"{_seconds(ours)} ({ours['label']})", _seconds(peer), peer["label"],
            found["target"], f"{found['value']:.2f}", "yes" if found["met"] else "**no**",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def traffic(results: Iterable[Mapping[str, Any]]) -> str:
    """Files and bytes beside the times."""
    lines = [
        "| case | size | side | commits | files added | MiB added | files removed | MiB removed | MiB read | CPU, s | "
        "peak, MiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for found in (c for result in results for c in result["comparisons"]):
        for side in found["sides"]:
            facts = side["facts"]
            cells = [found["case"], found["size"], side["label"], *(_cell(facts, n) for n in FACTS)]
            cells += [_mib(side["read_bytes"]), _plain(side["cpu_seconds"]), _mib(side["peak_bytes"])]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


FACTS = ("commits", "files_added", "bytes_added", "files_removed", "bytes_removed")


def section(results: list[dict[str, Any]]) -> str:
    """The results as docs/benchmarks.md shows them: machine, date, both tables."""
    if not results:
        return "Nothing was measured yet."
    about = results[-1]["machine"]
    packages = ", ".join(f"{name} {about[name]}" for name in PACKAGES if about.get(name))
    days = " to ".join(sorted({min(r["date"] for r in results), max(r["date"] for r in results)}))
    chosen = ", ".join(f"{k}={v}" for k, v in about["settings"].items()) or "the defaults"
    machine_line = (
        f"{days}; {about['cores']} cores of {about['cpu']}, {about['memory_gib']} GiB, {about['system']}; "
        f"Java {about['java']}, Python {about['python']}, {packages}; commit {about['commit']}; settings: {chosen}. "
        f"Medians of {'/'.join(sorted({str(r['runs']) for r in results}))} runs a side."
    )
    return f"{machine_line}\n\n{table(results)}\n\n{traffic(results)}"


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the page's markers; ValueError where it has none."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _seconds(side: Mapping[str, Any]) -> str:
    times = [run["seconds"] for run in side["runs"]]
    return f"{side['seconds']:.1f} [{min(times):.1f} to {max(times):.1f}]"


def _cell(facts: Mapping[str, int], name: str) -> str:
    if name not in facts:
        return ""
    return _mib(facts[name]) if name.startswith("bytes") else str(facts[name])


def _mib(size: float | None) -> str:
    return "" if size is None else f"{size / 1024**2:.1f}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _first(pattern: str, path: Path) -> str | None:
    match = re.search(pattern, path.read_text()) if path.exists() else None
    return match[1].strip() if match else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _java() -> str:
    from spark_jobs.java import find_java

    return find_java().version


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"

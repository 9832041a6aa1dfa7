"""What a run committed, read from the Delta logs of its lake: files and bytes, added and removed, per table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

LAYERS = ("bronze", "exception", "silver", "gold", "naive")
"""Folders that Spark commits to, `naive` is a peer's; `state` is written without Spark."""


@dataclass(frozen=True)
class Commit:
    """One commit of one table; `rows` are those that it meant: written by an append or overwrite, moved by a MERGE."""

    layer: str
    table: str
    version: int
    operation: str
    rows: int
    added: tuple[str, ...]
    added_bytes: int
    removed: int
    removed_bytes: int


def versions(lake: Path) -> dict[str, int]:
    """The latest version of each table outside `state`, by `layer/name`."""
    found: dict[str, int] = {}
    for layer in LAYERS:
        for log in (lake / layer).glob("*/_delta_log"):
            numbers = [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]
            if numbers:
                found[f"{layer}/{log.parent.name}"] = max(numbers)
    return found


def since(lake: Path, before: Mapping[str, int]) -> list[Commit]:
    """The commits that came after the versions in `before`, table by table in the order of the layers."""
    found: list[Commit] = []
    for name, latest in versions(lake).items():
        first = before.get(name, -1) + 1
        found += [read_commit(lake, name, version) for version in range(first, latest + 1)]
    return found


def read_commit(lake: Path, name: str, version: int) -> Commit:
    """One commit of the table `layer/name`."""
    text = (lake / name / "_delta_log" / f"{version:020d}.json").read_text(encoding="utf-8")
    actions = [json.loads(line) for line in text.splitlines() if line]
    adds = [a["add"] for a in actions if "add" in a]
    removes = [a["remove"] for a in actions if "remove" in a]
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    layer, _, table = name.partition("/")
    return Commit(
        layer=layer,
        table=table,
        version=version,
        operation=info.get("operation", ""),
        rows=_rows(info.get("operationMetrics", {})),
        added=tuple(unquote(add["path"]) for add in adds),
        added_bytes=sum(add["size"] for add in adds),
        removed=len(removes),
        removed_bytes=sum(remove.get("size") or 0 for remove in removes),
    )


def totals(commits: Iterable[Commit]) -> dict[str, int]:
    """Commits, files and bytes of several commits."""
    commits = list(commits)
    return {
        "commits": len(commits),
        "files_added": sum(len(c.added) for c in commits),
        "bytes_added": sum(c.added_bytes for c in commits),
        "files_removed": sum(c.removed for c in commits),
        "bytes_removed": sum(c.removed_bytes for c in commits),
    }


def _rows(metrics: Mapping[str, str]) -> int:
    if "numTargetRowsInserted" in metrics:
        return sum(int(metrics.get(f"numTargetRows{what}", 0)) for what in ("Inserted", "Updated"))
    return int(metrics.get("numOutputRows", 0))

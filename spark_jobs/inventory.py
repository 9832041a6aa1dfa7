"""The tables of a lake: those that a contract, Gold or the engine knows, and others that lie there."""

from __future__ import annotations

from collections.abc import Iterable

from spark_jobs.gold import registry
from spark_jobs.lake import Layer
from state.stores import open_files
from state.tables import STATE_TABLES


def known_tables(datasets: Iterable[str]) -> dict[Layer, list[str]]:
    """The tables that a lake with these datasets may have, by layer."""
    names = list(datasets)
    state = [table.name for table in STATE_TABLES]
    return {"bronze": names, "exception": names, "silver": names, "gold": list(registry()), "state": state}


def unknown_tables(root: str, datasets: Iterable[str]) -> tuple[str, ...]:
    """The other tables below a lake's root, as `layer/name`: of a dropped contract, or a Gold table of earlier days."""
    files, base = open_files(root)
    found: list[str] = []
    for layer, names in known_tables(datasets).items():
        try:
            paths = files.ls(f"{base.rstrip('/')}/{layer}", detail=False)
        except FileNotFoundError:
            continue
        others = {path.rstrip("/").rpartition("/")[2]: path.rstrip("/") for path in paths}
        found += [f"{layer}/{n}" for n in sorted(set(others) - set(names)) if files.exists(f"{others[n]}/_delta_log")]
    return tuple(found)

"""Which Gold tables a run would compute again, and why: what is pending now, and what its loading would move."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from spark_jobs.gold import GoldTable, registry
from spark_jobs.publishing import Publisher

WHOLE = " (rebuilt whole)"


@dataclass(frozen=True)
class Forecast:
    """One Gold table that would be computed; `whole` is a rebuild, as after a change of its definition."""

    table: str
    reason: str
    whole: bool = False


def forecast(publisher: Publisher, loaded: Collection[str]) -> list[Forecast]:
    """The tables in the order of their computation, if the datasets in `loaded` get new rows. Needs no JVM."""
    pending, versions = publisher.pending(), publisher.versions()
    found: dict[str, Forecast] = {}
    for table in registry().values():
        moved = [name for name in table.inputs if name in loaded or name in found]
        if not moved and table.name not in pending:
            continue
        if not _computable(publisher, table, loaded, {*versions, *found}):
            continue
        if table.name in pending:
            reason, whole = pending[table.name], pending[table.name].endswith(WHOLE)
        elif table.name not in versions:
            reason, whole = "new table", True
        else:
            reason, whole = _follows(moved, loaded), False
        found[table.name] = Forecast(table.name, reason.removesuffix(WHOLE), whole)
    return list(found.values())


def _computable(publisher: Publisher, table: GoldTable, loaded: Collection[str], there: Collection[str]) -> bool:
    """Its Gold inputs are there or about to be, and so are some of the events that it follows from."""
    dated = {*publisher.horizons, *(name for name in loaded if publisher.contracts[name].load_mode == "merge")}
    is_there = all(name in there or name in publisher.contracts for name in table.inputs)
    return is_there and bool(dated & publisher.datasets_of(table))


def _follows(moved: list[str], loaded: Collection[str]) -> str:
    return f"{', '.join(moved)} would be loaded" if set(moved) <= set(loaded) else f"follows {', '.join(moved)}"

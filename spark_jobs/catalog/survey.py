"""What a lake has to show: its tables, their columns, and which of these are personal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.gold import GoldTable, registry
from spark_jobs.lookup import open_table
from state.tables import STATE_TABLES

ABOUT = {
    "bronze": "Deliveries of {name} as they came: text and lineage.",
    "exception": "Rejected and duplicate records of {name}, with every reason and what became of them.",
    "state": "What opslake keeps about its own work: {name}.",
}
ANALYSTS_LAYERS = ("gold", "state")


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake; `columns` are Delta's types by name, in order."""

    layer: str
    name: str
    uri: str
    columns: Mapping[str, Any]
    personal: tuple[str, ...]
    about: str

    @property
    def full_name(self) -> str:
        """`<layer>_<name>`: its name where tables of all layers stand together."""
        return f"{self.layer}_{self.name}"

    @property
    def is_for_analysts(self) -> bool:
        """Whether people who may see no personal data may read the whole of it."""
        return self.layer in ANALYSTS_LAYERS and not self.personal


@dataclass(frozen=True)
class Survey:
    """The tables that a lake holds, and as `<layer>/<name>` those that it doesn't hold yet."""

    tables: tuple[LakeTable, ...]
    missing: tuple[str, ...]

    def of(self, *layers: str) -> Iterator[LakeTable]:
        """The tables of these layers."""
        return (table for table in self.tables if table.layer in layers)

    def table(self, layer: str, name: str) -> LakeTable | None:
        """One table, None where the lake doesn't hold it yet."""
        return next((t for t in self.of(layer) if t.name == name), None)


def survey(lake: str, contracts: Mapping[str, Contract], uri: str | None = None) -> Survey:
    """Look at every table that contracts, Gold and state can make; `uri` is the lake's root as others see it."""
    root = (uri or lake).rstrip("/")
    tables: list[LakeTable] = []
    missing: list[str] = []
    for layer, name, personal, about in _known(contracts):
        found = open_table(lake.rstrip("/"), layer, name)
        if found is None:
            missing.append(f"{layer}/{name}")
            continue
        columns = {f["name"]: f["type"] for f in json.loads(found.schema().to_json())["fields"]}
        hidden = tuple(c for c in columns if c in personal)
        tables.append(LakeTable(layer, name, f"{root}/{layer}/{name}", columns, hidden, about))
    if not tables:
        hint = "`opslake --lake …` or OPSLAKE_LAKE says where it is; `opslake run` fills it"
        raise UsageError("the lake holds no table", where="setting 'lake'", value=lake, hint=hint)
    return Survey(tuple(tables), tuple(missing))


def _known(contracts: Mapping[str, Contract]) -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Layer, name, names of personal columns, and what a table is about."""
    for name, contract in contracts.items():
        yield "bronze", name, _sources_of_personal(contract), ABOUT["bronze"].format(name=name)
        about = f"One row per {', '.join(contract.key)}, as last known."
        yield "silver", name, personal_columns([contract]), about
        yield "exception", name, frozenset({"raw_record", "record_key"}), ABOUT["exception"].format(name=name)
    for name, declared in registry().items():
        inputs = (contracts[each] for each in silver_inputs(declared) if each in contracts)
        told = (declared.function.__doc__ or "").strip().partition("\n")[0]
        yield "gold", name, personal_columns(inputs), f"{told} Grain: {', '.join(declared.grain)}."
    for state in STATE_TABLES:
        yield "state", state.name, frozenset(), ABOUT["state"].format(name=state.name)


def personal_columns(contracts: Iterable[Contract]) -> frozenset[str]:
    """The columns that these contracts classify, by name: Gold keeps the names of what it takes from Silver."""
    return frozenset(c.name for contract in contracts for c in contract.columns if c.classification)


def silver_inputs(declared: GoldTable) -> frozenset[str]:
    """The datasets that a Gold table follows from, through whatever other Gold tables."""
    gold = registry()
    found: set[str] = set()
    for name in declared.inputs:
        found |= silver_inputs(gold[name]) if name in gold else {name}
    return frozenset(found)


def _sources_of_personal(contract: Contract) -> frozenset[str]:
    """Bronze's columns that personal ones are made of, and those that hold whatever was delivered."""
    sources = (source for c in contract.columns if c.classification for source in c.sources)
    return frozenset({*sources, "_extra", "_corrupt_record"})

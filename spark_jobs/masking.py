"""What a terminal shows of personal data: that there is some, and not which. Works on rows that are on the driver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spark_jobs.contract import Contract
from spark_jobs.names import squeeze
from spark_jobs.trace import Delivered, Origin, Part, Trace

MASK = "•••"


def masked_row(row: Mapping[str, Any], *contracts: Contract) -> dict[str, Any]:
    """A row of Silver, or of a Gold table that follows from these datasets, without values of classified columns."""
    hidden = {column.name for contract in contracts for column in contract.columns if column.is_personal}
    return {name: _hidden(value) if name in hidden else value for name, value in row.items()}


def masked_fields(fields: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """A record's fields as delivered, without those that a classified column reads; `_extra` is looked into."""
    sources = {squeeze(name) for column in contract.columns if column.is_personal for name in column.sources}
    return {
        name: masked_fields(value, contract)
        if name == "_extra" and isinstance(value, Mapping)
        else _hidden(value)
        if squeeze(name) in sources
        else value
        for name, value in fields.items()
    }


def masked_record(raw: str | None, contract: Contract) -> str | None:
    """A record as exceptions keep it: of a malformed one, whose fields nobody knows, nothing is shown."""
    if raw is None or not contract.has_personal:
        return raw
    try:
        fields = json.loads(raw)
    except ValueError:
        fields = None
    return json.dumps(masked_fields(fields, contract), ensure_ascii=False) if isinstance(fields, dict) else MASK


def masked_exception(row: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """An exception's row, in brief or whole."""
    found = dict(row)
    if any(contract.column(name).is_personal for name in contract.key):
        found["record_key"] = _hidden(found.get("record_key"))
    if "raw_record" in found:
        found["raw_record"] = masked_record(found["raw_record"], contract)
    return found


def masked_trace(found: Trace, contracts: Mapping[str, Contract]) -> Trace:
    """A trace; the key that was asked for is known to whoever asked."""
    datasets = [contracts[part.dataset] for part in found.parts if part.dataset in contracts]
    row = None if found.row is None else {**masked_row(found.row, *datasets), **found.key}
    own = contracts.get(found.table)
    return replace(
        found,
        row=row,
        parts=tuple(_part(part, contracts.get(part.dataset)) for part in found.parts),
        versions=tuple(_delivered(one, own) for one in found.versions),
        exceptions=tuple(masked_exception(each, own) if own else each for each in found.exceptions),
    )


def _part(part: Part, contract: Contract | None) -> Part:
    if contract is None:
        return part
    origins = (
        Origin(masked_row(one.row, contract), None if one.delivered is None else _delivered(one.delivered, contract))
        for one in part.origins
    )
    return replace(part, origins=tuple(origins))


def _delivered(one: Delivered, contract: Contract | None) -> Delivered:
    if contract is None:
        return one
    return replace(one, fields=masked_fields(one.fields, contract), text=masked_record(one.text, contract))


def _hidden(value: Any) -> Any:
    return None if value is None else MASK

"""`customProperties`: what the standard has no place for, each with the kind of value that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from spark_jobs.contract.document import Block
from spark_jobs.contract.findings import Report

TRUTH, TEXT, TEXTS, NUMBER, DAY, MAPPING = "true or false", "text", "a list of texts", "a number", "a date", "a mapping"
Kind = str | tuple[str, ...]  # one of the kinds above, or the words that are allowed

CONTRACT_SETTINGS: Mapping[str, Kind] = {
    "format": TEXT,  # which ones there are is asked of formats.py
    "path": TEXT,
    "pathIgnoresCase": TRUTH,
    "options": MAPPING,
    "nullTokens": TEXTS,
    "zone": TEXT,
    "orderingColumn": TEXT,
    "eventDateColumn": TEXT,
    "customerIdColumn": TEXT,
    "loadMode": ("merge", "replace"),
    "maxRejectRatio": NUMBER,
    "driftPolicy": ("report", "fail"),
    "startsOn": DAY,
    "missingDays": ("fail", "skip"),
    "allowEmpty": TRUTH,
    "readyMarker": TRUTH,
    "keepSourceRowId": TRUTH,
    "earliestDate": DAY,
    "keyMayWiden": TRUTH,
    "reasonOrder": TEXTS,
    "thresholds": MAPPING,
    "extends": ("builtin",),
}
COLUMN_SETTINGS: Mapping[str, Kind] = {
    "derived": TRUTH,
    "stored": TRUTH,
    "formats": TEXTS,
    "default": TEXT,
    "carried": TRUTH,
    "fallback": TEXT,
    "onInvalid": ("reject", "warn"),
    "missingReason": TEXT,
    "invalidReason": TEXT,
    "unknownReason": TEXT,
}


def read_settings(block: Block, known: Mapping[str, Kind], owner: str, report: Report) -> dict[str, Any]:
    """The block's customProperties by name, each of its kind; `owner` (a column or "") prefixes the findings' keys."""
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for entry in block.get("customProperties") or []:
        name, value = str(entry.get("property")), entry.get("value")
        key = f"{owner}.{name}" if owner else name
        mark = entry.at("value") if "value" in entry else entry.mark
        report.marks[key] = mark
        if name not in known:
            report.add(key, "unknown custom property", mark=entry.at("property"), value=name, allowed=list(known))
        elif name in seen:
            report.add(key, "the custom property stands twice", mark=mark)
        elif value is not None:
            found.update(_typed(name, value, known[name], key, report))
        seen.add(name)
    return found


def _typed(name: str, value: Any, kind: Kind, key: str, report: Report) -> dict[str, Any]:
    """`{name: value}` with the value as its kind says, or nothing with a finding."""
    if isinstance(kind, tuple):
        if value in kind:
            return {name: value}
        report.add(key, "not one of its values", value=value, allowed=kind)
    elif kind == DAY:
        day = as_date(value)
        if day is not None:
            return {name: day}
        report.add(key, "not a date", value=value, allowed="YYYY-MM-DD")
    elif kind == NUMBER and is_finite(value):
        return {name: Decimal(str(value))}
    elif is_of(value, kind):
        return {name: tuple(value) if kind == TEXTS else value}
    else:
        hint = "quote it" if kind in (TEXT, TEXTS) else None
        report.add(key, "not of its kind", value=value, allowed=kind, hint=hint)
    return {}


def is_finite(value: Any) -> bool:
    """True for a number that isn't a truth, infinite or none at all (YAML has .inf and .nan)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_of(value: Any, kind: str) -> bool:
    """True for a value of one of the plain kinds: texts, truths, mappings."""
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, {TRUTH: bool, TEXT: str, MAPPING: dict}.get(kind, ()))


def as_date(value: Any) -> date | None:
    """A date's text as a date, else None."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def states(block: Block, name: str) -> bool:
    """True when the block's customProperties give `name` a value."""
    entries = block.get("customProperties") or []
    return any(entry.get("property") == name and entry.get("value") is not None for entry in entries)

"""A property of the standard as a Column."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from spark_jobs.contract.document import Block
from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Column
from spark_jobs.contract.settings import COLUMN_SETTINGS, is_finite, read_settings

LOGICAL_TYPES = {
    "string": "string",
    "timestamp": "timestamp",
    "date": "date",
    "boolean": "boolean",
    "int": "integer",
    "bigint": "integer",
    "double": "number",
    "decimal": "number",
}
DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
TYPES = "string, timestamp, date, boolean, int, bigint, double, decimal(p,s) with s <= p <= 38"
RANGES = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
# The standard has these, but nothing here acts on them: to accept them would promise what isn't kept.
NOT_ACTED_ON = {
    "items": "columns are flat",
    "properties": "columns are flat",
    "physicalName": "a Silver column is called by its name",
    "partitioned": "Silver is partitioned by year and month of eventDateColumn",
    "partitionKeyPosition": "Silver is partitioned by year and month of eventDateColumn",
}


def read_column(block: Block, report: Report) -> Column | None:
    """The property as a Column, or None with findings when it has no name or no usable type."""
    name = block.get("name")
    if not name:
        report.add("schema.properties", "a property has no name", mark=block.mark)
        return None
    report.marks[name] = block.at("name")
    report.marks.update({f"{name}.{key}": mark for key, mark in block.marks.items()})
    for key in NOT_ACTED_ON.keys() & block.keys():
        report.add(f"{name}.{key}", "opslake doesn't act on this key", hint=NOT_ACTED_ON[key])
    kind = _type(name, block, report)
    settings = read_settings(block, COLUMN_SETTINGS, name, report)
    options = _options(name, block, report)
    if kind is None:
        return None
    return Column(
        name=name,
        type=kind,
        sources=_sources(name, block, derived=settings.get("derived", False)),
        transform=block.get("transformLogic"),
        derived=settings.get("derived", False),
        stored=settings.get("stored", True),
        required=bool(block.get("required")),
        unique=bool(block.get("unique")),
        accepted=_accepted(name, block, report),
        pattern=options.get("pattern"),
        minimum=options.get("minimum"),
        exclusive_minimum=options.get("exclusiveMinimum"),
        maximum=options.get("maximum"),
        exclusive_maximum=options.get("exclusiveMaximum"),
        formats=settings.get("formats", ()),
        default=settings.get("default"),
        carried=settings.get("carried", False),
        fallback=settings.get("fallback"),
        on_invalid=settings.get("onInvalid", "reject"),
        missing_reason=settings.get("missingReason", ""),
        invalid_reason=settings.get("invalidReason", ""),
        unknown_reason=settings.get("unknownReason", ""),
        classification=block.get("classification"),
        description=" ".join((block.get("description") or "").split()),
    )


def _type(name: str, block: Block, report: Report) -> str | None:
    """The Spark SQL type in its plain spelling; the logical type, where it is given, must agree with it."""
    given = block.get("physicalType")
    if given is None:
        report.add(name, "no physicalType", allowed=TYPES)
        return None
    kind = re.sub(r"\s", "", given).lower()
    decimal = DECIMAL.fullmatch(kind)
    family = "decimal" if decimal else kind
    sized = decimal is None or (int(decimal[2]) <= int(decimal[1]) <= 38 and int(decimal[1]) > 0)
    if family not in LOGICAL_TYPES or (family == "decimal" and not decimal) or not sized:
        report.add(f"{name}.physicalType", "not a type that Silver can hold", value=given, allowed=TYPES)
        return None
    logical = block.get("logicalType")
    if logical is not None and logical != LOGICAL_TYPES[family]:
        report.add(
            f"{name}.logicalType",
            f"disagrees with physicalType {given}",
            value=logical,
            allowed=LOGICAL_TYPES[family],
        )
    return kind


def _sources(name: str, block: Block, *, derived: bool) -> tuple[str, ...]:
    """What the property reads: what it says, else the column of its own name where it has no logic."""
    stated = block.get("transformSourceObjects")
    if stated is not None:
        return tuple(stated)
    return () if derived or block.get("transformLogic") is not None else (name,)


def _options(name: str, block: Block, report: Report) -> dict[str, Any]:
    """logicalTypeOptions with numbers as Decimals; options that nothing acts on are findings."""
    found: dict[str, Any] = {}
    stated: Block | dict[str, Any] = block.get("logicalTypeOptions") or {}
    for option, value in stated.items():
        key = f"{name}.logicalTypeOptions.{option}"
        if isinstance(stated, Block):
            report.marks[key] = report.marks[f"{name}.{option}"] = stated.at(option)
        if option == "pattern" and isinstance(value, str):
            found[option] = value
        elif option in RANGES and is_finite(value):
            found[option] = Decimal(str(value))
        elif option in (*RANGES, "pattern"):
            report.add(key, "not of its kind", value=value, allowed="text" if option == "pattern" else "a number")
        else:
            report.add(key, "opslake doesn't act on this option", value=option, allowed=("pattern", *RANGES))
    return found


def _accepted(name: str, block: Block, report: Report) -> tuple[str, ...]:
    """The values of `{type: library, metric: invalidValues, …, mustBe: 0}`; other checks are findings."""
    found: tuple[str, ...] = ()
    for check in block.get("quality") or []:
        if check.get("type") == "text":
            continue  # the standard's way to document a rule for people
        values = (check.get("arguments") or {}).get("validValues")
        if check.get("type") != "library" or check.get("metric") != "invalidValues" or check.get("mustBe") != 0:
            report.add(
                f"{name}.quality",
                "a check that opslake doesn't run",
                mark=check.mark,
                value=check.get("metric") or check.get("type"),
                allowed="type: library, metric: invalidValues, arguments: {validValues: [...]}, mustBe: 0",
                hint="rules over a row stand in the schema's own quality",
            )
        elif not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
            report.add(f"{name}.validValues", "not a list of texts", mark=check.mark, value=values, hint="quote them")
        else:
            found = (*found, *values)
    return found

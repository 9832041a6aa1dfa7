"""A document of the standard as a Contract."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from spark_jobs.contract.columns import read_column
from spark_jobs.contract.document import Block
from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Column, Contract, RowRule
from spark_jobs.contract.settings import CONTRACT_SETTINGS, is_finite, read_settings

REQUIRED = ("kind", "apiVersion", "id", "version", "status", "schema")  # by the standard
HOURS = {"h": 1, "d": 24}
# The service levels that the standard names; only latency is acted on, the others inform people.
SERVICE_LEVELS = (
    "latency",
    "generalAvailability",
    "endOfSupport",
    "endOfLife",
    "retention",
    "frequency",
    "timeOfAvailability",
    "timeToDetect",
    "timeToNotify",
    "timeToRepair",
)
FIELDS = {
    "format": "format",
    "path": "path",
    "pathIgnoresCase": "path_ignores_case",
    "options": "options",
    "nullTokens": "null_tokens",
    "zone": "zone",
    "orderingColumn": "ordering",
    "eventDateColumn": "event_date",
    "customerIdColumn": "customer_id",
    "loadMode": "load_mode",
    "maxRejectRatio": "max_reject_ratio",
    "driftPolicy": "drift",
    "startsOn": "starts_on",
    "missingDays": "missing_days",
    "allowEmpty": "allow_empty",
    "readyMarker": "ready_marker",
    "keepSourceRowId": "keep_source_row_id",
    "earliestDate": "earliest_date",
    "keyMayWiden": "key_may_widen",
    "reasonOrder": "reason_order",
    "thresholds": "thresholds",
}


def dataset_of(document: Block, report: Report) -> str | None:
    """The dataset's name, which is that of the only schema; None with a finding."""
    schemas = document.get("schema")
    if not schemas or len(schemas) != 1 or not schemas[0].get("name"):
        mark = document.at("schema")
        report.add("schema", "a contract has exactly one schema, named after its dataset", mark=mark)
        return None
    name: str = schemas[0]["name"]
    return name


def read_contract(document: Block, report: Report) -> Contract | None:
    """The document as a Contract, or None with findings when it is too broken to be one."""
    report.marks.update(document.marks)
    _required(document, report)
    dataset = dataset_of(document, report)
    settings = read_settings(document, CONTRACT_SETTINGS, "", report)
    if dataset is None:
        return None
    schema: Block = document["schema"][0]
    report.marks["dataset"] = schema.at("name")
    for entry in schema.get("customProperties") or []:
        report.add("schema.customProperties", "custom properties belong to the contract", mark=entry.mark)
    blocks = schema.get("properties") or []
    columns = [read_column(block, report) for block in blocks]
    stated: dict[str, Any] = {
        FIELDS[name]: dict(value) if isinstance(value, Block) else value
        for name, value in settings.items()
        if name in FIELDS
    }
    stated.setdefault("allow_empty", stated.get("load_mode") != "replace")  # an empty list would leave nothing
    hours = _latency(document, report)
    if hours is not None:
        stated["sla_hours"] = hours
    return Contract(
        dataset=dataset,
        version=document.get("version") or "",
        columns=tuple(_with_version_reason(c, stated.get("ordering")) for c in columns if c is not None),
        key=_key(blocks),
        rules=tuple(_rules(schema, report)),
        origin=report.file,
        **stated,
    )


def _required(document: Block, report: Report) -> None:
    for key in REQUIRED:
        if not document.get(key):
            report.add(key, "the standard requires this key", mark=document.mark)
    if document.get("kind", "DataContract") != "DataContract":
        report.add("kind", "not a data contract", value=document["kind"], allowed=("DataContract",))
    if not str(document.get("apiVersion", "v3.")).startswith("v3."):
        report.add("apiVersion", "not a version that is read", value=document["apiVersion"], allowed="v3.0.x, v3.1.0")


def _with_version_reason(column: Column, ordering: str | None) -> Column:
    """The ordering column's unreadable values are `invalid_version`, unless the contract calls them otherwise."""
    if column.name != ordering or column.invalid_reason != f"invalid_{column.name}":
        return column
    return Column(**{**vars(column), "invalid_reason": "invalid_version"})


def _key(blocks: list[Block]) -> tuple[str, ...]:
    keyed = [(block.get("primaryKeyPosition") or 0, block["name"]) for block in blocks if block.get("primaryKey")]
    return tuple(name for _, name in sorted(keyed, key=lambda pair: pair[0]))


def _rules(schema: Block, report: Report) -> list[RowRule]:
    """The schema's quality entries for this engine; those for other engines and for people are passed over."""
    rules = []
    for entry in schema.get("quality") or []:
        kind, engine = entry.get("type"), entry.get("engine")
        if kind == "text" or (kind == "custom" and engine not in (None, "opslake")):
            continue
        name, expression = entry.get("name"), entry.get("implementation")
        key = f"rule {name}"
        report.marks[key] = entry.at("name")
        if kind != "custom" or engine is None:
            report.add(key, "a check that opslake doesn't run", value=kind, allowed="type: custom, engine: opslake")
        elif not name or not isinstance(expression, str) or not expression.strip():
            report.add(key, "a rule needs a name and an implementation, a Spark SQL expression", mark=entry.mark)
        elif entry.get("severity", "error") not in ("error", "warning"):
            mark = entry.at("severity")
            report.add(key, "not a severity", mark=mark, value=entry["severity"], allowed=("error", "warning"))
        else:
            rules.append(RowRule(name, expression.strip(), entry.get("severity", "error")))
    return rules


def _latency(document: Block, report: Report) -> int | None:
    """The hours that a delivery may take, or None when the contract doesn't say."""
    hours = None
    for level in document.get("slaProperties") or []:
        name, value, unit = level.get("property"), level.get("value"), level.get("unit")
        key = f"slaProperties.{name}"
        if name not in SERVICE_LEVELS:
            report.add(key, "not a service level of the standard", mark=level.mark, value=name, allowed=SERVICE_LEVELS)
        if name != "latency":
            continue
        if unit not in HOURS:
            report.add(key, "not a unit of latency", mark=level.at("unit"), value=unit, allowed=tuple(HOURS))
        elif not is_finite(value) or value < 0 or value * HOURS[unit] % 1:
            report.add(key, "not a whole number of hours", mark=level.at("value"), value=value)
        else:
            hours = int(Decimal(str(value)) * HOURS[unit])
    return hours

"""A Silver table as a table: its columns, how it is made, and whether it still fits its contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from spark_jobs.contract import Contract, since_column
from spark_jobs.contract.carrying import names_in
from spark_jobs.errors import ContractError, EngineError, UsageError
from spark_jobs.lake import Lake, columns_of, create, replace_schema

ZONE = "opslake.businessTimezone"
DERIVED = "opslake.derivedFrom"
LINEAGE = (
    "_version_at timestamp, _source_file string, _file_modified timestamp, _row_number bigint, _delivery string, "
    "_logical_date date, _load_time timestamp, _ingested_at timestamp, _run_id string"
)


def schema(contract: Contract) -> StructType:
    """Silver's columns without the generated ones: the contract's, `_version_at`, lineage, what carried ones need."""
    stored = ", ".join(f"`{c.name}` {c.type}" for c in contract.stored)
    beside = "".join(f", {since_column(c.name)} date" for c in contract.carried)
    return columns_of(f"{stored}, {LINEAGE}{beside}")


def statistics(contract: Contract) -> list[str]:
    """Keys, dates and instants prune files, unless they are personal: statistics would show them in the log."""
    personal = {c.name for c in contract.columns if c.is_personal}
    wanted = [*contract.key, *(c.name for c in contract.stored if c.type in ("date", "timestamp")), "_logical_date"]
    return [name for name in dict.fromkeys(wanted) if name not in personal]


def derivation(contract: Contract) -> dict[str, Any]:
    """What Silver's values follow from beside the records: the zone of instants, derived columns' expressions (as
    hashes), and the lists and limits that these name.
    """
    limits = {**contract.thresholds, "earliest_date": str(contract.earliest_date)}
    lists = {f"values_of_{c.name}": list(c.accepted) for c in contract.columns if c.accepted}
    computed = [c for c in contract.columns if c.derived or c.fallback is not None]
    wanted = {c.name for c in contract.stored}
    found: dict[str, Any] = {"contract_zone": contract.zone}
    for column in reversed(computed):  # each uses only those before it
        if column.name not in wanted:
            continue
        text = " ".join(f"{column.transform if column.derived else ''} {column.fallback or ''}".split())
        wanted |= set(names_in(text, [c.name for c in computed]))
        found |= {name: {**limits, **lists}[name] for name in names_in(text, [*limits, *lists])}
        found[column.name] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return found


def redefined(lake: Lake, contract: Contract) -> dict[str, Any]:
    """Of what Silver's values follow from that which the contract has otherwise now, as it was.

    A list that has grown at its end is none: the values that were in it have the places that they had.
    """
    table = lake.look("silver", contract.dataset)
    held = json.loads(table.metadata().configuration.get(DERIVED, "{}")) if table is not None else {}
    now, stored = derivation(contract), {c.name for c in contract.stored}
    return {
        name: value
        for name, value in held.items()
        if name in {*now, *stored}
        and now.get(name) != value
        and not (isinstance(value, list) and now[name][: len(value)] == value)
    }


def ensure(spark: SparkSession, lake: Lake, contract: Contract, *, business_timezone: str) -> None:
    """Create the dataset's table where there is none; add the columns by which its contract has become wider.

    What the rows to come will follow from is noted before they come.
    """
    path = lake.path("silver", contract.dataset)
    if lake.version("silver", contract.dataset) is None:
        create(spark, path, schema(contract), **_layout(contract, business_timezone))
        return
    held = set(_held_types(lake, contract))
    new = [(c.name, c.type) for c in contract.stored] + [(since_column(c.name), "date") for c in contract.carried]
    columns = ", ".join(f"`{name}` {kind}" for name, kind in new if name not in held)
    if columns:
        spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({columns})")
    table, told = lake.look("silver", contract.dataset), _told(contract)
    if table is not None and table.metadata().configuration.get(DERIVED) != told:
        text = told.replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{DERIVED}' = '{text}')")


def empty(spark: SparkSession, lake: Lake, contract: Contract, *, business_timezone: str) -> None:
    """Put an empty table of the contract's columns in the place of the dataset's table, in one commit."""
    layout = _layout(contract, business_timezone)
    replace_schema(spark, lake.path("silver", contract.dataset), schema(contract), **layout)


def refuse_unfit(lake: Lake, contract: Contract, *, business_timezone: str) -> None:
    """Raise where Silver can't be added to: it has other columns than the contract's, dates of another time zone, or
    values that follow from records otherwise than the contract has it.
    """
    table = lake.look("silver", contract.dataset)
    if table is None:
        return
    where = f"silver/{contract.dataset}"
    rebuild = f"run `opslake rebuild --silver {contract.dataset}`, which computes Silver from Bronze again"
    protocol = table.protocol()
    if protocol.min_reader_version > 1:
        raise EngineError(
            "readers elsewhere can't read this table any more",
            where=where,
            value=f"reader version {protocol.min_reader_version}",
            allowed="reader version 1",
            hint=rebuild,
        )
    if lake.last_commit("silver", contract.dataset).get("rebuilding"):
        raise EngineError("a rebuild of this table died halfway", where=where, hint=rebuild)
    zone = table.metadata().configuration.get(ZONE, business_timezone)
    if zone != business_timezone:
        raise UsageError(
            "the business time zone has changed since Silver was made",
            where=where,
            value=business_timezone,
            allowed=zone,
            hint=f"set business_timezone back, or {rebuild}",
        )
    wanted = {f["name"]: f["type"] for f in json.loads(schema(contract).json())["fields"]}
    differing = [
        f"{name} is {found}, the contract says {wanted.get(name, 'nothing of it')}"
        for name, found in _held_types(lake, contract).items()
        if wanted.get(name) != found
    ]
    if differing:
        raise ContractError(
            f"the contract isn't merely wider than the table: {'; '.join(differing)}", where=where, hint=rebuild
        )
    before = redefined(lake, contract)
    if before:
        raise ContractError(
            f"the rows that Silver has follow from another {', '.join(before)}",
            where=where,
            hint=f"set it back, or {rebuild}",
        )


def _held_types(lake: Lake, contract: Contract) -> Mapping[str, str]:
    """The table's columns and types without the generated ones."""
    table = lake.look("silver", contract.dataset)
    if table is None:
        return {}
    fields = json.loads(table.schema().to_json())["fields"]
    return {f["name"]: f["type"] for f in fields if "delta.generationExpression" not in f["metadata"]}


def _layout(contract: Contract, business_timezone: str) -> dict[str, object]:
    day = contract.event_date
    return {
        # in the words that delta-rs understands too, which writes the small changes
        "generated": {"year": f"EXTRACT(YEAR FROM {day})", "month": f"EXTRACT(MONTH FROM {day})"} if day else {},
        "partition_by": ["year", "month"] if day else [],
        "change_feed": True,
        "stats": statistics(contract),
        "properties": {ZONE: business_timezone, DERIVED: _told(contract)},
    }


def _told(contract: Contract) -> str:
    return json.dumps(derivation(contract), sort_keys=True)

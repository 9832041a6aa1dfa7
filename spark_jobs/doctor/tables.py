"""Whether the lake's tables keep to what BigQuery, Athena and delta-rs read, and to the business time zone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deltalake import DeltaTable
from fsspec.core import url_to_fs

from spark_jobs.contract import load_contracts
from spark_jobs.doctor import Finding
from spark_jobs.errors import OpslakeError
from spark_jobs.lookup import open_table
from spark_jobs.settings import Settings
from state.tables import STATE_TABLES

CANT_READ = {
    "deletionVectors": "delta-rs through Arrow, and so DuckDB",
    "columnMapping": "delta-rs through Arrow: it gives nulls without an error",
    "v2Checkpoint": "BigQuery, and delta-rs through Arrow",
    "timestampNtz": "BigQuery",
    "typeWidening": "BigQuery, Athena and delta-rs",
}
LARGEST_ENTRY = 10 * 2**20  # bytes of a log entry that BigQuery still reads
NAMES = "name columns in snake_case letters, digits and underscores"


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding per table that isn't as it should be, else one for all of them; then the tables' time zone."""
    try:
        names = list(_known(settings))
    except OpslakeError:
        return  # the contracts can't be read, which was told
    seen, wrong, other_zones = 0, 0, []
    for layer, name in names:
        try:
            table = open_table(settings.lake.rstrip("/"), layer, name)
        except OpslakeError as error:
            wrong += 1
            yield Finding("tables", f"{layer}/{name}: {error.what}, {error.value}", "restore it, or its rights")
            continue
        if table is None:
            continue
        seen += 1
        for problem, todo in _problems(table):
            wrong += 1
            yield Finding("tables", f"{layer}/{name}: {problem}", todo)
        zone = table.metadata().configuration.get("opslake.businessTimezone", settings.business_timezone)
        other_zones += [f"silver/{name} is of {zone}"] if zone != settings.business_timezone else []
    if not wrong:
        told = f"{seen} tables that BigQuery, Athena and delta-rs can read" if seen else "none yet"
        yield Finding("tables", told)
    if other_zones:
        hint = "set business_timezone back, or `opslake rebuild --silver DATASET` for each"
        yield Finding("time zone", f"{', '.join(other_zones)}; the setting says {settings.business_timezone}", hint)


def _known(settings: Settings) -> Iterator[tuple[str, str]]:
    for dataset in load_contracts(settings.contracts):
        yield from ((layer, dataset) for layer in ("bronze", "silver", "exception"))
    try:
        from spark_jobs.gold import registry

        yield from (("gold", name) for name in registry())
    except ImportError:  # no Spark here, which was told
        pass
    yield from (("state", table.name) for table in STATE_TABLES)


def _problems(table: DeltaTable) -> Iterator[tuple[str, str]]:
    """What is wrong with a table, and what to do."""
    protocol, uri = table.protocol(), table.table_uri
    features = list(protocol.reader_features or [])
    for feature in features:
        who = CANT_READ.get(feature.removesuffix("-preview"), "readers of version 1")
        yield (
            f"has {feature}, which keeps out {who}",
            f"in Spark: ALTER TABLE delta.`{uri}` DROP FEATURE {feature} TRUNCATE HISTORY",
        )
    if protocol.min_reader_version > 1 and not features:
        mode = table.metadata().configuration.get("delta.columnMapping.mode", "")
        what = f", column mapping by {mode}: {CANT_READ['columnMapping']}" if mode else ""
        yield f"has reader version {protocol.min_reader_version}{what}", "write it anew: `opslake rebuild`"
    odd = [field["name"] for field in _fields(table) if not _is_plain(field["name"])]
    if odd:
        yield f"has columns that not everybody can name: {', '.join(odd)}", NAMES
    largest = _largest_entry(uri)
    if largest > LARGEST_ENTRY:
        told = f"has a log entry of {largest / 2**20:.0f} MiB, more than BigQuery reads"
        yield told, "load fewer days or write larger files at once (batch_days, rows_per_file)"


def _fields(table: DeltaTable) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(table.schema().to_json())["fields"]
    return found


def _is_plain(name: str) -> bool:
    return name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()


def _largest_entry(uri: str) -> int:
    """Bytes of the largest entry of a table's log; 0 where it can't be listed."""
    try:
        files, base = url_to_fs(uri)
        listed = files.ls(f"{base.rstrip('/')}/_delta_log", detail=True)
    except (OSError, ValueError, ImportError):
        return 0
    return max((int(one["size"] or 0) for one in listed if one["name"].endswith(".json")), default=0)

"""Delta's types as Hive (Glue), Presto (Athena's views) and BigQuery call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spark_jobs.errors import EngineError

HIVE = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
PRESTO = {"string": "varchar", "int": "integer"}
BIGQUERY = {
    "string": "STRING",
    "long": "INT64",
    "integer": "INT64",
    "short": "INT64",
    "byte": "INT64",
    "float": "FLOAT64",
    "double": "FLOAT64",
    "boolean": "BOOL",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "binary": "BYTES",
}
RESERVED = ("_partition", "_table_", "_file_", "_row_timestamp", "__root__", "_colidentifier")
"""No column of BigQuery's may begin with these, in whatever case."""


def hive(kind: Any) -> str:
    """A type, in Delta's JSON, as Hive writes it."""
    if isinstance(kind, str):
        return HIVE.get(kind, kind)
    if kind["type"] == "array":
        return f"array<{hive(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{hive(kind['keyType'])},{hive(kind['valueType'])}>"
    parts = ",".join(f"{f['name']}:{hive(f['type'])}" for f in kind["fields"])
    return f"struct<{parts}>"


def presto(hive_type: str) -> str:
    """A plain Hive type as Presto writes it."""
    return PRESTO.get(hive_type, hive_type)


def is_reserved(column: str) -> bool:
    """Whether BigQuery refuses a column of this name."""
    return column.lower().startswith(RESERVED)


def bigquery_field(name: str, kind: Any) -> dict[str, Any]:
    """A column as BigQuery's REST interface writes it: lists are repeated, maps lists of key and value."""
    field: dict[str, Any] = {"name": name, "mode": "NULLABLE"}
    if isinstance(kind, str):
        return field | {"type": _bigquery_scalar(kind)}
    if kind["type"] == "array":
        return bigquery_field(name, kind["elementType"]) | {"mode": "REPEATED"}
    if kind["type"] == "map":
        pair = [bigquery_field("key", kind["keyType"]), bigquery_field("value", kind["valueType"])]
        return field | {"type": "STRUCT", "mode": "REPEATED", "fields": pair}
    return field | {"type": "STRUCT", "fields": [bigquery_field(f["name"], f["type"]) for f in kind["fields"]]}


def bigquery_schema(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns that BigQuery can have a name for."""
    return [bigquery_field(name, kind) for name, kind in columns.items() if not is_reserved(name)]


def _bigquery_scalar(kind: str) -> str:
    if kind.startswith("decimal("):
        precision, scale = (int(n) for n in kind[8:-1].split(","))
        return "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"
    if kind not in BIGQUERY:
        raise EngineError("BigQuery has no such type", value=kind, allowed=[*BIGQUERY, "decimal"])
    return BIGQUERY[kind]

"""The Glue catalog as Athena sees it: its tables read where they lie, its views executed by DuckDB."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.publish.duck import Duck, arrow

BUCKET = "s3://lake-1/ops"
PRESTO = {
    "varchar": "VARCHAR",
    "date": "DATE",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


def tables_of(client: Any, database: str) -> dict[str, dict[str, Any]]:
    """A database's tables and views by name."""
    pages = client.get_paginator("get_tables").paginate(DatabaseName=database)
    return {table["Name"]: table for page in pages for table in page["TableList"]}


def definition(view: Mapping[str, Any]) -> dict[str, Any]:
    """What Athena finds in a view: its SQL, and its columns by Presto's types."""
    told = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    found: dict[str, Any] = json.loads(base64.b64decode(told))
    return found


def opened(client: Any, root: Path, *databases: str) -> Duck:
    """These databases with their tables, read from the lake at `root`, and then their views."""
    duck = Duck()
    found = [(database, table) for database in databases for table in tables_of(client, database).values()]
    for database, table in found:
        if table["TableType"] == "EXTERNAL_TABLE":
            place = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["path"]
            columns = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
            duck.put_table(database, table["Name"], arrow(place.replace(BUCKET, str(root))), columns)
    for database, table in found:
        if table["TableType"] == "VIRTUAL_VIEW":
            duck.put_view(database, table["Name"], definition(table)["originalSql"], "athena")
    return duck

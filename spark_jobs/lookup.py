"""Rows of the lake's tables without a JVM: read with delta-rs, for commands that only look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from arro3.core import Table
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from spark_jobs.errors import EngineError, UsageError
from state.columns import python_rows
from state.stores import delta_options

KEY_SEPARATOR = "\u001f"  # between the parts of a key in `record_key`


def open_table(root: str, layer: str, name: str) -> DeltaTable | None:
    """The table at `<root>/<layer>/<name>`, None where there is none; creates nothing."""
    uri = f"{root}/{layer}/{name}"
    try:
        return DeltaTable(uri, storage_options=delta_options(uri))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise EngineError("the table can't be opened", where=uri, value=str(error)) from error


def select(table: DeltaTable, sql: str) -> list[dict[str, Any]]:
    """The rows of a query in which the table is called `t`; instants are in UTC."""
    try:
        return python_rows(Table.from_arrow(QueryBuilder().register("t", table).execute(sql)))
    except (DeltaError, OSError) as error:
        raise EngineError("the table can't be read", where=table.table_uri, value=str(error)) from error


def column_types(table: DeltaTable) -> dict[str, str]:
    """Delta's type per column; `struct`, `array` and `map` for nested ones."""
    fields = table.schema().fields
    return {f.name: f.type.type if isinstance(f.type.type, str) else str(f.type.type) for f in fields}


def quoted(name: str) -> str:
    """A column's name in a query."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value in a query: text, date, instant, number, truth value or null."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat()}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).upper() if isinstance(value, bool) else str(value)


def equals(column: str, value: Any) -> str:
    """The test that a column has a value, or is null."""
    return f"{quoted(column)} IS NULL" if value is None else f"{quoted(column)} = {literal(value)}"


def one_of(column: str, values: Iterable[Any]) -> str:
    """The test that a column has one of the values; false for no values."""
    listed = ", ".join(dict.fromkeys(map(literal, values)))
    return f"{quoted(column)} IN ({listed})" if listed else "FALSE"


PARSERS: Mapping[str, Any] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "integer": int,
    "long": int,
    "short": int,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}
SHAPES = {"date": "YYYY-MM-DD", "timestamp": "YYYY-MM-DDTHH:MM:SS", "boolean": "true, false"}


def parse(text: str, kind: str, *, where: str) -> Any:
    """What a person typed as a value of Delta's type `kind`; UsageError where it can't be one."""
    if kind == "string":
        return text
    parser = Decimal if kind.startswith("decimal") else PARSERS.get(kind)
    if parser is None:
        raise UsageError(f"a column of type {kind} can't be asked for", where=where)
    try:
        return parser(text)
    except (ValueError, KeyError, InvalidOperation) as error:
        raise UsageError(f"not a value of type {kind}", where=where, value=text, allowed=SHAPES.get(kind)) from error

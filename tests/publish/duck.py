"""SQL of BigQuery and Athena, executed by DuckDB over Delta tables that delta-rs has read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from deltalake import DeltaTable, QueryBuilder
from sqlglot import exp

Row = dict[str, Any]


@cache
def arrow(path: Path | str) -> pa.Table:
    """A Delta table's rows, by delta-rs; the tests' lake doesn't change once it is made."""
    result = QueryBuilder().register("found", DeltaTable(str(path))).execute("SELECT * FROM found")
    return pa.table(result.read_all())


def translated(sql: str, dialect: str) -> str:
    """The statement in DuckDB's words; a project or catalogue before a table's name is left out."""
    (tree,) = sqlglot.parse(sql, read=dialect)
    assert tree is not None
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)

    def dated(node: exp.Expression) -> exp.Expression:
        # a day and some days are a day to BigQuery and Athena, an instant to DuckDB
        return exp.cast(node, "date") if isinstance(node, exp.DateAdd | exp.DateSub) else node

    return tree.transform(dated).sql(dialect="duckdb")


class Duck:
    """A database whose schemas stand for datasets or databases of a catalogue; instants are shown in UTC."""

    def __init__(self) -> None:
        """Empty, with the functions of Athena that have no other name in DuckDB."""
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("CREATE MACRO with_timezone(moment, zone) AS timezone(zone, moment)")

    def put_table(self, schema: str, name: str, rows: pa.Table, columns: Sequence[str] | None = None) -> None:
        """A table of these rows, in the place of another one."""
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self.drop(schema, name)
        self.connection.register("given", rows.select(list(columns or rows.column_names)))
        self.connection.execute(f'CREATE TABLE {schema}."{name}" AS SELECT * FROM given')
        self.connection.unregister("given")

    def put_view(self, schema: str, name: str, sql: str, dialect: str) -> None:
        """A view; it fails here if it wouldn't run."""
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self.drop(schema, name)
        self.connection.execute(f'CREATE VIEW {schema}."{name}" AS {translated(sql, dialect)}')

    def drop(self, schema: str, name: str) -> None:
        """Remove a table or view, if it is there."""
        for kind in self.connection.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", [schema, name]
        ).fetchall():
            what = "VIEW" if kind[0] == "VIEW" else "TABLE"
            self.connection.execute(f'DROP {what} {schema}."{name}" CASCADE')

    def columns(self, schema: str, name: str) -> dict[str, str]:
        """The columns with DuckDB's types."""
        described = self.connection.execute(f'DESCRIBE {schema}."{name}"').fetchall()
        return {row[0]: row[1] for row in described}

    def run(self, sql: str, dialect: str) -> tuple[Mapping[str, str], list[Row]]:
        """A query's columns with their types, and its rows."""
        result = self.connection.execute(translated(sql, dialect))
        types = {column[0]: str(column[1]) for column in result.description or []}
        return types, [dict(zip(types, row, strict=True)) for row in result.fetchall()]

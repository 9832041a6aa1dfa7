"""Postgres: a table a day. Few rows are read on the driver, many by Spark through JDBC, in one snapshot either way.

A table has no modification time and no stored checksum: its checksum is over its rows, whatever their order, and is
asked of the server where the catalogue says that the content may have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from spark_jobs.errors import SourceError, Unreachable
from spark_jobs.sources.batches import bronze_schema, record_batches
from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.postgres_server import SESSION, Server, Table, failure, server_of, tables_of
from spark_jobs.sources.postgres_sql import Part, as_bronze, as_delivered, content, sampled_bounds, session_settings
from spark_jobs.sources.record import Asked, Each, File, lineage_of
from spark_jobs.tries import three_tries
from state.landing import Delivery, day_in, template_pattern

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from spark_jobs.contract import Contract

DRIVER = "org.postgresql.Driver"
FETCH_SIZE, PARTITION_ROWS = 10_000, 250_000
ROW_BYTES = 100
"""Of a row, about, where the server hasn't counted them."""
MOST_PARTS = 64
SAMPLE_ROWS = 50_000
SAMPLED_KINDS = ("r", "p", "m")  # views can't be sampled
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"


def find(contract: Contract, asked: Asked) -> dict[date, list[Delivery]]:
    """The tables that match the contract's path, by day.

    The checksum of a table that was never read is empty. One that was loaded is compared by its catalogue entry, and
    by its content where that differs. `Unreachable` when the server didn't answer three times.
    """
    return three_tries(lambda: _find(contract, asked))


def _find(contract: Contract, asked: Asked) -> dict[date, list[Delivery]]:
    server, pattern = _server(contract), template_pattern(_path(contract), ignore_case=True)
    found: dict[date, list[Delivery]] = {}
    with server.connect() as connection:
        for table in tables_of(connection, _path(contract).partition(".")[0]):
            day = day_in(pattern, f"{table.schema}.{table.name}")
            if day is not None:
                found.setdefault(day, []).append(_delivery(connection, table, asked.known.get(table.path)))
    return dict(sorted(found.items()))


@contextmanager
def opened(contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]) -> Iterator[Tables]:
    """The tables as they are at this moment, until the block ends; SourceError for one that isn't there any more.

    Whoever opens them tries again where that is `Unreachable`.
    """
    import psycopg

    server = _server(contract)
    connection = server.connect()
    try:
        # the tokens first: what changes after them is in the snapshot or changes the token
        there = {t.path: t for t in tables_of(connection, _path(contract).partition(".")[0])}
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()[0]  # type: ignore[index]
        tables = Tables(contract, server, connection, snapshot)
        for day, files in deliveries.items():
            tables.deliveries[day] = tuple(tables.look_at(there.get(file.path), file) for file in files)
        yield tables
    except psycopg.Error as error:
        raise failure(error, str(server), "the tables can't be read") from None
    finally:
        with suppress(psycopg.Error):
            connection.close()


@dataclass(frozen=True)
class Extract:
    """A table in the snapshot: its columns, those of the contract's key, and the parts that it is read in."""

    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass
class Tables:
    """The tables of some days, opened in one snapshot."""

    contract: Contract
    server: Server
    connection: psycopg.Connection[Any]
    snapshot: str
    deliveries: dict[date, tuple[Delivery, ...]] = field(default_factory=dict)
    extracts: dict[str, Extract] = field(default_factory=dict)

    def look_at(self, table: Table | None, file: Delivery) -> Delivery:
        """The delivery that the snapshot holds, with its checksum; its parts are kept for reading."""
        if table is None:
            raise SourceError("the table isn't there any more", where=file.path)
        columns = _columns(self.connection, table)
        key = _delivered_key(self.contract, columns)
        bounds = self._bounds(table, key)
        counted = _content(self.connection, table, key[0] if key else None, bounds)
        edges = [None, *bounds, None]
        parts, before = [], 0
        for number in range(len(bounds) + 1):
            rows = counted[number][0] if number in counted else 0
            if rows:
                parts.append(Part(edges[number], edges[number + 1], before, rows))
            before += rows
        self.extracts[file.path] = Extract(table, columns, key, tuple(parts))
        return _seen(file, table, _checksum(columns, counted))

    def header(self, file: File) -> HeaderMap:
        """How the table's columns map onto the contract."""
        columns = self.extracts[file.path].columns
        return match_headers(
            columns,
            self.contract.source_names,
            keep_source_row_id=self.contract.keep_source_row_id,
            where=file.path,
        )

    def is_small(self, files: Sequence[File], driver_bytes: int) -> bool:
        """Whether the tables may be read on the driver."""
        return sum(file.size for file in files) <= driver_bytes

    def here(self, files: Sequence[File], *, run_id: str, load_time: datetime) -> pa.Table:
        """The rows of small tables, in the shape of Bronze."""
        import pyarrow as pa

        known = self.contract.source_names
        batches = [batch for file in files for batch in self._batches(file, lineage_of(file, run_id, load_time))]
        return pa.Table.from_batches(batches, bronze_schema(known))

    def there(
        self, spark: SparkSession, files: Sequence[File], each: Each, columns: str, *, run_id: str, load_time: datetime
    ) -> DataFrame:
        """What `each` makes of the rows, which Spark reads by JDBC: a query a partition, over parts of tables."""
        from spark_jobs.sources.jdbc import Delivered, bronze_batches

        headers = [self.header(file) for file in files]
        extra = [tuple(name for name in header.extra if name is not None) for header in headers]
        tables = [
            Delivered(tuple(header.names), names, lineage_of(file, run_id, load_time))
            for header, names, file in zip(headers, extra, files, strict=True)
        ]
        known = self.contract.source_names
        rows = self._rows(spark, files, headers, known, others=max(map(len, extra), default=0))
        return rows.mapInArrow(lambda batches: each(bronze_batches(batches, tables=tables, known=known)), columns)

    def _rows(
        self,
        spark: SparkSession,
        files: Sequence[File],
        headers: Sequence[HeaderMap],
        known: Sequence[str],
        *,
        others: int,
    ) -> DataFrame:
        from spark_jobs.sources.jdbc import read_queries

        queries: list[tuple[int, str]] = []
        for position, (file, header) in enumerate(zip(files, headers, strict=True)):
            extract = self.extracts[file.path]
            for part in extract.parts:
                table = (extract.table.sql, header, known, extract.key, part)
                queries.append((part.rows, as_bronze(*table, position=position, others=others)))
        options = {
            "url": self.server.jdbc_url,
            "driver": DRIVER,
            "user": self.server.user,
            "password": self.server.password or "",
            "fetchsize": str(self.contract.options.get("fetchSize", FETCH_SIZE)),
            "sessionInitStatement": session_settings(self.snapshot, SESSION),
        }
        return read_queries(spark, queries, options, columns=len(known), others=others)

    def explained(self, error: Exception) -> SourceError | None:
        """The source's own failure in what Spark says, which has a class of the driver's in its text."""
        text = str(error)
        if "ClassNotFoundException" in text and DRIVER in text:
            hint = "run `make setup`, or put org.postgresql:postgresql among the cluster's jars"
            return SourceError("Spark lacks the JDBC driver for Postgres", where=self.contract.dataset, hint=hint)
        sign = "org.postgresql.util.PSQLException: "
        if sign not in text:
            return None
        said = text.split(sign, 1)[1].splitlines()[0]
        gone = any(word in said for word in ("I/O error", "terminating connection", "refused", "closed"))
        return (Unreachable if gone else SourceError)(f"the tables can't be read: {said}", where=str(self.server))

    def _bounds(self, table: Table, key: Sequence[str]) -> list[str]:
        """Where to cut a table that is too large for one task."""
        rows = table.rows if table.rows > 0 else table.size / ROW_BYTES
        parts = min(ceil(rows / int(self.contract.options.get("partitionRows", PARTITION_ROWS))), MOST_PARTS)
        if parts < 2 or not key or table.kind not in SAMPLED_KINDS:
            return []
        percent = min(100.0, 100.0 * SAMPLE_ROWS / rows)
        (found,) = self.connection.execute(sampled_bounds(table.sql, key[0], parts, percent)).fetchone() or (None,)
        return sorted({bound for bound in found or () if bound is not None})

    def _batches(self, file: File, lineage: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        extract = self.extracts[file.path]
        for part in extract.parts:
            query = as_delivered(extract.table.sql, extract.columns, extract.key, part)
            with self.connection.cursor(name="opslake") as cursor:
                cursor.itersize = int(self.contract.options.get("fetchSize", FETCH_SIZE))
                cursor.execute(query)
                rows = ((number, values, None) for number, *values in cursor)
                yield from record_batches(rows, self.header(file), self.contract.source_names, lineage)


def _server(contract: Contract) -> Server:
    return server_of(contract.options, contract.dataset)


def _path(contract: Contract) -> str:
    return contract.path if "." in contract.path else f"public.{contract.path}"


def _delivery(connection: psycopg.Connection[Any], table: Table, before: Delivery | None) -> Delivery:
    now = Delivery(table.path, table.size, "", datetime.now(UTC), table.token)
    if before is None or not before.checksum:
        return now
    if table.token and before.token == table.token:
        return before
    columns = _columns(connection, table)
    return _seen(before, table, _checksum(columns, _content(connection, table, None, ())))


def _seen(before: Delivery, table: Table, checksum: str) -> Delivery:
    """The delivery as it is now: the same content keeps the time at which it was first seen."""
    modified = before.modified if before.checksum in ("", checksum) else datetime.now(UTC)
    return replace(before, size=table.size, checksum=checksum, modified=modified, token=table.token)


def _columns(connection: psycopg.Connection[Any], table: Table) -> tuple[str, ...]:
    return tuple(name for (name,) in connection.execute(COLUMNS, [table.oid]).fetchall())


def _delivered_key(contract: Contract, columns: Sequence[str]) -> tuple[str, ...]:
    """The table's names of the columns that the contract's key reads; none where they can't be matched."""
    with suppress(SourceError):
        header = match_headers(columns, contract.source_names)
        at = {name: columns[i] for i, name in enumerate(header.columns) if name is not None}
        read = dict.fromkeys(source for name in contract.key for source in contract.column(name).sources)
        return tuple(at[source] for source in read if source in at)
    return ()


def _content(
    connection: psycopg.Connection[Any], table: Table, key: str | None, bounds: Sequence[str]
) -> dict[int, tuple[int, int, int]]:
    """Rows and sums of hashes by part."""
    import psycopg

    try:
        found = connection.execute(content(table.sql, key, bounds)).fetchall()
    except psycopg.Error as error:
        raise failure(error, table.path, "the table can't be read") from None
    return {part: (rows, int(left or 0), int(right or 0)) for part, rows, left, right in found}


def _checksum(columns: Sequence[str], counted: Mapping[int, tuple[int, int, int]]) -> str:
    totals = [sum(values) % 2**64 for values in zip(*counted.values(), strict=True)]
    return hashlib.sha256(json.dumps([list(columns), totals]).encode()).hexdigest()

"""From a figure back to what was delivered: Gold row, Silver rows, delivery, file, record. Starts no JVM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from deltalake import DeltaTable

from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError, nearest
from spark_jobs.exception_rows import exceptions_of_key
from spark_jobs.lookup import (
    KEY_SEPARATOR,
    column_types,
    equals,
    literal,
    one_of,
    open_table,
    parse,
    quoted,
    select,
)
from state.progress import Progress

RECORD = ("_logical_date", "_delivery", "_source_file", "_row_number")
Key = Mapping[str, Any]


@dataclass(frozen=True)
class Delivered:
    """A record as it was delivered: where it stood, and its fields, or its text where it was malformed."""

    logical_date: date
    delivery: str
    file: str
    record: int
    fields: Mapping[str, str | None]
    text: str | None = None


@dataclass(frozen=True)
class Origin:
    """A Silver row and the record that it came from; None where Bronze doesn't have that any more."""

    row: Mapping[str, Any]
    delivered: Delivered | None


@dataclass(frozen=True)
class Part:
    """The Silver rows that a row follows from in one way: a total, and some of them."""

    dataset: str
    through: tuple[str, ...]
    condition: str
    total: int
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Trace:
    """What is behind one row of a table; `row` is None for a key of Silver that was delivered and not accepted."""

    table: str
    layer: str
    key: Key
    row: Mapping[str, Any] | None
    parts: tuple[Part, ...]
    versions: tuple[Delivered, ...] = ()
    exceptions: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


def trace_silver(root: str, contract: Contract, key: Mapping[str, str]) -> Trace:
    """One key of a dataset: its row, all its records in Bronze and all its exceptions.

    `key` has the text of each key column. UsageError where nothing of that key was ever delivered.
    """
    name = contract.dataset
    table = _existing(root, "silver", name)
    values = typed(table, key, contract.key, where=name)
    rows = select(table, f"SELECT * FROM t WHERE {_all_equal(values)}")
    origins = _origins(root, name, rows)
    versions, note = _versions(root, contract, values)
    record_key = KEY_SEPARATOR.join(_as_text(values[column]) for column in contract.key)
    exceptions = exceptions_of_key(root, name, record_key)
    if not rows and not versions and not exceptions:
        told = ", ".join(f"{column}={value}" for column, value in values.items())
        raise UsageError("no record of that key was delivered", where=f"silver/{name}", value=told)
    condition = " and ".join(f"{column} = {value}" for column, value in values.items())
    part = Part(name, (), condition, len(rows), origins)
    return Trace(
        name,
        "silver",
        values,
        rows[0] if rows else None,
        (part,),
        tuple(versions),
        tuple(exceptions),
        (note,) if note else (),
    )


def trace_gold(root: str, name: str, key: Mapping[str, str], contracts: Mapping[str, Contract], limit: int) -> Trace:
    """One row of a Gold table, given by its grain: the Silver rows behind it, at most `limit`, and their records.

    Silver is read as it is now; a note says where Gold is older. UsageError for a key that the table doesn't have.
    """
    from spark_jobs.gold import registry
    from spark_jobs.reach import reach

    declared = registry()[name]
    table = _existing(root, "gold", name)
    values = typed(table, key, declared.grain, where=name, nullable=declared.nullable)
    rows = select(table, f"SELECT * FROM t WHERE {_all_equal(values)}")
    progress = Progress(root).all().get(name)
    horizon = progress.horizon if progress else None
    if not rows:
        told = ", ".join(f"{column}={value}" for column, value in values.items())
        hint = f"its horizon is {horizon}" if horizon else None
        raise UsageError("no such row", where=f"gold/{name}", value=told, hint=hint)
    limits = {limit: value for contract in contracts.values() for limit, value in contract.thresholds.items()}
    column = str(declared.slices.column)
    its_slice = {column: rows[0][column]} if declared.slices.kind in ("by_date", "by_key") else {}
    ways = reach(declared, its_slice | values, _columns_of(root, contracts), horizon, limits)
    parts = []
    for at, way in enumerate(ways):
        keys = contracts[way.dataset].key if way.dataset in contracts else ()
        share = (limit + len(ways) - 1 - at) // len(ways)
        parts.append(_part(root, way.dataset, way.through, way.words(), way.sql(), keys, share))
    return Trace(name, "gold", values, rows[0], tuple(parts), notes=tuple(_outdated(root, name)))


def typed(
    table: DeltaTable, key: Mapping[str, str], columns: Sequence[str], *, where: str, nullable: Sequence[str] = ()
) -> dict[str, Any]:
    """The key's texts as values of the table's types, in the order of `columns`; no text is null where that may be."""
    unknown = [name for name in key if name not in columns]
    if unknown:
        hint = nearest(unknown[0], columns)
        raise UsageError("not a key column", where=where, value=unknown[0], allowed=columns, hint=hint)
    missing = [name for name in columns if name not in key]
    if missing:
        hint = f"--key {','.join(f'{name}=…' for name in columns)}"
        raise UsageError(f"the key lacks {', '.join(missing)}", where=where, allowed=columns, hint=hint)
    types = column_types(table)
    found: dict[str, Any] = {}
    for name in columns:
        is_null = name in nullable and key[name] == ""
        found[name] = None if is_null else parse(key[name], types.get(name, "string"), where=f"{where}.{name}")
    return found


def _existing(root: str, layer: str, name: str) -> DeltaTable:
    table = open_table(root, layer, name)
    if table is None:
        raise UsageError("there is no such table yet", where=f"{root}/{layer}/{name}", hint="`opslake run` makes it")
    return table


def _all_equal(values: Key) -> str:
    return " AND ".join(equals(column, value) for column, value in values.items())


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(
    root: str, dataset: str, through: tuple[str, ...], words: str, sql: str, key: Sequence[str], limit: int
) -> Part:
    table = open_table(root, "silver", dataset)
    if table is None:  # a reference that was never delivered
        return Part(dataset, through, words, 0, ())
    total = select(table, f"SELECT count(*) AS n FROM t WHERE {sql}")[0]["n"]
    order = f"ORDER BY {', '.join(map(quoted, key))}" if key else ""
    rows = select(table, f"SELECT * FROM t WHERE {sql} {order} LIMIT {limit:d}") if total else []
    return Part(dataset, through, words, total, _origins(root, dataset, rows))


def _origins(root: str, dataset: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Origin, ...]:
    """The rows with their records, all found in Bronze by one query that reads their deliveries only."""
    bronze = open_table(root, "bronze", dataset)
    records: dict[tuple[Any, ...], Delivered] = {}
    if bronze is not None and rows:
        where = " AND ".join(one_of(name, (row[name] for row in rows)) for name in RECORD)
        for record in select(bronze, f"SELECT * FROM t WHERE {where}"):
            records[tuple(record[name] for name in RECORD)] = _delivered(record)
    return tuple(Origin(row, records.get(tuple(row[name] for name in RECORD))) for row in rows)


def _delivered(record: Mapping[str, Any]) -> Delivered:
    """A row of Bronze; fields that weren't delivered at all aren't told apart from empty ones."""
    fields = {name: value for name, value in record.items() if not name.startswith("_")}
    fields |= dict(record.get("_extra") or ())
    text = record.get("_corrupt_record")
    where = (record["_logical_date"], record["_delivery"], record["_source_file"], record["_row_number"])
    return Delivered(*where, fields={} if text is not None else fields, text=text)


def _versions(root: str, contract: Contract, values: Key) -> tuple[list[Delivered], str | None]:
    """Every record of a key in Bronze in the order of delivery; a note where its delivered text can't be known."""
    bronze = open_table(root, "bronze", contract.dataset)
    if bronze is None:
        return [], None
    there = set(column_types(bronze))
    tests = [_was_delivered(contract, name, value, there) for name, value in values.items()]
    if None in tests:
        return [], "other versions can't be looked up: the contract computes the key from what is delivered"
    order = ", ".join(map(quoted, RECORD))
    where = " AND ".join(test for test in tests if test is not None)
    return [_delivered(row) for row in select(bronze, f"SELECT * FROM t WHERE {where} ORDER BY {order}")], None


def _was_delivered(contract: Contract, name: str, value: Any, there: set[str]) -> str | None:
    """The test on Bronze that a key column was delivered as this value; None for a value that is computed."""
    column = contract.column(name)
    if column.transform is not None or len(column.sources) != 1 or isinstance(value, float):
        return None
    source = column.sources[0]
    extra = f"_extra[{literal(source)}]"
    text = f"btrim(coalesce({quoted(source)}, {extra}))" if source in there else f"btrim({extra})"
    if isinstance(value, str):
        return f"lower({text}) = {literal(value.lower())}" if column.accepted else f"{text} = {literal(value)}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"try_cast({text} AS BIGINT) = {value}"
    return None


def _columns_of(root: str, contracts: Mapping[str, Contract]) -> Callable[[str], set[str]]:
    def columns(name: str) -> set[str]:
        if name in contracts and open_table(root, "silver", name) is None:
            return {column.name for column in contracts[name].stored}
        layer = "silver" if name in contracts else "gold"
        return set(column_types(_existing(root, layer, name)))

    return columns


def _outdated(root: str, name: str) -> list[str]:
    """What has changed since the table, and those that it reads, were computed."""
    from spark_jobs.gold import registry

    progress, found = Progress(root).all(), []
    behind = [name]
    for table in behind:
        behind += [n for n in registry()[table].inputs if n in registry() and n not in behind]
        known = progress.get(table)
        for read in registry()[table].inputs:
            consumed = known.consumed.get(read) if known else None
            now = open_table(root, "gold" if read in registry() else "silver", read)
            if now is not None and consumed != now.version():
                found.append(
                    f"{read} has changed since {table} was computed from it: the next run brings it up to date"
                )
    return found

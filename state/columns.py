"""Columns of the state tables, and Python rows to Arrow and back.

Built on arro3, which comes with deltalake: pyarrow would cost every `opslake status` a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal

from arro3.core import Array, DataType, Field, Schema, Table, list_array, struct_array

Kind = Literal["string", "bigint", "double", "boolean", "date", "timestamp", "strings", "deliveries"]
Row = Mapping[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

STRING, BIGINT, DATE = DataType.string(), DataType.int64(), DataType.date32()
TIMESTAMP = DataType.timestamp("us", tz="UTC")  # with a zone it is Delta's `timestamp`, without `timestamp_ntz`
DELIVERY_FIELDS = (
    Field("path", STRING),
    Field("size", BIGINT),
    Field("checksum", STRING),
    Field("modified", TIMESTAMP),
)
STRINGS = DataType.list(Field("element", STRING))
DELIVERIES = DataType.list(Field("element", DataType.struct(list(DELIVERY_FIELDS))))
TYPES: dict[Kind, DataType] = {
    "string": STRING,
    "bigint": BIGINT,
    "double": DataType.float64(),
    "boolean": DataType.bool(),
    "date": DATE,
    "timestamp": TIMESTAMP,
    "strings": STRINGS,
    "deliveries": DELIVERIES,
}


@dataclass(frozen=True)
class Column:
    """One column of a state table; `deliveries` is a list of (path, size, checksum, modified)."""

    name: str
    kind: Kind = "string"
    required: bool = False


def arrow_schema(columns: Iterable[Column]) -> Schema:
    """The Arrow schema that Delta turns into the table's."""
    return Schema([Field(c.name, TYPES[c.kind], nullable=not c.required) for c in columns])


def arrow_table(columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """`rows` as one Arrow table; a row must have every column, instants must have a zone."""
    arrays = [_array(c.kind, [row[c.name] for row in rows]) for c in columns]
    return Table.from_arrays(arrays, schema=arrow_schema(columns))


def python_rows(table: Table) -> list[dict[str, Any]]:
    """One dict per row; instants come back with `datetime.UTC` as their zone."""
    names = table.column_names
    values = [_python_values(table, name) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _python_values(table: Table, name: str) -> list[Any]:
    """The column's values; only in those that hold instants is every value looked at, for that takes most of it."""
    values = list(table.column(name).to_pylist())
    return [_utc(value) for value in values] if "Timestamp" in str(table.column(name).type) else values


def _array(kind: Kind, values: list[Any]) -> Array:
    build: dict[Kind, Callable[[list[Any]], Array]] = {
        "date": _dates,
        "timestamp": _timestamps,
        "strings": _strings,
        "deliveries": _deliveries,
    }
    return build[kind](values) if kind in build else Array(values, TYPES[kind])


def _dates(values: Iterable[date | None]) -> Array:
    days = [None if v is None else (v - EPOCH.date()).days for v in values]
    return Array(days, DataType.int32()).cast(DATE)


def _timestamps(values: Iterable[datetime | None]) -> Array:
    return Array([None if v is None else (v - EPOCH) // MICROSECOND for v in values], BIGINT).cast(TIMESTAMP)


def _strings(values: Sequence[Sequence[str] | None]) -> Array:
    return _lists(values, Array([text for texts in values for text in texts or ()], STRING), STRINGS)


def _deliveries(values: Sequence[Sequence[Row] | None]) -> Array:
    flat = [delivery for deliveries in values for delivery in deliveries or ()]
    arrays = [
        Array([d["path"] for d in flat], STRING),
        Array([d["size"] for d in flat], BIGINT),
        Array([d["checksum"] for d in flat], STRING),
        _timestamps(d["modified"] for d in flat),
    ]
    return _lists(values, struct_array(arrays, fields=list(DELIVERY_FIELDS)), DELIVERIES)


def _lists(values: Sequence[Sequence[Any] | None], flat: Array, type_: DataType) -> Array:
    offsets = list(accumulate((len(v or ()) for v in values), initial=0))
    return list_array(Array(offsets, DataType.int32()), flat).cast(type_)


def _utc(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, list):
        return [_utc(element) for element in value]
    return {name: _utc(part) for name, part in value.items()} if isinstance(value, dict) else value

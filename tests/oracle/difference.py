"""Two tables side by side, and where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

SHOWN = 20
FAMILIES: tuple[type, ...] = (bool, int, Decimal, float, str, datetime, date)

Row = Mapping[str, object]
Key = tuple[object, ...]


def compare(
    table_name: str,
    expected: Sequence[Row],
    actual: Sequence[Row],
    grain: Sequence[str],
    *,
    ignore: Collection[str] = (),
    shown: int = SHOWN,
) -> list[str]:
    """One line per difference with both sides in it, none when the tables agree; at most `shown` lines and a count.

    The columns of `expected` are compared, less those in `ignore`; a column that `actual` has beyond them is a
    difference unless it is lineage (a leading underscore). A naive instant is taken as UTC. Types count: 1 is not 1.0.
    """
    columns = [column for column in (expected[0] if expected else {}) if column not in ignore]
    found = _columns_beyond(columns, actual, ignore) if expected else []
    found += _repeated(expected, grain, "expected") + _repeated(actual, grain, "actual")
    wanted, there = _by_key(expected, grain), _by_key(actual, grain)
    for key in sorted(wanted.keys() | there.keys(), key=sortable):
        found += _difference(_labelled(grain, key), wanted.get(key), there.get(key), columns)
    lines = [f"{table_name}: {line}" for line in found[:shown]]
    if len(found) > shown:
        lines.append(f"{table_name}: … {len(found) - shown} more of {len(found)} differences")
    return lines


def sortable(key: Key) -> tuple[tuple[bool, object], ...]:
    """A key of a grain as something that sorts, nulls first."""
    return tuple((value is not None, value if value is not None else 0) for value in key)


def _difference(label: str, wanted: Row | None, there: Row | None, columns: list[str]) -> list[str]:
    if there is None:
        return [f"{label}: missing, expected {_shown(wanted)}"]
    if wanted is None:
        return [f"{label}: not expected, actual {_shown(there)}"]
    return [
        f"{label}: {column}: expected {wanted[column]!r}, actual {there.get(column, 'no such column')!r}"
        for column in columns
        if _comparable(wanted[column]) != _comparable(there.get(column, "no such column"))
    ]


def _columns_beyond(columns: list[str], actual: Sequence[Row], ignore: Collection[str]) -> list[str]:
    names = list(actual[0]) if actual else []
    beyond = [name for name in names if name not in columns and name not in ignore and not name.startswith("_")]
    return [f"columns: expected {columns}, actual also {beyond}"] if beyond else []


def _repeated(rows: Sequence[Row], grain: Sequence[str], side: str) -> list[str]:
    counts = Counter(_key(row, grain) for row in rows)
    return [f"{_labelled(grain, key)}: {times} rows in {side}" for key, times in counts.items() if times > 1]


def _by_key(rows: Sequence[Row], grain: Sequence[str]) -> dict[Key, Row]:
    return {_key(row, grain): row for row in rows}


def _key(row: Row, grain: Sequence[str]) -> Key:
    return tuple(_normal(row.get(column)) for column in grain)


def _normal(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def _comparable(value: object) -> tuple[str, object]:
    """The value with the name of its type's family, so that True isn't 1 and a decimal isn't a float."""
    family = next((each.__name__ for each in FAMILIES if isinstance(value, each)), type(value).__name__)
    return family, _normal(value)


def _labelled(grain: Sequence[str], key: Key) -> str:
    return ", ".join(f"{column}={value}" for column, value in zip(grain, key, strict=True))


def _shown(row: Row | None) -> str:
    return str({column: str(value) for column, value in (row or {}).items()})

"""The queries that read a table as text: numbered by key and then by all columns, in parts that don't overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark_jobs.sources.headers import HeaderMap
from spark_jobs.sources.postgres_server import identifier, literal

ROW = "opslake_row"


@dataclass(frozen=True)
class Part:
    """The rows whose first key column is from `low` up to, not with, `high` (None: open), after `before` others."""

    low: str | None
    high: str | None
    before: int
    rows: int


def text_of(column: str) -> str:
    """A column's values as text that is compared byte by byte, on every server alike."""
    return f'({identifier(column)}::text COLLATE "C")'


def sampled_bounds(table: str, key: str, parts: int, percent: float) -> str:
    """Query of the values that cut a sample of the table into so many parts of about one size, as an array."""
    shares = ", ".join(str(n / parts) for n in range(1, parts))
    ordered = f"percentile_disc(ARRAY[{shares}]) WITHIN GROUP (ORDER BY {text_of(key)})"
    return f"SELECT {ordered} FROM {table} TABLESAMPLE SYSTEM ({percent:.6f})"


def content(table: str, key: str | None, bounds: Sequence[str]) -> str:
    """Query of each part's number (from 0), its rows, and two sums over hashes of them, which no order changes."""
    part = "0"
    if key is not None and bounds:
        cuts = ", ".join(literal(bound) for bound in bounds)
        part = f'coalesce(width_bucket({text_of(key)}, ARRAY[{cuts}]::text[] COLLATE "C"), 0)'
    halves = (f"sum(('x' || {side}(h, 16))::bit(64)::bigint)" for side in ("left", "right"))
    return (
        f"SELECT p, count(*), {', '.join(halves)} "
        f"FROM (SELECT {part} AS p, md5({ROW}::text) AS h FROM {table} {ROW}) hashed GROUP BY p ORDER BY p"
    )


def as_delivered(table: str, columns: Sequence[str], key: Sequence[str], part: Part) -> str:
    """Query of a part's rows: `n` and every column as text, `v0` … in their order."""
    values = ", ".join(f"v{i}" for i in range(len(columns)))
    return f"SELECT {_number(columns, key, part)}{', ' + values if values else ''} {_source(table, columns, key, part)}"


def as_bronze(
    table: str,
    header: HeaderMap,
    known: Sequence[str],
    key: Sequence[str],
    part: Part,
    *,
    position: int,
    others: int,
) -> str:
    """Query of a part's rows in the shape that tables of all days share.

    `f` is the table's position, `n` the row's number, `c0` … the contract's columns, `x0` … the others in their order,
    of which some table has as many as `others`.
    """
    at = {name: f"v{i}" for i, name in enumerate(header.columns) if name is not None}
    columns = (f"{at.get(name, 'NULL::text')} AS c{i}" for i, name in enumerate(known))
    own = [f"v{i}" for i, name in enumerate(header.extra) if name is not None]
    extra = (f"{value} AS x{i}" for i, value in enumerate([*own, *["NULL::text"] * (others - len(own))]))
    number = _number(header.names, key, part)
    selected = ", ".join([f"{position} AS f", number, *columns, *extra])
    return f"SELECT {selected} {_source(table, header.names, key, part)}"


def _number(columns: Sequence[str], key: Sequence[str], part: Part) -> str:
    first = [f"v{columns.index(name)}" for name in key]
    order = [*first, *(f"v{i}" for i in range(len(columns)) if f"v{i}" not in first)]
    ordered = ", ".join(f"{value} NULLS FIRST" for value in order)
    over = f"ORDER BY {ordered}" if ordered else ""
    return f"{part.before} + row_number() OVER ({over}) AS n"


def _source(table: str, columns: Sequence[str], key: Sequence[str], part: Part) -> str:
    texts = ", ".join(f"{text_of(name)} AS v{i}" for i, name in enumerate(columns))
    conditions = []
    if part.low is not None:
        conditions.append(f"v{columns.index(key[0])} >= {literal(part.low)}")
    if part.high is not None:
        conditions.append(f"v{columns.index(key[0])} < {literal(part.high)}")
    where = " AND ".join(conditions)
    if where and part.low is None:  # the first part has the rows without a key, too
        where = f"({where} OR v{columns.index(key[0])} IS NULL)"
    return f"FROM (SELECT {texts} FROM {table}) texts{' WHERE ' + where if where else ''}"


def session_settings(snapshot: str, settings: Mapping[str, str]) -> str:
    """What a connection says first, so that it sees exactly what the one sees that exported the snapshot."""
    said = (f"SET LOCAL {name} = {literal(value)}" for name, value in settings.items())
    isolation = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
    return "; ".join([isolation, f"SET TRANSACTION SNAPSHOT {literal(snapshot)}", *said])

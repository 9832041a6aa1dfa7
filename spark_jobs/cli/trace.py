"""`trace`: from a row of Silver or Gold to the file, the record and what was delivered. Starts no JVM."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import LOOK, Json, Unmask, app, settings
from spark_jobs.cli.show import Cell, counted, instant, show_json, show_line, show_table, state_of
from spark_jobs.errors import UsageError, nearest

if TYPE_CHECKING:
    from spark_jobs.contract import Contract
    from spark_jobs.trace import Delivered, Part, Trace

NEXT_NAME = re.compile(r",(?=\s*\w+\s*=)")  # a comma that another name follows; others belong to the value
HOW = (
    "for example: opslake trace tickets T123, or: opslake trace daily_agent_load --key ops_date=2026-11-03,agent_id=A7"
)


@app.command(rich_help_panel=LOOK)
def trace(
    table: Annotated[str, typer.Argument(help="A dataset of Silver, or a Gold table.")],
    key: Annotated[str | None, typer.Argument(help="The key's parts in order, separated by commas.")] = None,
    named: Annotated[
        list[str] | None, typer.Option("--key", metavar="NAME=VALUE,…", help="The key by the names of its columns.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many Silver rows; totals are of all.")] = 20,
    unmask: Unmask = False,
    as_json: Json = False,
) -> None:
    """Lead a row back to its delivery: file, record number, and the record as it came."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.masking import masked_trace
    from spark_jobs.trace import trace_gold, trace_silver

    contracts = load_contracts(settings().contracts)
    parts = _parts(key, named, _key_columns(table, contracts), table)
    if table in contracts:
        found = trace_silver(settings().lake, contracts[table], parts)
    else:
        found = trace_gold(settings().lake, table, parts, contracts, limit)
    if not unmask:
        found = masked_trace(found, contracts)
    if as_json:
        show_json(found)
    else:
        _show(found, contracts)


def _key_columns(table: str, contracts: Mapping[str, Contract]) -> Sequence[str]:
    if table in contracts:
        return contracts[table].key
    from spark_jobs.gold import registry  # imports pyspark, which datasets of Silver can do without

    known = [*contracts, *registry()]
    if table not in registry():
        raise UsageError("unknown table", value=table, allowed=known, hint=nearest(table, known))
    return registry()[table].grain


def _parts(key: str | None, named: list[str] | None, columns: Sequence[str], table: str) -> dict[str, str]:
    """The text of each key column, as it was given in one way or the other."""
    if (key is None) == (not named):
        told = f"--key {','.join(f'{name}=…' for name in columns)}"
        raise UsageError("say which row, once", where=f"opslake trace {table}", allowed=f"KEY, or {told}", hint=HOW)
    if key is not None:
        values = [key] if len(columns) == 1 else key.split(",")
        if len(values) != len(columns):
            hint = "a value that holds a comma can be given with --key"
            raise UsageError(f"the key has {len(columns)} parts", where=table, value=key, allowed=columns, hint=hint)
        return dict(zip(columns, values, strict=True))
    found: dict[str, str] = {}
    for part in [part for text in named or () for part in NEXT_NAME.split(text)]:
        name, sign, value = part.partition("=")
        if not sign:
            raise UsageError("not a name and a value", where="--key", value=part, allowed="NAME=VALUE", hint=HOW)
        found[name.strip()] = value
    return found


def _show(found: Trace, contracts: Mapping[str, Contract]) -> None:
    show_line((f"{found.layer}/{found.table}", "bold"), "  ", _said(found.key))
    if found.row is None:
        show_line(("not in Silver", "yellow"), ": no record of this key was accepted")
    else:
        show_table(("", ""), [[f"  {name}", _text(value)] for name, value in found.row.items() if name[:1] != "_"])
    for part in found.parts:
        if found.layer == "gold":
            _show_part(part, contracts[part.dataset].key if part.dataset in contracts else ())
        else:
            _show_origin(part)
    _show_versions(found)
    _show_exceptions(found)
    for note in found.notes:
        show_line(("note: ", "yellow"), note)


def _show_origin(part: Part) -> None:
    for origin in part.origins:
        row = origin.row
        place = f"{row['_source_file']}, record {row['_row_number']}"
        show_line()
        show_line(("came from ", "bold"), f"{place}, delivery {row['_delivery']} of {row['_logical_date']}")
        show_line(f"read {instant(row['_load_time'])} UTC by run {row['_run_id']}; as delivered:")
        if origin.delivered is None:
            show_line(("Bronze doesn't have that delivery any more", "yellow"))
        else:
            show_table(("", ""), [[f"  {name}", _text(text)] for name, text in origin.delivered.fields.items()])


def _show_part(part: Part, key: Sequence[str]) -> None:
    show_line()
    way = f" through {', '.join(part.through)}" if part.through else ""
    shown = f", {len(part.origins)} shown" if len(part.origins) < part.total else ""
    show_line(
        (f"{counted(part.total, 'row')} of silver/{part.dataset}", "bold"), f"{way} where {part.condition}{shown}"
    )
    rows: list[list[Cell]] = []
    for origin in part.origins:
        row = origin.row
        place = [str(row["_logical_date"]), row["_source_file"].rpartition("/")[2], str(row["_row_number"])]
        told = _raw(origin.delivered) if origin.delivered else "not in Bronze any more"
        rows.append([*(_text(row[name]) for name in key), *place, told])
    if rows:
        show_table((*key, "delivered", "file", "record", "as delivered"), rows, right=("record",))


def _show_versions(found: Trace) -> None:
    if not found.versions:
        return
    in_silver = [origin.delivered for part in found.parts for origin in part.origins]
    rows: list[list[Cell]] = [
        [
            str(one.logical_date),
            one.delivery,
            one.file.rpartition("/")[2],
            str(one.record),
            "in Silver" if one in in_silver else "",
            _raw(one),
        ]
        for one in found.versions
    ]
    show_line()
    show_line((f"delivered records of this key: {len(rows)}", "bold"))
    show_table(("day", "delivery", "file", "record", "", "as delivered"), rows, right=("record",))


def _show_exceptions(found: Trace) -> None:
    if not found.exceptions:
        return
    rows: list[list[Cell]] = [
        [
            row["exception_id"][:12],
            str(row["_logical_date"]),
            row["_source_file"].rpartition("/")[2],
            str(row["_row_number"]),
            state_of(row["status"]),
            ", ".join(row["reject_reasons"]),
        ]
        for row in found.exceptions
    ]
    show_line()
    show_line((f"exceptions of this key: {len(rows)}", "bold"))
    show_table(("id", "day", "file", "record", "status", "reasons"), rows, right=("record",))


def _raw(one: Delivered) -> str:
    """The record in one line: its text, or its fields that aren't null."""
    if one.text is not None:
        return one.text
    return json.dumps({name: text for name, text in one.fields.items() if text is not None}, ensure_ascii=False)


def _said(key: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in key.items())


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return "" if value is None else str(value)

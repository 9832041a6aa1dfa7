"""Exceptions as people look at them, read with delta-rs: counts per reason, single rows, one row whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from deltalake import DeltaTable

from spark_jobs.contract import Contract
from spark_jobs.contract.model import RESERVED_REASONS
from spark_jobs.errors import UsageError, nearest
from spark_jobs.lookup import KEY_SEPARATOR, literal, one_of, open_table, quoted, select

STATUSES = ("open", "resolved", "superseded", "informational")
BRIEF = (
    "exception_id",
    "dataset",
    "_logical_date",
    "_source_file",
    "_row_number",
    "_delivery",
    "record_key",
    "reject_reasons",
    "status",
    "resolved_by",
)
ID = re.compile(r"[0-9a-f]{6,64}")
FEW = 5
ORDER = 'ORDER BY "_logical_date" DESC, "_source_file", "_row_number", "_delivery"'


@dataclass(frozen=True)
class Listing:
    """Exceptions of a dataset: how many per reason and status, how many in all, and the first of them, latest first."""

    counts: tuple[Mapping[str, Any], ...]
    total: int
    rows: tuple[Mapping[str, Any], ...]


def list_exceptions(
    root: str,
    contract: Contract,
    *,
    day: date | None = None,
    reason: str | None = None,
    status: str | None = None,
    limit: int = 20,
) -> Listing:
    """The exceptions that have all that is asked for, without their raw records.

    A record with two reasons counts for both. UsageError for a reason that neither the contract nor a row knows.
    """
    table = open_table(root, "exception", contract.dataset)
    if reason is not None:
        _check_reason(table, contract, reason)
    if table is None:
        return Listing((), 0, ())
    where = " AND ".join(_conditions(day, reason, status))
    flat = f"SELECT unnest(reject_reasons) AS reason, status FROM t WHERE {where}"
    counts = select(
        table, f"SELECT reason, status, count(*) AS records FROM ({flat}) GROUP BY reason, status ORDER BY 3 DESC, 1, 2"
    )
    total = select(table, f"SELECT count(*) AS n FROM t WHERE {where}")[0]["n"]
    columns = ", ".join(map(quoted, BRIEF))
    rows = select(table, f"SELECT {columns} FROM t WHERE {where} {ORDER} LIMIT {limit:d}")
    return Listing(tuple(counts), total, tuple(rows))


def open_exceptions(
    root: str, contract: Contract, *, day: date | None = None, reason: str | None = None
) -> list[dict[str, Any]]:
    """The open exceptions that have all that is asked for, with their raw records, oldest first."""
    table = open_table(root, "exception", contract.dataset)
    if reason is not None:
        _check_reason(table, contract, reason)
    if table is None:
        return []
    columns = ", ".join(map(quoted, (*BRIEF, "raw_record")))
    where = " AND ".join(_conditions(day, reason, "open"))
    order = 'ORDER BY "_logical_date", "_source_file", "_row_number", "_delivery"'
    return select(table, f"SELECT {columns} FROM t WHERE {where} {order}")


def exceptions_by_id(root: str, dataset: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of the exceptions with these ids; those that there are not are left out."""
    table = open_table(root, "exception", dataset)
    if table is None:
        return {}
    columns = ", ".join(map(quoted, (*BRIEF, "_file_modified")))
    rows = select(table, f"SELECT {columns} FROM t WHERE {one_of('exception_id', ids)}")
    return {row["exception_id"]: row for row in rows}


@dataclass(frozen=True)
class Waiting:
    """How many open exceptions there are of one delivery, and how many of them are malformed records."""

    logical_date: date
    delivery: str
    records: int
    malformed: int


def waiting(root: str, contract: Contract, *, day: date | None = None, reason: str | None = None) -> list[Waiting]:
    """The deliveries with open exceptions that have all that is asked for."""
    table = open_table(root, "exception", contract.dataset)
    if reason is not None:
        _check_reason(table, contract, reason)
    if table is None:
        return []
    malformed = "sum(CASE WHEN array_has(reject_reasons, 'malformed_record') THEN 1 ELSE 0 END)"
    sql = f"""SELECT "_logical_date", "_delivery", count(*) AS records, {malformed} AS malformed FROM t
        WHERE {" AND ".join(_conditions(day, reason, "open"))} GROUP BY 1, 2 ORDER BY 1, 2"""
    return [Waiting(r["_logical_date"], r["_delivery"], r["records"], r["malformed"]) for r in select(table, sql)]


def find_exceptions(root: str, datasets: Iterable[str], asked: str) -> list[dict[str, Any]]:
    """The whole rows that an id, a beginning of one, or FILE:ROW names; of a file, a row per delivery of it.

    FILE may be the end of a path. UsageError where nothing is found, or where a beginning fits several.
    """
    file, _, number = asked.rpartition(":")
    if file and number.isdecimal():
        where = f'"_row_number" = {int(number)} AND {_file_ends_with(file)}'
    elif ID.fullmatch(asked.lower()):
        where = f"starts_with(exception_id, {literal(asked.lower())})"
    else:
        raise UsageError(
            "that names no exception",
            value=asked,
            allowed="an exception's id or its first 6 characters, or FILE:RECORD",
        )
    tables = [table for name in datasets if (table := open_table(root, "exception", name)) is not None]
    found = [row for table in tables for row in select(table, f"SELECT * FROM t WHERE {where} {ORDER}")]
    if not found:
        raise UsageError("no such exception", value=asked, hint="`opslake exceptions list DATASET` shows ids and files")
    files = {row["_source_file"] for row in found}
    if (not number.isdecimal() or not file) and len(found) > 1:
        ids = [row["exception_id"][:16] for row in found[:FEW]]
        raise UsageError("several exceptions begin like that", value=asked, allowed=ids, hint="give more of the id")
    if len(files) > 1:
        raise UsageError(
            "several files end like that", value=asked, allowed=sorted(files), hint="give more of the path"
        )
    return found


def exceptions_of_key(root: str, dataset: str, key: str) -> list[dict[str, Any]]:
    """Every exception of a key, oldest first; `key` is its `record_key`."""
    table = open_table(root, "exception", dataset)
    if table is None:
        return []
    order = 'ORDER BY "_logical_date", "_source_file", "_row_number"'
    return select(table, f"SELECT * FROM t WHERE record_key = {literal(key)} {order}")


def key_of(row: Mapping[str, Any]) -> str:
    """A row's key as people type it; nothing where the record had none."""
    return str(row["record_key"] or "").replace(KEY_SEPARATOR, ",")


def _conditions(day: date | None, reason: str | None, status: str | None) -> list[str]:
    found = ["TRUE"]
    if day is not None:
        found.append(f'"_logical_date" = {literal(day)}')
    if reason is not None:
        found.append(f"array_has(reject_reasons, {literal(reason)})")
    if status is not None:
        found.append(f"status = {literal(status)}")
    return found


def _file_ends_with(file: str) -> str:
    return f'("_source_file" = {literal(file)} OR ends_with("_source_file", {literal("/" + file.lstrip("/"))}))'


def _check_reason(table: DeltaTable | None, contract: Contract, reason: str) -> None:
    known = [*RESERVED_REASONS, *contract.reasons]
    if table is not None and reason not in known:
        seen = select(table, "SELECT DISTINCT unnest(reject_reasons) AS reason FROM t")
        known += [row["reason"] for row in seen]
    if reason not in known:
        raise UsageError("unknown reason", value=reason, allowed=sorted(set(known)), hint=nearest(reason, known))

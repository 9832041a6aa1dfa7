"""Open exceptions as a CSV file in which people correct them. Starts no JVM.

The file is UTF-8 with commas, whatever the dataset's own files are: `exception_id`, what is told of the record
(`INFORMATION`), then the fields as delivered. `corrections.py` reads it back.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import StringIO
from typing import Any

from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.exception_rows import open_exceptions
from spark_jobs.names import squeeze
from state.stores import open_files

ID = "exception_id"
MALFORMED_TEXT = "malformed_text"
INFORMATION = ("logical_date", "reject_reason", MALFORMED_TEXT)
"""Columns that only tell; where a delivered one has the name, that is shown instead."""


def export_exceptions(
    root: str, contract: Contract, path: str, *, day: date | None = None, reason: str | None = None
) -> int:
    """Write the open exceptions that have all that is asked for; returns how many, and writes no file for none.

    UsageError where something lies at `path` already: it may hold somebody's corrections.
    """
    refuse_own_id(contract)
    rows = open_exceptions(root, contract, day=day, reason=reason)
    files, place = open_files(path)
    if files.exists(place):
        raise UsageError("there is a file of that name", where="--to", value=path, hint="choose another name")
    if rows:
        try:
            with files.open(place, "wb") as stream:
                stream.write(csv_of(rows, contract).encode())
        except OSError as error:
            raise UsageError(f"the file can't be written: {error}", where="--to", value=path) from error
    return len(rows)


def csv_of(rows: Sequence[Mapping[str, Any]], contract: Contract) -> str:
    """The file's text: a line per exception, of every field that the contract or one of the records knows."""
    records = [fields_of(row) for row in rows]
    delivered = (name for record in records for name in record or () if not is_there(ID, [name]))
    names = list(dict.fromkeys([*contract.source_names, *delivered]))
    told = [name for name in INFORMATION if not is_there(name, names) and (name != MALFORMED_TEXT or None in records)]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([ID, *told, *names])
    for row, record in zip(rows, records, strict=True):
        facts = {
            "logical_date": row["_logical_date"],
            "reject_reason": ", ".join(row["reject_reasons"]),
            MALFORMED_TEXT: row["raw_record"] if record is None else None,
        }
        values = [(record or {}).get(name) for name in names]
        writer.writerow([row[ID], *(facts[name] for name in told), *values])
    return text.getvalue()


def fields_of(row: Mapping[str, Any]) -> dict[str, str | None] | None:
    """The fields of an exception's record as delivered, what the contract doesn't know too; None of a malformed one."""
    try:
        found = json.loads(row["raw_record"] or "")
    except ValueError:
        return None
    if not isinstance(found, dict) or row["reject_reasons"] == ["malformed_record"]:
        return None
    extra = found.pop("_extra", None) or {}
    return {**found, **{name: value for name, value in extra.items() if name not in found}}


def refuse_own_id(contract: Contract) -> None:
    """UsageError for a dataset with a column of its own that is called like an exception's id."""
    if is_there(ID, contract.source_names):
        raise UsageError(
            "its own column of this name leaves no way to name an exception in a file", where=contract.dataset, value=ID
        )


def is_there(name: str, names: Iterable[str]) -> bool:
    """Whether one of the names means the same as `name` in a header."""
    return squeeze(name) in map(squeeze, names)

"""A file of corrected records: read, checked against the exceptions that its rows name, and turned into Bronze's rows.

The file is a CSV as `exception_export.py` writes it: UTF-8, commas, a column `exception_id` and the dataset's source
columns under any header that a delivery may have. Starts no JVM; a file is refused whole before anything is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem

from spark_jobs.contract import Contract
from spark_jobs.errors import SourceError, UsageError
from spark_jobs.exception_export import ID, INFORMATION, is_there, refuse_own_id
from spark_jobs.sources.batches import bronze_schema, record_batches
from spark_jobs.sources.csv import CsvOptions, read_csv
from spark_jobs.sources.headers import HeaderMap, match_headers, shown_header
from spark_jobs.sources.record import Row
from state.landing import modified_at
from state.ledger import DayState
from state.stores import open_files

if TYPE_CHECKING:
    import pyarrow as pa

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Corrections:
    """The rows of a file; `names[n]` is the id of the exception that row n corrects."""

    path: str
    delivery: str
    modified: datetime
    header: HeaderMap
    rows: tuple[Row, ...]
    names: tuple[str, ...]


def read_corrections(path: str, contract: Contract) -> Corrections:
    """Read a file; UsageError for one that can't be read as corrections of this dataset, with record and value."""
    refuse_own_id(contract)
    files, place = open_files(path)
    try:
        info, content = files.info(place), files.cat_file(place)
    except OSError as error:
        raise UsageError(f"the file can't be read: {error}", where="--file", value=path) from error
    where = place if isinstance(files, LocalFileSystem) else path
    try:
        header, found = read_csv(BytesIO(content), CsvOptions(), where)
        columns = _columns(header, contract, where)
        rows = tuple(found)
    except SourceError as error:
        raise UsageError(error.what, where=error.where, value=error.value, hint=error.hint) from error
    names = _names(rows, columns, where, quoted=not contract.names_persons)
    return Corrections(where, hashlib.sha256(content).hexdigest()[:12], modified_at(info), columns, rows, names)


def _columns(header: Sequence[str], contract: Contract, where: str) -> HeaderMap:
    """Where each column goes; what only tells goes nowhere, the exception's id to `_extra`, which keeps the link."""
    known = contract.source_names
    own = [name for name in header if not is_there(name, INFORMATION) or is_there(name, known)]
    found = match_headers(own, (*known, ID), keep_source_row_id=contract.keep_source_row_id, where=where)
    if ID in found.missing:
        raise UsageError(
            "no column says which exception a row corrects",
            where=where,
            value=shown_header(header, found, contract),
            allowed=ID,
            hint=f"`opslake exceptions export {contract.dataset} --to FILE` writes a file to begin with",
        )
    if found.missing:  # a missing one would become null, which nobody means who corrects another
        raise UsageError(
            f"a corrected row is a whole record: column {', '.join(found.missing)} is missing",
            where=where,
            value=shown_header(header, found, contract),
            allowed=(ID, *known),
        )
    place = dict(zip(own, zip(found.columns, found.extra, strict=True), strict=True))
    targets = [place.get(name, (None, None)) for name in header]
    return HeaderMap(
        names=tuple(header),
        columns=tuple(None if column == ID else column for column, _ in targets),
        extra=tuple(ID if column == ID else extra for column, extra in targets),
        missing=(),
    )


def _names(rows: Sequence[Row], columns: HeaderMap, where: str, *, quoted: bool) -> tuple[str, ...]:
    """The exception that each row names; UsageError where one names none, or one that another row has named."""
    place, found = columns.extra.index(ID), dict[str, int]()
    for number, values, text in rows:
        record = f"{where}, record {number}"
        if values is None:
            raise UsageError("the record can't be read", where=record, value=(text or "")[:200] if quoted else None)
        name = (values[place] or "").strip().lower()
        if not name:
            raise UsageError(
                f"no {ID}", where=record, value=", ".join(v or "" for v in values)[:200] if quoted else None
            )
        if name in found:
            raise UsageError(f"record {found[name]} corrects the same exception", where=record, value=name)
        found[name] = number
    return tuple(found)


def check(
    corrections: Corrections,
    known: Mapping[str, Mapping[str, Any]],
    states: Mapping[date, DayState],
    *,
    taken_up: bool,
) -> None:
    """Refuse the file where a row can't be taken up: no such exception, not open, or of a delivery not in Silver.

    `known` are the exceptions by id. A file that was `taken_up` before may name some that are open no more.
    """
    for (number, _, _), name in zip(corrections.rows, corrections.names, strict=True):
        where, row = f"{corrections.path}, record {number}", known.get(name)
        if row is None:
            raise UsageError("there is no exception of this id", where=where, value=name)
        if row["status"] != "open" and not taken_up:
            by = f" by {row['resolved_by']}" if row["resolved_by"] else ""
            raise UsageError(f"the exception isn't open but {row['status']}{by}", where=where, value=name)
        state = states.get(row["_logical_date"])
        if row["status"] == "open" and (state is None or row["_delivery"] not in state.loaded):
            day, dataset = row["_logical_date"], row["dataset"]
            raise UsageError(
                f"the delivery of {day} isn't in Silver, so a row of it can't be either",
                where=where,
                value=name,
                hint=f"let it pass first: `opslake run --date {day} --dataset {dataset} --accept-rejects`",
            )


def taken_up(corrections: Corrections, days: set[date], states: Mapping[date, DayState]) -> bool:
    """Whether the ledger has the file as a delivery of all these days."""
    there = {day for day, state in states.items() if corrections.delivery in state.replayed}
    return bool(days) and days <= there


def bronze_rows(
    corrections: Corrections,
    known: Mapping[str, Mapping[str, Any]],
    contract: Contract,
    states: Mapping[date, DayState],
    *,
    run_id: str,
    load_time: datetime,
) -> pa.Table:
    """The rows as Bronze keeps them: a delivery of each exception's own logical date.

    They are younger than the deliveries that they correct, however old the file claims to be.
    """
    import pyarrow as pa

    by_day: dict[date, list[Row]] = {}
    for row, name in zip(corrections.rows, corrections.names, strict=True):
        by_day.setdefault(known[name]["_logical_date"], []).append(row)
    corrected = [known[name]["_file_modified"] for name in corrections.names]
    corrected += [file.modified for day in by_day for file in states[day].deliveries]
    lineage = {
        "_source_file": corrections.path,
        "_file_modified": max([corrections.modified, *(instant + MOMENT for instant in corrected)]),
        "_delivery": corrections.delivery,
        "_load_time": load_time,
        "_run_id": run_id,
    }
    batches = [
        batch
        for day, rows in sorted(by_day.items())
        for batch in record_batches(rows, corrections.header, contract.source_names, lineage | {"_logical_date": day})
    ]
    return pa.Table.from_batches(batches, bronze_schema(contract.source_names))

"""The records of an export one by one: the value that names the day, and the record's text as it stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.sources.csv import csv_options, read_texts
from spark_jobs.sources.headers import match_headers, shown_header
from spark_jobs.sources.json import json_options, read_json_texts

Record = tuple[str | None, str]
"""The value of the column that names the day (None: there is none), and the record's text."""


@dataclass(frozen=True)
class Export:
    """An open export: what a file of its records begins with, what stands between and behind them, and the records."""

    begin: str
    between: str
    end: str
    records: Iterator[Record]


def open_export(stream: BinaryIO, contract: Contract, source: str, where: str) -> Export:
    """The records of an export in the contract's format; `source` is the delivered column that names the day.

    UsageError where the export hasn't that column, or where files of its format can't be split.
    """
    if contract.format == "csv":
        return _of_csv(stream, contract, source, where)
    if contract.format == "json":
        return _of_json(stream, contract, source, where)
    raise UsageError("files of this format can't be split", where=where, value=contract.format, allowed="csv, json")


def _of_csv(stream: BinaryIO, contract: Contract, source: str, where: str) -> Export:
    names, header, rows = read_texts(stream, csv_options(contract.options), where)
    found = match_headers(names, contract.source_names, keep_source_row_id=contract.keep_source_row_id, where=where)
    if source not in found.columns:
        what, told = "the export hasn't the column that names the day", shown_header(names, found, contract)
        raise UsageError(what, where=where, value=source, allowed=told)
    place = found.columns.index(source)
    records = ((values[place] if values is not None else None, _ended(text)) for values, text in rows)
    return Export(_ended(header), "", "", records)


def _ended(text: str) -> str:
    """The text with a line end: the last record of a file may have none."""
    return text if text.endswith(("\n", "\r")) else text + "\n"


def _of_json(stream: BinaryIO, contract: Contract, source: str, where: str) -> Export:
    options = json_options(contract.options)
    known, places = contract.source_names, dict[tuple[str, ...], str | None]()

    def value_of(record: dict[str, str | None] | None) -> str | None:
        shape = tuple(record or ())
        if shape not in places:
            found = match_headers(shape, known, keep_source_row_id=contract.keep_source_row_id, where=where)
            places[shape] = shape[found.columns.index(source)] if source in found.columns else None
        name = places[shape]
        return record.get(name) if record is not None and name is not None else None

    texts = ((value_of(record), _on_one_line(text)) for record, text in read_json_texts(stream, options, where))
    return Export("[\n", ",\n", "\n]\n", texts) if options.layout == "array" else Export("", "\n", "\n", texts)


def _on_one_line(text: str) -> str:
    """An element of an array may be spread over lines; a line end in it is a blank, for strings hold none."""
    return text.replace("\r", " ").replace("\n", " ")

"""CSV records one by one: a record that can't be read is set aside with its exact text, those after it are read.

Physical lines end in \\n, \\r\\n or \\r, mixed as they come; inside quotes line ends stay in the value as delivered.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, BinaryIO

from spark_jobs.errors import ContractError, SourceError
from spark_jobs.sources.batches import record_batches
from spark_jobs.sources.headers import match_headers
from spark_jobs.sources.record import ReadLayout, Row
from spark_jobs.sources.text import (
    encoding_option,
    is_damaged,
    open_text,
    printable,
    reading,
    refuse_unknown_options,
)

if TYPE_CHECKING:
    from _csv import Reader

    import pyarrow as pa

_LARGEST_FIELD = 2**31 - 1  # an Arrow string column can't hold a longer value
_LINE_ENDS = ("\r\n", "\n", "\r")


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How a dataset's CSV files are written; every mark is one character or None."""

    delimiter: str = ","
    quote: str | None = '"'  # None: quotes mean nothing; doubled, a quote stands for itself
    escape: str | None = None  # makes the character after it literal
    comment: str | None = None  # a record that begins with it is no record
    encoding: str = "utf-8"


def csv_options(options: Mapping[str, Any], *, where: str = "options") -> CsvOptions:
    """The options of a contract, checked; ContractError names the key, the value and what is allowed."""
    refuse_unknown_options(options, (f.name for f in fields(CsvOptions)), where)
    marks = {key: _mark(key, value, where) for key, value in options.items() if key != "encoding"}
    if "delimiter" in marks and marks["delimiter"] is None:
        raise ContractError("a delimiter is needed", where=f"{where}, delimiter", value=options["delimiter"])
    if marks.get("escape") is not None and marks["escape"] == marks.get("quote", '"'):
        marks["escape"] = None  # a quote that escapes itself is the doubled quote, which is always understood
    made = CsvOptions(**{**marks, "encoding": encoding_option(options.get("encoding", "utf-8"), where)})  # type: ignore[arg-type]
    used = [mark for mark in (made.delimiter, made.quote, made.escape, made.comment) if mark is not None]
    if len(set(used)) < len(used):
        raise ContractError("one character has two meanings", where=where, value=used)
    return made


def _mark(key: str, value: object, where: str) -> str | None:
    if value is None or value == "":
        return None
    if value == "\\t":
        return "\t"
    if not isinstance(value, str) or len(value) != 1 or value in "\r\n":
        raise ContractError(
            "not a single character", where=f"{where}, {key}", value=value, allowed="one character that ends no line"
        )
    return value


class _Lines:
    """The physical lines of a file, remembering those of the record that is being read."""

    __slots__ = ("comment", "count", "damaged", "kept", "pieces")

    def __init__(self, pieces: Iterator[str], comment: str | None) -> None:
        self.pieces, self.comment = pieces, comment
        self.kept: list[str] = []
        self.count = 0
        self.damaged = False

    def __iter__(self) -> Iterator[str]:
        kept, comment = self.kept, self.comment
        for line in self.pieces:
            self.count += 1
            if comment is not None and not kept and line.startswith(comment):
                continue
            if is_damaged(line):
                self.damaged = True
            kept.append(line)
            yield line

    def clear(self) -> None:
        """The next record begins."""
        self.kept.clear()
        self.damaged = False

    def take(self) -> str:
        """The text of the record that was just read, without its last line end; the next record begins."""
        text = "".join(self.kept)
        end = next((end for end in _LINE_ENDS if text.endswith(end)), "")
        self.clear()
        return printable(text.removesuffix(end))


def read_batches(
    stream: BinaryIO, layout: ReadLayout, where: str, lineage: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    """The records of a file as batches of Bronze's columns."""
    header, rows = read_csv(stream, csv_options(layout.options), where)
    columns = match_headers(header, layout.known, keep_source_row_id=layout.keep_source_row_id, where=where)
    yield from record_batches(rows, columns, layout.known, lineage)


def read_header(stream: BinaryIO, options: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The header of a file as delivered; SourceError when there is none, or when it can't be read."""
    return read_csv(stream, csv_options(options), where)[0]


def read_csv(stream: BinaryIO, options: CsvOptions, where: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The header as delivered, and the records in their order, read while they are asked for.

    Malformed: too few or too many fields, text after a closing quote, a quote still open at the end of the file,
    undecodable bytes. Empty lines and lines of blanks are no records (in a file of one column blanks are a value). NUL
    is a character like any other.
    SourceError when there is no header, when it can't be read, or when a gzip stream is damaged.
    """
    reader, lines = _open(stream, options, where)
    header, _ = _read_header(reader, lines, where)
    return header, _read_rows(reader, lines, len(header))


def read_texts(
    stream: BinaryIO, options: CsvOptions, where: str
) -> tuple[tuple[str, ...], str, Iterator[tuple[Sequence[str] | None, str]]]:
    """The header and its text, and of each record its values and its text as it stands there, line ends and all.

    The values of a record with too few or too many fields, or with quotes that don't fit, are None. What is a record is
    as in `read_csv`, and so is what raises a SourceError.
    """
    reader, lines = _open(stream, options, where)
    header, text = _read_header(reader, lines, where)
    return header, text, _read_texts(reader, lines, len(header))


def _open(stream: BinaryIO, options: CsvOptions, where: str) -> tuple[Reader, _Lines]:
    csv.field_size_limit(_LARGEST_FIELD)
    lines = _Lines(reading(open_text(stream, options.encoding), where), options.comment)
    reader = csv.reader(
        iter(lines),
        strict=True,
        delimiter=options.delimiter,
        quotechar=options.quote,
        escapechar=options.escape,
        quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
    )
    return reader, lines


def _read_header(reader: Reader, lines: _Lines, where: str) -> tuple[tuple[str, ...], str]:
    names: list[str] = []
    problem = None
    try:
        while not names:
            lines.kept.clear()  # empty lines before the header
            names = next(reader)
        problem = "it holds bytes that can't be decoded" if lines.damaged else None
    except StopIteration:
        pass
    except csv.Error as error:
        problem = str(error)
    first = lines.count - len(lines.kept) + 1
    text = lines.take()
    if problem is not None:
        # what stands there isn't told: in a file without a header it is somebody's record
        raise SourceError(f"the header can't be read: {problem}", where=f"{where}, line {first}")
    if not any(name.strip() for name in names):
        raise SourceError(
            "the file has no header", where=f"{where}, line {first}", hint="its first record must name the columns"
        )
    return tuple(names), text


def _read_texts(reader: Reader, lines: _Lines, width: int) -> Iterator[tuple[Sequence[str] | None, str]]:
    kept = lines.kept
    while True:
        try:
            for values in reader:
                text = "".join(kept)
                lines.clear()
                if len(values) == width:
                    yield values, text
                elif values and not (len(values) == 1 and text.isspace()):
                    yield None, text
        except csv.Error:
            text = "".join(kept)
            lines.clear()
            yield None, text
        else:
            return


def _read_rows(reader: Reader, lines: _Lines, width: int) -> Iterator[Row]:
    number, kept = 0, lines.kept
    while True:
        try:
            for values in reader:
                if len(values) == width and not lines.damaged:
                    kept.clear()
                    number += 1
                    yield number, values, None
                elif values and not (len(values) == 1 and "".join(kept).isspace()):
                    number += 1
                    yield number, None, lines.take()
                else:
                    kept.clear()  # an empty line, or one of blanks where they can't be a value
        except csv.Error:  # the reader has let go of the record and goes on with the next physical line
            number += 1
            yield number, None, lines.take()
        else:
            return

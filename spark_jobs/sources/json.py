"""JSON records one by one, their values as text: arrays of objects and lines of objects, streamed, and columns.

A document of columns, `{"id": {"0": "a", "1": "b"}, "size": {"0": 3}}`, is read as a whole before its first record.
Numbers keep their literal, true and false are spelled so, null is None, and nested values are compact JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from spark_jobs.errors import ContractError, SourceError, nearest
from spark_jobs.sources.batches import object_batches
from spark_jobs.sources.elements import array_elements
from spark_jobs.sources.record import ObjectRow, ReadLayout
from spark_jobs.sources.text import encoding_option, is_damaged, open_text, printable, reading, refuse_unknown_options

if TYPE_CHECKING:
    import pyarrow as pa

Text: TypeAlias = tuple[dict[str, str | None] | None, str]

_BLOCK = 1 << 18
_SPACE = " \t\r\n"
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")  # of a pair, or of none


@dataclass(frozen=True, slots=True)
class JsonOptions:
    """How a dataset's JSON files are laid out; `auto` is an array when the text begins with [, else lines.

    `columns` is stated, never guessed: a line of objects looks the same.
    """

    layout: str = "auto"
    encoding: str = "utf-8"


class _Number(str):
    """A number's literal: it differs from a string only where it is nested."""

    __slots__ = ()


class _NotStorable(ValueError):
    """Well-formed JSON that isn't one record of named values."""


def json_options(options: Mapping[str, Any], *, where: str = "options") -> JsonOptions:
    """The options of a contract, checked; ContractError names the key, the value and what is allowed."""
    refuse_unknown_options(options, (f.name for f in fields(JsonOptions)), where)
    layout = options.get("layout", "auto")
    allowed = ("auto", *_LAYOUTS)
    if layout not in allowed:
        hint = nearest(str(layout), allowed)
        raise ContractError("unknown JSON layout", where=f"{where}, layout", value=layout, allowed=allowed, hint=hint)
    return JsonOptions(layout, encoding_option(options.get("encoding", "utf-8"), where))


def read_batches(
    stream: BinaryIO, layout: ReadLayout, where: str, lineage: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    """The records of a file as batches of Bronze's columns."""
    rows = read_json(stream, json_options(layout.options), where)
    return object_batches(rows, layout.known, lineage, keep_source_row_id=layout.keep_source_row_id)


def read_header(stream: BinaryIO, options: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    """The names of a document's columns; None where every record carries its own names."""
    known = json_options(options)
    if known.layout != "columns":
        return None
    return tuple(columns_of("".join(_blocks(open_text(stream, known.encoding), where)), where))


def read_json(stream: BinaryIO, options: JsonOptions, where: str) -> Iterator[ObjectRow]:
    """The records in their order, read while they are asked for.

    Malformed: what isn't one JSON object, an object that has a name twice, NaN and Infinity, undecodable bytes, text
    that isn't valid Unicode. Blank lines are no records. SourceError, with the position, when an array isn't one, and
    for an empty text unless its layout is declared as lines.
    """
    for number, (record, text) in enumerate(read_json_texts(stream, options, where), start=1):
        yield (number, record, None) if record is not None else (number, None, printable(text))


def read_json_texts(stream: BinaryIO, options: JsonOptions, where: str) -> Iterator[Text]:
    """The same records (None where one is malformed), each with its text as it stands there."""
    pieces = _blocks(open_text(stream, options.encoding), where)
    head = ""
    while not head.strip(_SPACE) and (more := next(pieces, "")):
        head += more
    if options.layout == "auto" and not head.strip(_SPACE):
        hint = "an array of no elements is []; declare the layout as lines to allow for an empty file"
        raise SourceError("the file is empty", where=f"{where}, line 1", hint=hint)
    guessed = "array" if head.lstrip(_SPACE).startswith("[") else "lines"
    layout = guessed if options.layout == "auto" else options.layout
    return _LAYOUTS[layout](_with_head(head, pieces), where)


def _blocks(text: Any, where: str) -> Iterator[str]:
    return reading(iter(lambda: text.read(_BLOCK), ""), where)


def _with_head(head: str, pieces: Iterator[str]) -> Iterator[str]:
    yield head
    yield from pieces


def _read_lines(pieces: Iterator[str], _where: str) -> Iterator[Text]:
    decode = _decoder().decode
    for line in _lines(pieces):
        text = line.strip(_SPACE)
        if not text:
            continue
        try:
            record: dict[str, str | None] | None = _record(decode(text), text)
        except (ValueError, RecursionError):
            record = None
        yield record, text


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Physical lines of any line end; \\r\\n gives an empty line more, which is no record."""
    rest: list[str] = []  # of a line that no block has ended yet
    for piece in pieces:
        first, *lines = piece.replace("\r", "\n").split("\n")
        rest.append(first)
        if lines:
            yield "".join(rest)
            rest = [lines.pop()]
            yield from lines
    yield "".join(rest)


def _read_array(pieces: Iterator[str], where: str) -> Iterator[Text]:
    decode = _decoder().raw_decode
    for value, text in array_elements(pieces, decode, where):
        try:
            record: dict[str, str | None] | None = _record(value, text)
        except (ValueError, RecursionError):
            record = None
        yield record, text


def _read_columns(pieces: Iterator[str], where: str) -> Iterator[Text]:
    """The indexes of all columns in numeric order; a column that lacks one gives null there."""
    text = "".join(pieces)
    columns = columns_of(text, where)
    damaged = is_damaged(text) or _HALF_ESCAPE.search(text) is not None
    for index in sorted({i for values in columns.values() for i in values}):
        record = {name: values.get(index) for name, values in columns.items()}
        if damaged and any(map(is_damaged, filter(None, map(_as_text, record.values())))):
            yield None, _compact(record)
        else:
            yield {name: v if type(v) is str else _as_text(v) for name, v in record.items()}, _compact(record)


def columns_of(text: str, where: str) -> dict[str, dict[int, Any]]:
    """The values of a document of columns, by name and index; SourceError, with the position, when it isn't one."""
    try:
        document = _decoder().decode(text)
    except json.JSONDecodeError as error:
        place = f"{where}, line {error.lineno}, column {error.colno}"
        raise SourceError(f"the document isn't JSON: {error.msg}", where=place) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the document can't be read: {error}", where=where) from error
    hint = "state the layout as array or lines, if it is one"
    if type(document) is not dict:
        raise SourceError("the document isn't one of columns", where=f"{where}, line 1", hint=hint)
    return {name: _indexed(name, values, where, hint) for name, values in document.items()}


def _indexed(name: str, values: Any, where: str, hint: str) -> dict[int, Any]:
    if is_damaged(name):
        raise SourceError("a column's name can't be decoded", where=where, value=printable(name))
    if type(values) is not dict:
        raise SourceError(f"the column {name!r} has no indexes", where=where, hint=hint)
    wrong = [index for index in values if not (index.isascii() and index.isdigit())]
    if wrong:
        raise SourceError(f"an index of the column {name!r} is no number", where=where, value=printable(wrong[0]))
    indexed = {int(index): value for index, value in values.items()}
    if len(indexed) < len(values):
        raise SourceError(f"an index of the column {name!r} stands twice", where=where)
    return indexed


_LAYOUTS: dict[str, Callable[[Iterator[str], str], Iterator[Text]]] = {
    "lines": _read_lines,
    "array": _read_array,
    "columns": _read_columns,
}


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_int=_Number, parse_float=_Number, parse_constant=_refuse, object_pairs_hook=_named_once
    )


def _refuse(literal: str) -> None:
    raise _NotStorable(f"{literal} is no JSON")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise _NotStorable("a name occurs twice in one object")
    return named


def _record(value: Any, text: str) -> dict[str, str | None]:
    """The values of an object as text; ValueError when it isn't one, or can't be stored as UTF-8."""
    if type(value) is not dict:
        raise _NotStorable("not an object")
    record = {name: item if type(item) is str else _as_text(item) for name, item in value.items()}
    if not text.isascii() or "\\u" in text:
        if is_damaged(text):
            raise _NotStorable("undecodable bytes")
        for name, item in record.items():
            name.encode()
            (item or "").encode()  # UnicodeEncodeError, a ValueError, for half a surrogate pair
    return record


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value) if type(value) is _Number else _compact(value)


def _compact(value: Any) -> str:
    """JSON without spaces, its numbers as they were delivered."""
    if type(value) is _Number:
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(name)}:{_compact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

"""A delivery's bytes as numbered records: a small CSV reader that loses nothing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLANK_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)|[ \t]+\Z")
LINE_END = re.compile(r"\r\n|\r|\n|\Z")
QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
PLAIN = re.compile(r"[^,\r\n]*+")
PLAIN_LINE = re.compile(r"[^\r\n]*+")
UNDECODABLE = re.compile("[\udc80-\udcff]")
NOT_IN_NAMES = re.compile(r"[^0-9a-z]+")
EXPORTED_INDEX = frozenset({"", "index", "unnamed0", "indexlevel0"})


class UnreadableDelivery(Exception):
    """The file as a whole can't be taken; the message is the reason for which its day is held back."""


@dataclass(frozen=True)
class Record:
    """One record after the header, counted from 1; `cells` is None when it is malformed."""

    number: int
    text: str
    cells: dict[str, str] | None


def squeeze(header: str) -> str:
    """A header without separators and without case."""
    return "".join(letter for letter in header.casefold() if letter.isalnum())


def read_records(path: Path, columns: tuple[str, ...], required: tuple[str, ...]) -> list[Record]:
    """Every record of a CSV file (UTF-8, comma, optionally gzip), its cells by the names in `columns`.

    Cells of unknown columns keep a folded name. Raises UnreadableDelivery without a header, when two headers mean one
    column, and when a required column is missing.
    """
    lines = _split(_text(path))
    header = next(lines, None)
    if header is None or header[1] is None or UNDECODABLE.search(header[0]):
        raise UnreadableDelivery("no_header")
    names = _names(header[1], columns)
    if len(names) != len(set(names)):
        raise UnreadableDelivery("ambiguous_header")
    if not set(required) <= set(names):
        raise UnreadableDelivery("missing_column")
    return [Record(number, text, _cells(text, fields, names)) for number, (text, fields) in enumerate(lines, start=1)]


def _text(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    # Undecodable bytes become lone surrogates, so that only the record that holds them is malformed.
    return content.decode("utf-8-sig", errors="surrogateescape")


def _names(header: list[str], columns: tuple[str, ...]) -> list[str]:
    by_squeezed = {squeeze(column): column for column in columns}
    names = [by_squeezed.get(squeeze(cell)) or NOT_IN_NAMES.sub("_", cell.casefold()).strip("_") for cell in header]
    # A leading index that an export left behind must not clash with a column of that name.
    return ["(index)", *names[1:]] if squeeze(header[0]) in EXPORTED_INDEX else names


def _cells(text: str, fields: list[str] | None, names: list[str]) -> dict[str, str] | None:
    if fields is None or len(fields) != len(names) or UNDECODABLE.search(text):
        return None
    return dict(zip(names, fields, strict=True))


def _split(text: str) -> Iterator[tuple[str, list[str] | None]]:
    """Each record's text and fields; the fields are None where a quote isn't closed, or is closed amid a field."""
    at = 0
    while at < len(text):
        blank = BLANK_LINE.match(text, at)
        if blank:
            at = blank.end()
            continue
        fields, end = _fields(text, at)
        yield text[at:end], fields
        line_end = LINE_END.match(text, end)
        at = line_end.end() if line_end else end


def _fields(text: str, at: int) -> tuple[list[str] | None, int]:
    """The fields of the record that starts at `at`, and where the record ends (before its line break)."""
    fields: list[str] = []
    while True:
        if text.startswith('"', at):
            quoted = QUOTED.match(text, at)
            if quoted is None:
                return None, len(text)
            at = quoted.end()
            if at < len(text) and text[at] not in ",\r\n":
                # A letter after a closing quote: an open quote swallowed what came before. The line ends the damage.
                rest = PLAIN_LINE.match(text, at)
                return None, rest.end() if rest else at
            fields.append(quoted.group(1).replace('""', '"'))
        else:
            plain = PLAIN.match(text, at)
            assert plain is not None, "the pattern matches the empty string"
            fields.append(plain.group())
            at = plain.end()
        if not text.startswith(",", at):
            return fields, at
        at += 1

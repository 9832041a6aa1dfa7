"""The first records of a file whose format, encoding and delimiter nobody has told."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from spark_jobs.errors import SourceError
from spark_jobs.names import squeeze
from spark_jobs.sources.csv import CsvOptions, read_csv
from spark_jobs.sources.headers import match_headers
from spark_jobs.sources.json import JsonOptions, read_json

DELIMITERS = (",", ";", "\t", "|")
TRIED_RECORDS = 300  # enough to tell delimiters apart
LOOKED_AT = 64 << 20  # bytes; a larger file is judged by its beginning
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Sample:
    """What a file showed: its records as columns of trimmed text, blanks as None."""

    file: str
    format: str
    options: dict[str, Any]
    headers: tuple[str, ...]
    names: tuple[str, ...]  # of the headers, in snake_case
    values: tuple[list[str | None], ...]  # per header
    malformed: int
    evidence: dict[str, str] = field(default_factory=dict)  # of format, encoding, delimiter
    left_out: tuple[str, ...] = ()  # headers of exported indexes

    @property
    def ending(self) -> str:
        """The file's ending without .gz, e.g. `.csv`; that of the format where it has none."""
        suffix = Path(self.file.removesuffix(".gz")).suffix
        return suffix if suffix.isascii() and suffix[1:].isalnum() else f".{self.format}"

    @property
    def records(self) -> int:
        """How many well-formed records were looked at."""
        return len(self.values[0]) if self.values else 0


def take_sample(file: Path, limit: int) -> Sample:
    """The file's first records, at most `limit`; SourceError when it can't be read or holds none."""
    data = _read(file)
    encoding, why = _guess_encoding(data)
    start = data.decode(encoding, "replace").lstrip("\ufeff \t\r\n")[:1]
    evidence = {"encoding": why}
    if start in ("{", "["):
        return _json_sample(file, data, encoding, evidence, limit)
    return _csv_sample(file, data, encoding, evidence, limit)


def _read(file: Path) -> bytes:
    """The beginning of the file, unzipped, cut at a line's end when it isn't the whole."""
    try:
        with file.open("rb") as stream:
            head = stream.read(2)
            stream.seek(0)
            plain = gzip.GzipFile(fileobj=stream) if head == b"\x1f\x8b" else stream
            data: bytes = plain.read(LOOKED_AT)
            rest = plain.read(1)
    except (OSError, EOFError) as error:
        raise SourceError(f"can't be read: {error}", where=str(file)) from error
    if not data.strip():
        raise SourceError("the file is empty", where=str(file))
    return data[: data.rfind(b"\n") + 1] or data if rest else data


def _guess_encoding(data: bytes) -> tuple[str, str]:
    """An encoding in which every byte of the data means something, and why it is this one."""
    if data.startswith(_MARKS):
        return ("utf-8-sig" if data.startswith(_MARKS[0]) else "utf-16"), "the file begins with a byte order mark"
    if b"\0" in data[:4096]:
        little = data[1:4096:2].count(0) >= data[0:4096:2].count(0)
        return ("utf-16-le" if little else "utf-16-be"), "every other byte at the beginning is zero"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"byte 0x{data[error.start]:02X} at {error.start:,} isn't UTF-8"
    else:
        return "utf-8", "ASCII only, which is UTF-8 too" if data.isascii() else "every byte reads as UTF-8"
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "iso8859-1", f"{why}, and others aren't Windows-1252"
    return "cp1252", f"{why}; every byte reads as Windows-1252, the usual one of exports from Western Europe"


def _csv_sample(file: Path, data: bytes, encoding: str, evidence: dict[str, str], limit: int) -> Sample:
    options, evidence["delimiter"] = _guess_marks(file, data, encoding)
    header, rows = read_csv(io.BytesIO(data), options, str(file))
    columns: list[list[str | None]] = [[] for _ in header]
    malformed = 0
    for _, values, _text in islice(rows, limit):
        if values is None:
            malformed += 1
            continue
        for column, value in zip(columns, values, strict=True):
            column.append((value or "").strip() or None)
    stated: dict[str, Any] = {"delimiter": options.delimiter}
    if options.escape is not None:
        stated["escape"] = options.escape
    if encoding not in ("utf-8", "utf-8-sig"):
        stated["encoding"] = encoding
    evidence["format"] = f"{len(header)} named columns"
    return _sample(file, "csv", stated, header, columns, malformed, evidence)


def _guess_marks(file: Path, data: bytes, encoding: str) -> tuple[CsvOptions, str]:
    """The marks by which most records have as many fields as the header; more fields decide a tie."""
    best: tuple[float, int, int] = (0.0, 0, 0)
    found = CsvOptions(encoding=encoding)
    why = "no mark gives more than one column"
    for escape in (None, "\\"):
        for rank, delimiter in enumerate(DELIMITERS):
            options = CsvOptions(delimiter=delimiter, escape=escape, encoding=encoding)
            width, good, read = _try(data, options, str(file))
            share = good / read if read else 1.0
            score = (round(share, 2), width, -rank)
            if width > 1 and score > best:
                best, found = score, options
                why = f"{width} fields in {good:,} of the first {read:,} records"
    return found, why


def _try(data: bytes, options: CsvOptions, where: str) -> tuple[int, int, int]:
    """Width of the header, well-formed records and records, of the first few."""
    try:
        header, rows = read_csv(io.BytesIO(data), options, where)
        tried = [values is not None for _, values, _text in islice(rows, TRIED_RECORDS)]
    except SourceError:
        return 0, 0, 0
    return len(header), sum(tried), len(tried)


def _json_sample(file: Path, data: bytes, encoding: str, evidence: dict[str, str], limit: int) -> Sample:
    rows = islice(read_json(io.BytesIO(data), JsonOptions(encoding=encoding), str(file)), limit)
    records, malformed = [], 0
    for _, record, _text in rows:
        if record is None:
            malformed += 1
        else:
            records.append(record)
    header = tuple(dict.fromkeys(name for record in records for name in record))
    columns = [[(record.get(name) or "").strip() or None for record in records] for name in header]
    array = data.decode(encoding, "replace").lstrip("\ufeff \t\r\n").startswith("[")
    layout = "array" if array else "lines"
    evidence["format"] = f"the text begins with {'[' if array else '{'}"
    stated = {"layout": layout} | ({} if encoding in ("utf-8", "utf-8-sig") else {"encoding": encoding})
    return _sample(file, "json", stated, header, columns, malformed, evidence)


def _sample(
    file: Path,
    kind: str,
    options: dict[str, Any],
    header: Sequence[str],
    columns: list[list[str | None]],
    malformed: int,
    evidence: dict[str, str],
) -> Sample:
    """The sample with snake_case names; exported indexes are left out."""
    if not header:
        raise SourceError("the file holds no record", where=str(file))
    targets = match_headers(header, (), where=str(file)).extra
    kept = list(_kept(header, targets, columns))
    names: dict[str, str] = {}
    for delivered, name, _ in kept:
        other = names.setdefault(squeeze(name), delivered)
        if other != delivered:
            what = f"two headers are one name without separators: {other!r} and {delivered!r}"
            raise SourceError(what, where=str(file), hint="rename one of them in the file")
    return Sample(
        file=file.name,
        format=kind,
        options=options,
        headers=tuple(h for h, _, _ in kept),
        names=tuple(name for _, name, _ in kept),
        values=tuple(values for _, _, values in kept),
        malformed=malformed,
        evidence=evidence,
        left_out=tuple(h for h, name in zip(header, targets, strict=True) if name is None),
    )


def _kept(
    header: Sequence[str], targets: Sequence[str | None], columns: list[list[str | None]]
) -> Iterator[tuple[str, str, list[str | None]]]:
    for delivered, name, values in zip(header, targets, columns, strict=True):
        if name is not None:
            yield delivered, name, values

"""An export to a file per day, in a work folder."""

from __future__ import annotations

import codecs
import hashlib
import json
import shutil
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from spark_jobs.contract import Contract
from spark_jobs.errors import SourceError
from spark_jobs.land.days import column_of, day_reader
from spark_jobs.land.exports import open_export
from spark_jobs.sources.text import UNDECODABLE
from state.stores import open_files

OPEN_FILES = 200
DONE = "split.json"
UNDATED = "undated"
TELL_EVERY = 5_000  # records

Told = Callable[[int, int], None]
"""Is told how many bytes were read, of how many."""


@dataclass(frozen=True)
class Part:
    """The records of a day (ISO date), or those whose day can't be read (`undated`)."""

    day: str
    records: int
    size: int
    md5: str


@dataclass(frozen=True)
class Split:
    """What an export held, as files `<folder>/<part.day>`."""

    folder: Path
    parts: tuple[Part, ...]

    @property
    def records(self) -> int:
        """How many records there are in all."""
        return sum(part.records for part in self.parts)


def split(
    path: str,
    contract: Contract,
    by: str,
    *,
    zone: ZoneInfo,
    work: Path,
    undated: date | None = None,
    told: Told = lambda *_: None,
) -> Split:
    """Every record of the export at `path` into the file of its day in `zone`, below `work`.

    Records whose day can't be read go to `undated`, or to that day where one is given. An export that was split before,
    by the same contract, isn't read again.
    """
    source, column = column_of(contract, by)
    files, place = open_files(path)
    try:
        info = files.info(place)
    except OSError as error:
        raise SourceError(f"can't be read: {error}", where=path) from error
    folder = work / f"opslake-land-{_fingerprint(path, info, contract, by, zone, undated)}"
    if (folder / DONE).is_file():
        parts = json.loads((folder / DONE).read_text(encoding="utf-8"))
        return Split(folder, tuple(Part(**part) for part in parts))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    read_day, rest = day_reader(contract, column, zone), undated.isoformat() if undated else UNDATED
    size = int(info.get("size") or 0)
    try:
        with files.open(place, "rb") as stream, _Parts(folder) as into:
            export = open_export(stream, contract, source, path)
            begin = _mark(contract) + _bytes(export.begin)
            for number, (value, text) in enumerate(export.records):
                day = read_day(value) if value is not None else None
                into.put(day.isoformat() if day else rest, begin, _bytes(export.between), _bytes(text))
                if number % TELL_EVERY == 0:
                    told(stream.tell(), size)
            parts = into.end(_bytes(export.end))
    except (OSError, EOFError) as error:
        raise SourceError(f"can't be read: {error}", where=path) from error
    told(size, size)
    partial = folder / f"{DONE}.partial"
    partial.write_text(json.dumps([asdict(part) for part in parts]), encoding="utf-8")
    partial.rename(folder / DONE)
    return Split(folder, parts)


def _fingerprint(path: str, info: Mapping[str, object], contract: Contract, *given: object) -> str:
    """The same for the same work: a landing that died is found by it."""
    seen = {name: str(info.get(name)) for name in ("size", "mtime", "LastModified", "updated", "ETag", "md5Hash")}
    text = repr((path, seen, contract, *map(str, given)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _mark(contract: Contract) -> bytes:
    """Files are UTF-8; where the contract declares something else, a byte order mark says so."""
    declared = str(contract.options.get("encoding", "utf-8"))
    return b"" if codecs.lookup(declared).name == "utf-8" else codecs.BOM_UTF8


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", UNDECODABLE)


@dataclass
class _Count:
    records: int = 0
    size: int = 0
    md5: hashlib._Hash = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))


class _Parts:
    """The files of the days, of which only some are open at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[str, BinaryIO] = OrderedDict()
        self._counts: dict[str, _Count] = {}

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as closing:
            for stream in self._open.values():
                closing.callback(stream.close)

    def put(self, day: str, begin: bytes, between: bytes, record: bytes) -> None:
        count = self._counts.get(day)
        if count is None:
            count = self._counts[day] = _Count()
            record = begin + record
        elif between:
            record = between + record
        count.records += 1
        self._write(day, count, record)

    def end(self, text: bytes) -> tuple[Part, ...]:
        if text:
            for day, count in self._counts.items():
                self._write(day, count, text)
        counts = sorted(self._counts.items())
        return tuple(Part(day, count.records, count.size, count.md5.hexdigest()) for day, count in counts)

    def _write(self, day: str, count: _Count, content: bytes) -> None:
        stream = self._open.get(day)
        if stream is None:
            if len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            stream = self._open[day] = (self._folder / day).open("ab")
        self._open.move_to_end(day)
        stream.write(content)
        count.size += len(content)
        count.md5.update(content)

"""An export to a file per day, in a work folder."""

from __future__ import annotations

import codecs
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from spark_jobs.contract import Contract
from spark_jobs.errors import SourceError, UsageError
from spark_jobs.land.days import DayReader, column_of, day_reader
from spark_jobs.land.exports import Export, open_export
from spark_jobs.sources.text import UNDECODABLE
from state.stores import open_files

HELD_BYTES = 32_000_000
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
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, path):
        parts = _kept(folder)
        if parts is None:
            read_day, rest = day_reader(contract, column, zone), undated.isoformat() if undated else UNDATED
            size = int(info.get("size") or 0)
            try:
                with files.open(place, "rb") as stream:
                    export = open_export(stream, contract, source, path)
                    parts = _collect(export, read_day, rest, folder, contract, lambda: told(stream.tell(), size))
            except (OSError, EOFError) as error:
                raise SourceError(f"can't be read: {error}", where=path) from error
            told(size, size)
            _keep(folder, parts)
        return Split(folder, parts)


def _kept(folder: Path) -> tuple[Part, ...] | None:
    """What the folder holds of an export that was split whole; else it is emptied."""
    if (folder / DONE).is_file():
        return tuple(Part(**part) for part in json.loads((folder / DONE).read_text(encoding="utf-8")))
    for left in folder.iterdir():
        left.unlink()
    return None


def _keep(folder: Path, parts: tuple[Part, ...]) -> None:
    partial = folder / f"{DONE}.partial"
    partial.write_text(json.dumps([asdict(part) for part in parts]), encoding="utf-8")
    partial.rename(folder / DONE)


@contextmanager
def _alone(folder: Path, path: str) -> Iterator[None]:
    """Nobody else splits into the folder; a process that dies lets it go."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UsageError("another process is splitting this export", where=path, hint="wait until it ends") from error
    finally:
        os.close(handle)


def _collect(
    export: Export, read_day: DayReader, rest: str, folder: Path, contract: Contract, told: Callable[[], None]
) -> tuple[Part, ...]:
    into = _Parts(folder)
    begin, between = _mark(contract) + _bytes(export.begin), _bytes(export.between)
    for number, (value, text) in enumerate(export.records):
        day = read_day(value) if value is not None else None
        into.put(day.isoformat() if day else rest, begin, between, _bytes(text))
        if number % TELL_EVERY == 0:
            told()
    return into.end(_bytes(export.end))


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
class _Day:
    records: int = 0
    size: int = 0
    md5: hashlib._Hash = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    held: list[bytes] = field(default_factory=list)


class _Parts:
    """The files of the days; what is to be written is held for a while, for an export may jump between its days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: dict[str, _Day] = {}
        self._held = 0

    def put(self, day: str, begin: bytes, between: bytes, record: bytes) -> None:
        one = self._days.get(day)
        if one is None:
            one = self._days[day] = _Day(held=[begin])
        elif between:
            one.held.append(between)
        one.records += 1
        one.held.append(record)
        self._held += len(record)
        if self._held > HELD_BYTES:
            self._write()

    def end(self, text: bytes) -> tuple[Part, ...]:
        for one in self._days.values():
            one.held.append(text)
        self._write()
        return tuple(Part(day, d.records, d.size, d.md5.hexdigest()) for day, d in sorted(self._days.items()))

    def _write(self) -> None:
        for day, one in self._days.items():
            content = b"".join(one.held)
            one.held.clear()
            if content:
                one.size += len(content)
                one.md5.update(content)
                with (self._folder / day).open("ab") as stream:
                    stream.write(content)
        self._held = 0

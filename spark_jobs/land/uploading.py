"""The days of a split export to the landing root: side by side, each object once, and at the end the ready markers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from spark_jobs.contract import Contract
from spark_jobs.errors import EngineError, OpslakeError, UsageError, first_line
from spark_jobs.land.splitting import UNDATED, Part, Split
from state.landing import ready_marker, stores_checksum, template_pattern
from state.stores import open_files

THREADS = 8
MD5 = 32  # hexadecimal digits
SHOWN = 5

Told = Callable[[int, int], None]
"""Is told how many bytes are there, of how many."""


@dataclass(frozen=True)
class Landed:
    """What lies in the landing root now: paths below it, by whether this command put them there."""

    put: tuple[str, ...]
    there: tuple[str, ...]
    undated: str | None
    undated_records: int


def upload(
    split: Split,
    contract: Contract,
    landing: str,
    name: str,
    *,
    replace: bool = False,
    threads: int = THREADS,
    told: Told = lambda *_: None,
) -> Landed:
    """Put every day of the split where the contract looks for it, then write the days' ready markers.

    What is there with the same content isn't put again. UsageError, before anything is put, where something else lies
    there; `replace` puts the export's days in its place. `name` is the export's, for paths that a day doesn't settle.
    Records without a day go to `<dataset>/_undated/`, where no run looks.
    """
    files, root = open_files(landing)
    targets = {part: _target(part, contract, name) for part in split.parts}
    markers = {ready_marker(contract.dataset, date.fromisoformat(p.day)) for p in split.parts if p.day != UNDATED}
    with _telling(landing):
        held = _held(files, root, {*targets.values(), *markers})
        there = {part for part, path in targets.items() if path in held and _same(files, held[path], part)}
        others = sorted(path for part, path in targets.items() if path in held and part not in there)
        if others and not replace:
            raise UsageError(
                f"{len(others)} other deliveries lie where the export's days belong",
                where=landing,
                value=", ".join(others[:SHOWN]),
                hint="--replace puts the export's days in their place, as corrections",
            )
        missing = [part for part in split.parts if part not in there]
        if isinstance(files, LocalFileSystem):
            for part in there:  # a death right after a file got its name left it with two
                _hidden(Path(root, targets[part])).unlink(missing_ok=True)
        done, size = sum(part.size for part in there), sum(part.size for part in split.parts)
        told(done, size)
        with ThreadPoolExecutor(threads, thread_name_prefix="land") as pool:
            args = (files, split.folder)
            tasks = {pool.submit(_put, *args, p, f"{root}/{targets[p]}", replace): p for p in missing}
            try:
                for task in as_completed(tasks):
                    task.result()
                    told(done := done + tasks[task].size, size)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        _mark_ready(files, [f"{root}/{path}" for path in sorted(markers - set(held))], threads)
    undated = next((part for part in split.parts if part.day == UNDATED), None)
    return Landed(
        tuple(targets[part] for part in missing),
        tuple(targets[part] for part in split.parts if part in there),
        f"{landing}/{targets[undated]}" if undated else None,
        undated.records if undated else 0,
    )


@contextmanager
def _telling(landing: str) -> Iterator[None]:
    """Each store's library has errors of its own."""
    try:
        yield
    except OpslakeError:
        raise
    except Exception as error:
        raise EngineError(
            "the landing root can't be written",
            where=landing,
            value=first_line(error),
            hint="the same command goes on where it stopped",
        ) from error


def _target(part: Part, contract: Contract, name: str) -> str:
    """The path of a day below the landing root."""
    suffix = PurePosixPath(contract.path).suffix
    if suffix not in (".csv", ".json", ".jsonl", ".ndjson"):
        raise UsageError("only files of plain text can be landed", where=contract.dataset, value=contract.path)
    if part.day == UNDATED:
        return f"{contract.dataset}/_undated/{name}-{part.md5[:8]}{suffix}"
    path = date.fromisoformat(part.day).strftime(contract.path).replace("*", name)
    assert template_pattern(contract.path).fullmatch(path)
    return path


def _held(files: AbstractFileSystem, root: str, wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    """What lies at these paths already, by path; one listing per folder at most."""
    found: dict[str, Mapping[str, Any]] = {}
    for top in sorted({path.partition("/")[0] for path in wanted}):
        try:
            listing = files.find(f"{root}/{top}", detail=True)
        except FileNotFoundError:
            continue
        for full, info in listing.items():
            path = str(full)[len(root) + 1 :]
            if path in wanted:
                found[path] = info
    return found


def _same(files: AbstractFileSystem, info: Mapping[str, Any], part: Part) -> bool:
    if int(info.get("size") or 0) != part.size:
        return False
    known = None if isinstance(files, LocalFileSystem) else stores_checksum(info)
    if known is not None and len(known) == MD5 and known == part.md5:
        return True
    with files.open(info["name"], "rb") as stream:  # an object that was put in parts has no MD5 of its own
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == part.md5


def _put(files: AbstractFileSystem, folder: Path, part: Part, to: str, replace: bool) -> None:
    """The day's file as a whole or not at all; FileExistsError where somebody else was faster."""
    source = str(folder / part.day)
    if not isinstance(files, LocalFileSystem):
        files.put_file(source, to, mode="overwrite" if replace else "create")
        return
    target = Path(to)
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = _hidden(target)
    files.put_file(source, str(hidden))
    if replace or not _linked(hidden, target):
        hidden.replace(target)


def _hidden(target: Path) -> Path:
    """The name of a day's file until it is whole."""
    return target.with_name(f".{target.name}.landing")


def _linked(hidden: Path, target: Path) -> bool:
    """Give the file its name where nothing has it; False where the file system knows no links."""
    try:
        os.link(hidden, target)
    except FileExistsError:
        raise
    except OSError:
        return False
    hidden.unlink()
    return True


def _mark_ready(files: AbstractFileSystem, paths: list[str], threads: int) -> None:
    def mark(path: str) -> None:
        if isinstance(files, LocalFileSystem):  # a store has no folders, and would make a bucket of the first
            files.makedirs(path.rpartition("/")[0], exist_ok=True)
        files.pipe_file(path, b"")

    with ThreadPoolExecutor(threads, thread_name_prefix="land") as pool:
        list(pool.map(mark, paths))

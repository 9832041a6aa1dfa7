"""What the stores allow: state can be written, the landing can be read, and the store's clock agrees with ours."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from spark_jobs.doctor import Finding
from spark_jobs.errors import first_line
from spark_jobs.settings import Settings
from state.landing import modified_at
from state.lease import MOST_SKEW

PATIENCE = 30.0  # seconds: clients of stores try again for minutes where nothing answers
Answer = TypeVar("Answer")


def examine(settings: Settings) -> Iterator[Finding]:
    """Lake, clock, landing."""
    yield from _lake(settings.lake)
    yield _landing(settings.landing)


def _lake(lake: str) -> list[Finding]:
    can = "credentials that may write there, and the right address in the setting `lake`"
    try:
        return _within(PATIENCE, lambda: _write(lake))
    except Exception as error:  # whatever a store's client raises: this command is there to tell it
        return [Finding("lake", f"{lake}: {_said(error)}", _cure(error, can))]


def _write(lake: str) -> list[Finding]:
    """A small file beside the state tables: written, looked at, removed."""
    files, base = url_to_fs(lake)
    local = isinstance(files, LocalFileSystem)
    folder = f"{base.rstrip('/')}/state"
    if local and not Path(base).is_dir():
        return [_not_there_yet(Path(base)), Finding("clock", "the lake will be on this machine: one clock")]
    if local and not Path(folder).is_dir():
        folder = base
    probe = f"{folder}/_doctor-{uuid.uuid4().hex}"
    before = datetime.now(UTC)
    try:
        files.pipe_file(probe, b"opslake doctor")
        after = datetime.now(UTC)
        files.invalidate_cache()
        stamped = modified_at(files.info(probe))
    finally:
        if files.exists(probe):
            files.rm_file(probe)
    return [Finding("lake", f"{lake}: state can be written"), _clock(before, after, stamped, local=local)]


def _not_there_yet(lake: Path) -> Finding:
    """A folder that a run would make: the nearest folder above it must take one."""
    above = next(folder for folder in [lake, *lake.parents] if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Finding("lake", f"{lake}: not there yet, the first run makes it")
    return Finding(
        "lake", f"{lake}: can't be made, {above} takes no folder", "change its rights, or the setting `lake`"
    )


def _clock(before: datetime, after: datetime, stamped: datetime, *, local: bool) -> Finding:
    """How far the store's clock is from ours: the lease and late deliveries are judged by clocks."""
    slack = timedelta(seconds=1)  # stores stamp in whole seconds
    skew = max(before - slack - stamped, stamped - after - slack, timedelta())
    whose = "this machine's own" if local else "the store's"
    if skew <= MOST_SKEW / 2:
        return Finding("clock", f"{whose}, {skew.total_seconds():.0f} s off")
    return Finding(
        "clock",
        f"{whose} is {skew.total_seconds():.0f} s off from {datetime.now(UTC):%H:%M:%S} UTC",
        f"set this machine's clock (NTP): two machines more than {MOST_SKEW.seconds} s apart could both hold the lake",
    )


def _landing(landing: str) -> Finding:
    can = "credentials that may list and read there, and the right address in the setting `landing`"
    try:
        return _within(PATIENCE, lambda: _read(landing))
    except Exception as error:  # as above
        return Finding("landing", f"{landing}: {_said(error)}", _cure(error, can))


def _read(landing: str) -> Finding:
    files, base = url_to_fs(landing)
    if not files.exists(base):
        hint = "make it or set `landing`; `opslake sample --out …` fills one to try with"
        return Finding("landing", f"{landing}: isn't there", hint)
    first = _first_file(files, base)
    if first is None:
        return Finding("landing", f"{landing}: can be listed, and is empty")
    files.cat_file(first, start=0, end=1)
    return Finding("landing", f"{landing}: can be listed and read")


def _first_file(files: AbstractFileSystem, base: str) -> str | None:
    for folder, _, names in files.walk(base):
        if names:
            return f"{folder}/{min(names)}"
    return None


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers; TimeoutError where it takes too long, and it is left behind."""
    answers: list[Answer] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    return answers[0]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _cure(error: Exception, usual: str) -> str:
    if isinstance(error, ImportError | ValueError) and "install" in str(error).lower():
        return (
            "install the package for this kind of store: pip install 'opslake[gcp]' for gs://, 'opslake[aws]' for s3://"
        )
    if isinstance(error, TimeoutError):
        return f"is the network there? else: {usual}"
    return f"needed: {usual}"

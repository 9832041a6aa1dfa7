"""The lake's lease: one writer at a time, with a number that only grows and a heartbeat.

The lease is one row at `<lake>/state/lease`; whoever commits the next version of that table has it.
"""

from __future__ import annotations

import atexit
import os
import platform
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from deltalake import DeltaTable

from spark_jobs.errors import EngineError, LakeHeld, LeaseLost
from state.process import holder, is_dead_here
from state.tables import LEASE, open_or_create, open_table, pause, read_rows, swap

TRIES = 20
MOST_SKEW = timedelta(seconds=10)  # by which the clocks of two machines may differ


@dataclass(frozen=True)
class LeaseRow:
    """Who holds the lake, or held it last."""

    holder: str
    run_id: str
    number: int
    acquired_at: datetime
    heartbeat_at: datetime
    expires_at: datetime
    host: str
    pid: int
    command: str
    released: bool = False

    @property
    def takeable_at(self) -> datetime:
        """When others may take it: past its end by a margin for clocks that differ, at most a third of its length."""
        return self.expires_at + min(MOST_SKEW, (self.expires_at - self.heartbeat_at) / 3)

    def free(self, now: datetime) -> bool:
        """Whether the lease may be taken: given up, expired, or its holder a dead process of this machine."""
        return self.released or now >= self.takeable_at or is_dead_here(self.holder)


def current(root: str) -> LeaseRow | None:
    """The lease as it stands, None where the lake never had one; creates nothing."""
    handle = open_table(root, LEASE)
    return None if handle is None else _row_of(handle)


def acquire(
    root: str,
    *,
    run_id: str,
    command: str,
    lease_seconds: float,
) -> Lease:
    """Takes the lease of the lake at `root` and starts its heartbeat; LakeHeld when somebody else has it."""
    for turn in range(TRIES):
        handle = open_or_create(root, LEASE)
        before, now = _row_of(handle), _now()
        if before is not None and not before.free(now):
            raise _held(root, before)
        row = LeaseRow(
            holder=holder(),
            run_id=run_id,
            number=1 if before is None else before.number + 1,
            acquired_at=now,
            heartbeat_at=now,
            expires_at=now + timedelta(seconds=lease_seconds),
            host=platform.node(),
            pid=os.getpid(),
            command=command,
        )
        if swap(handle, LEASE, [vars(row)]):
            return Lease(root, row, handle)
        pause(turn)
    raise EngineError(f"the lease changed under each of {TRIES} tries to take it", where=root, hint="try again")


class Lease:
    """A lease that this process holds; as a context manager it is given up at the end of the block."""

    def __init__(self, root: str, row: LeaseRow, handle: DeltaTable) -> None:
        self._root, self._row, self._handle = root, row, handle
        self._length = row.expires_at - row.heartbeat_at
        self._lost: LeaseLost | None = None
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._keep, name=f"lease-{row.number}", daemon=True)
        self._beat.start()
        atexit.register(self._still)  # a thread inside native code while the interpreter ends would abort it

    @property
    def number(self) -> int:
        """The lease's number, larger than that of every earlier lease of the lake."""
        return self._row.number

    @property
    def run_id(self) -> str:
        """The run that took it."""
        return self._row.run_id

    def confirm(self) -> None:
        """Returns while the lease is this run's own; renews it when nobody took it though it was about to end.

        Reads the table each time. LeaseLost when it was taken or given up: then nothing more may be committed.
        """
        with self._lock:
            self._check()
            if _now() >= self._row.expires_at - self._length / 3:  # two heartbeats were missed
                self._renew()

    def release(self) -> None:
        """Gives the lease up, so that others needn't wait for its end; harmless when it isn't ours any more."""
        self._still()
        with self._lock:
            try:
                self._check()
                self._renew(released=True)
            except LeaseLost:
                return
            self._lost = LeaseLost("this run gave its lease up", where=self._root, value=self.number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.release()
            return
        try:
            self.release()
        except Exception as failed:  # the error that ended the block is the one to see
            error.add_note(f"the lease was not given up either: {failed}")

    def _still(self) -> None:
        self._stop.set()
        if self._beat is not threading.current_thread():
            self._beat.join(timeout=30)
        atexit.unregister(self._still)

    def _keep(self) -> None:
        interval = self._length.total_seconds() / 3
        wait = interval
        while not self._stop.wait(wait):
            try:
                with self._lock:
                    self._check()
                    self._renew()
                wait = interval
            except LeaseLost:
                return
            except Exception:  # a store that doesn't answer for a moment: the lease lasts two more beats
                wait = interval / 4

    def _check(self) -> None:
        """Reads the lease and remembers when it is lost."""
        if self._lost is not None:
            raise self._lost
        if _now() >= self._row.expires_at:  # long asleep: the log since our version may be gone, so begin anew
            self._handle = open_or_create(self._root, LEASE)
        else:
            self._handle.update_incremental()
        row = _row_of(self._handle)
        if row is None or row.number != self.number or row.holder != self._row.holder or row.released:
            self._lost = _taken(self._root, self._row, row)
            raise self._lost
        self._row = row

    def _renew(self, released: bool = False) -> None:
        for turn in range(TRIES):
            now = _now()
            row = replace(self._row, heartbeat_at=now, expires_at=now + self._length, released=released)
            if swap(self._handle, LEASE, [vars(row)]):
                self._row = row
                return
            pause(turn)
            self._check()
        raise EngineError(f"the lease changed under each of {TRIES} tries to renew it", where=self._root)


def _row_of(handle: DeltaTable) -> LeaseRow | None:
    rows: list[dict[str, Any]] = read_rows(handle, LEASE)
    return LeaseRow(**rows[0]) if rows else None


def _now() -> datetime:
    return datetime.now(UTC)


def _held(root: str, row: LeaseRow) -> LakeHeld:
    return LakeHeld(
        f"run {row.run_id} holds the lake since {_shown(row.acquired_at)}",
        where=root,
        value=row.command,
        hint=f"it is process {row.pid} on {row.host}, last heard of at {_shown(row.heartbeat_at)}; wait until it ends, "
        f"or stop it; if it is dead, its lease can be taken from {_shown(row.takeable_at)} on",
    )


def _taken(root: str, ours: LeaseRow, now: LeaseRow | None) -> LeaseLost:
    if now is None or now.number == ours.number:
        what = f"the lease of run {ours.run_id} was given up or removed by somebody else"
    else:
        what = f"run {now.run_id} took the lease of run {ours.run_id} at {_shown(now.acquired_at)}"
    return LeaseLost(
        what,
        where=root,
        value=f"lease number {ours.number}",
        hint="this run commits nothing more; what it left undone is done by the next run",
    )


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

"""Who this process is, and whether another one of this machine is dead."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import uuid
from pathlib import Path

UNKNOWN = ""
ENDED = ("Z", "X")  # a zombie runs nothing any more, though its number is still taken


def holder() -> str:
    """An identity that no other process ever has: machine, process number and the time that it started."""
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid()) or ''}"


def is_dead_here(identity: str) -> bool:
    """Whether `identity` is a process of this machine that certainly runs no more; False where that can't be known."""
    rest, _, started = identity.rpartition(":")
    machine, _, pid = rest.rpartition(":")
    if machine != _machine() or not started or not pid.isdigit():
        return False
    return _started(int(pid)) not in (started, UNKNOWN)


@functools.cache
def _machine() -> str:
    """This boot of this machine and, in a container, its own space of process numbers: host names may be shared."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()}/{boot}/{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    except OSError:
        # On a Linux that hides these, two containers couldn't be told apart: then no process is like ours.
        return f"{platform.node()}/{uuid.uuid4() if platform.system() == 'Linux' else uuid.getnode()}"


def _started(pid: int) -> str | None:
    """When the process started, in the system's own words; None when there is no such process, or UNKNOWN."""
    if platform.system() != "Linux":
        return _started_by_ps(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return UNKNOWN if _exists(pid) else None
    state, *rest = text.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return None if state in ENDED else rest[18]


def _started_by_ps(pid: int) -> str | None:
    asked = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    state, _, started = asked.stdout.strip().partition(" ")
    if not state:
        return UNKNOWN if _exists(pid) else None
    return None if state[0] in ENDED else started.strip().replace(":", ".")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True

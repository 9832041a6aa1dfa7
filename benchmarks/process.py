"""A whole process, measured from its start to its exit: time, CPU, memory, and bytes through the kernel."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.1
LINGER_SECONDS = 20.0
TICK = os.sysconf("SC_CLK_TCK")


class ProcessFailed(Exception):
    """A measured process ended with an exit code that wasn't expected."""


@dataclass(frozen=True)
class Timing:
    """One process. Bytes are those of read and write calls of the JVM (files, also from the page cache, and pipes)."""

    seconds: float
    exit_code: int
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    jvm_after: float | None = None
    """Seconds until the JVM was there; None where none was started, or where there is no /proc."""
    facts: Mapping[str, Any] = field(default_factory=dict)


def run(
    command: Sequence[str], *, environ: Mapping[str, str], log: Path, folder: Path, allowed: Sequence[int] = (0,)
) -> Timing:
    """Run a command in `folder` with its output in `log`; ProcessFailed with the log's end unless it exits as allowed.

    Waits for the JVM too, which may outlive the Python process a little: the next run shall have the machine alone.
    The time is that of the command itself.
    """
    with log.open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        watch = _Watch(process.pid, began)
        while process.poll() is None:
            watch.look()
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - began
    watch.wait_for_the_jvm()
    if process.returncode not in allowed:
        end = log.read_text(errors="replace")[-3000:]
        raise ProcessFailed(f"exit code {process.returncode} of {' '.join(command)}; the end of {log}:\n{end}")
    return watch.timing(seconds, process.returncode)


class _Watch:
    """The last that /proc said of a process and the JVM below it."""

    def __init__(self, pid: int, began: float) -> None:
        self._pid, self._began = pid, began
        self._java: int | None = None
        self._java_after: float | None = None
        self._cpu: dict[int, float] = {}
        self._java_facts: dict[str, int] = {}

    def look(self) -> None:
        if self._java is None:
            self._java = next((pid for pid in _below(self._pid) if _is_spark(pid)), None)
            self._java_after = None if self._java is None else time.monotonic() - self._began
        for pid in (self._pid, self._java):
            if pid is not None and (used := _cpu_of(pid)) is not None:
                self._cpu[pid] = used
        if self._java is not None:
            self._java_facts |= _facts_of(self._java)

    def wait_for_the_jvm(self) -> None:
        until = time.monotonic() + LINGER_SECONDS
        while self._java is not None and _is_spark(self._java) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def timing(self, seconds: float, exit_code: int) -> Timing:
        facts = self._java_facts
        return Timing(
            seconds=round(seconds, 3),
            exit_code=exit_code,
            cpu_seconds=round(sum(self._cpu.values()), 2) if self._cpu else None,
            peak_bytes=facts.get("VmHWM"),
            read_bytes=facts.get("rchar"),
            written_bytes=facts.get("wchar"),
            jvm_after=None if self._java_after is None else round(self._java_after, 2),
        )


def _below(pid: int) -> list[int]:
    """All processes below `pid`."""
    found: list[int] = []
    for path in Path("/proc", str(pid), "task").glob("*/children"):
        try:
            children = [int(child) for child in path.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


def _is_spark(pid: int) -> bool:
    try:
        command = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # The launcher, which puts the command line together, is a JVM too, and names both.
    return (
        command[0].endswith(b"java")
        and b"org.apache.spark.deploy.SparkSubmit" in command
        and b"org.apache.spark.launcher.Main" not in command
    )


def _cpu_of(pid: int) -> float | None:
    """CPU seconds that the process has used, and those of its children that have ended (Hadoop calls `chmod`)."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15])) / TICK


def _facts_of(pid: int) -> dict[str, int]:
    """Bytes read and written by system calls, and the peak of the resident memory."""
    found: dict[str, int] = {}
    try:
        for line in Path("/proc", str(pid), "io").read_text().splitlines():
            name, _, value = line.partition(":")
            found[name] = int(value)
        for line in Path("/proc", str(pid), "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                found["VmHWM"] = int(line.split()[1]) * 1024
    except OSError:
        return found
    return found

"""Processes of their own that all begin at the same word, for tests of what several processes do to one lake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def begin(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts Python on `script`, which must print a first line when it is ready, and returns once it did."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert hear(process) == "ready", process.stderr.read() if process.stderr else ""
    return process


def say(process: subprocess.Popen[str], word: str = "go") -> None:
    """Gives the process one line."""
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    """The next line of the process; empty when it ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Lets the process end and returns its exit code and what it said on standard error."""
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors

"""The command line as a user runs it, inside this process."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def line(self, *words: str) -> str:
        """The only line of standard output that holds all these words."""
        found = [line for line in self.out.splitlines() if all(word in line for word in words)]
        assert len(found) == 1, f"{len(found)} lines with {words} in:\n{self.out}"
        return found[0]


Command = Callable[..., Answer]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the lake of the test lies; it doesn't exist yet."""
    return tmp_path / "lake"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """An empty landing root."""
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@pytest.fixture
def opslake(root: Path, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `opslake …` on the test's lake on 2026-03-05, with nothing of this machine's settings."""
    for name in [n for n in os.environ if n.startswith("OPSLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPSLAKE_LAKE", str(root))
    monkeypatch.setenv("OPSLAKE_LANDING", str(landing))
    monkeypatch.setenv("OPSLAKE_TODAY", "2026-03-05")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["opslake", *arguments])
        code: Any = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
        return Answer(code, out.getvalue(), err.getvalue())

    return run

"""The record of runs: one row per run, written when it starts and again when it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from state.ledger import seconds_between
from state.tables import RUNS, literal, open_table, read_rows, replace_rows


@dataclass(frozen=True)
class Run:
    """One run; `figures` is its summary, of JSON values. `exit_code` is None while it runs, and when it was killed.

    `loads`: it looked for deliveries and loaded them; None where an earlier version of this package didn't say.
    """

    run_id: str
    command: str
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    lease_number: int | None = None
    host: str = ""
    opslake_version: str = ""
    spark_version: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    loads: bool | None = None


class Runs:
    """The table `<lake>/state/runs`; `root` is the lake's root URI."""

    def __init__(self, root: str) -> None:
        self.root = root

    def put(self, run: Run) -> None:
        """Writes the run in the place of what was known of it."""
        row = dict(vars(run))
        row["figures"] = json.dumps(dict(run.figures), sort_keys=True, default=str)
        row["duration_seconds"] = seconds_between(run.started_at, run.finished_at)
        replace_rows(self.root, RUNS, [row], f"run_id = {literal(run.run_id)}")

    def last(self, n: int = 1) -> list[Run]:
        """The last `n` runs, the latest first; creates nothing."""
        handle = open_table(self.root, RUNS)
        if handle is None:
            return []
        return [_run(row) for row in read_rows(handle, RUNS, tail=f"ORDER BY started_at DESC, run_id DESC LIMIT {n:d}")]

    def last_finished(self) -> Run | None:
        """Of the runs that load the one that came to its end last, with good data or bad.

        One that an error ended or a signal didn't come to its end.
        """
        handle = open_table(self.root, RUNS)
        if handle is None:
            return None
        came_to_its_end = "finished_at IS NOT NULL AND error IS NULL AND loads IS NOT FALSE"
        rows = read_rows(handle, RUNS, came_to_its_end, "ORDER BY finished_at DESC, run_id DESC LIMIT 1")
        return _run(rows[0]) if rows else None


def _run(row: dict[str, Any]) -> Run:
    figures = json.loads(row.pop("figures") or "{}")
    row.pop("duration_seconds")
    return replace(Run(**row), figures=figures)

"""How far each Gold table has come: what it last consumed, up to which day, and under which lease."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from state.tables import GOLD_PROGRESS, Confirm, literal, open_table, read_rows, replace_rows


@dataclass(frozen=True)
class TableProgress:
    """The progress record of one Gold table; `consumed` is the version of each input that it last read."""

    table: str
    consumed: Mapping[str, int] = field(default_factory=dict)
    horizon: date | None = None
    lease_number: int = 0
    fingerprint: str = ""
    table_version: int | None = None
    status: Literal["OK", "FAILED", "WAITING", "STALE"] = "OK"
    message: str | None = None
    run_id: str = ""
    updated_at: datetime | None = None


class Progress:
    """The table `<lake>/state/gold_progress`; `root` is the lake's root URI; `confirm` may stop a put by raising."""

    def __init__(self, root: str, confirm: Confirm | None = None) -> None:
        self.root, self._confirm = root, confirm

    def all(self) -> dict[str, TableProgress]:
        """The record of every Gold table that has one, by its name; creates nothing."""
        handle = open_table(self.root, GOLD_PROGRESS)
        rows = [] if handle is None else read_rows(handle, GOLD_PROGRESS, tail="ORDER BY gold_table")
        return {row["gold_table"]: _progress(row) for row in rows}

    def put(self, *rows: TableProgress) -> None:
        """Writes the records in one commit; safe from several threads and processes at once."""
        latest = {row.table: row for row in rows}
        if latest:
            predicate = f"gold_table IN ({', '.join(map(literal, latest))})"
            written = [_row(row) for row in latest.values()]
            replace_rows(self.root, GOLD_PROGRESS, written, predicate, self._confirm)


def _row(progress: TableProgress) -> dict[str, Any]:
    row = dict(vars(progress))
    row["gold_table"] = row.pop("table")
    row["consumed"] = json.dumps(dict(progress.consumed), sort_keys=True)
    return row


def _progress(row: dict[str, Any]) -> TableProgress:
    table, consumed = row.pop("gold_table"), json.loads(row.pop("consumed") or "{}")
    return TableProgress(table=table, consumed=consumed, **row)

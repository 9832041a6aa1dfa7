"""Customers who are forgotten, by a keyed hash of their id; and texts of the state tables that name them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from state.columns import Row
from state.tables import (
    FORGOTTEN,
    LEASE,
    STATE_TABLES,
    Confirm,
    StateTable,
    literal,
    open_table,
    read_rows,
    replace_rows,
)

FORGOTTEN_WORD = "forgotten"
"""What stands in the place of a forgotten customer's id, and of texts that named one."""
FORGOTTEN_HEADER = f'["{FORGOTTEN_WORD}"]'
"""The same of a header, which is a JSON array of names."""

TEXTS = ("command", "error", "error_message", "message", "subject")
"""The columns of state tables with words about a run, which may quote what was delivered."""


@dataclass(frozen=True)
class ForgottenId:
    """One customer: the hash of the id, where records came from, and whether every layer has been gone through."""

    id_hash: str
    key_check: str
    sources: tuple[str, ...]
    is_done: bool
    asked_at: datetime
    run_id: str


class ForgottenIds:
    """The table `<lake>/state/forgotten`; `confirm` may stop a put by raising."""

    def __init__(self, root: str, confirm: Confirm | None = None) -> None:
        self.root, self._confirm = root, confirm

    def all(self) -> dict[str, ForgottenId]:
        """Everybody who is forgotten, by hash; creates nothing."""
        handle = open_table(self.root, FORGOTTEN)
        rows = [] if handle is None else read_rows(handle, FORGOTTEN, tail="ORDER BY id_hash")
        return {row["id_hash"]: ForgottenId(**row | {"sources": tuple(row["sources"] or ())}) for row in rows}

    def put(self, *rows: ForgottenId) -> None:
        """Writes them in one commit, each in the place of what was known of it."""
        if rows:
            where = f"id_hash IN ({', '.join(literal(row.id_hash) for row in rows)})"
            replace_rows(self.root, FORGOTTEN, [vars(row) for row in rows], where, confirm=self._confirm)


def erase_texts(root: str, pattern: re.Pattern[str], confirm: Confirm | None = None) -> dict[str, int]:
    """Puts a word in the place of every text in which the pattern is found; per table the rows that had one.

    The lease is left alone, which a heartbeat writes; its one text is a command.
    """
    found: dict[str, int] = {}
    for table in STATE_TABLES:
        if table in (LEASE, FORGOTTEN):
            continue
        handle = open_table(root, table)
        rows = [] if handle is None else read_rows(handle, table)
        changed = [new for row in rows if (new := _erased(row, pattern)) != row]
        if changed:
            replace_rows(root, table, changed, " OR ".join(_named(table, row) for row in changed), confirm=confirm)
            found[table.name] = len(changed)
    return found


def _erased(row: Row, pattern: re.Pattern[str]) -> dict[str, Any]:
    return {
        name: FORGOTTEN_WORD if name in TEXTS and value is not None and pattern.search(value) else value
        for name, value in row.items()
    }


def _named(table: StateTable, row: Row) -> str:
    keys: Sequence[str] = [c.name for c in table.columns if c.required]
    return "(" + " AND ".join(f"{name} = {literal(row[name])}" for name in keys) + ")"

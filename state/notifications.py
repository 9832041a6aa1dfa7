"""What was told and to whom, so that nobody is told twice of the same thing while it lasts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from state.tables import NOTIFICATIONS, literal, open_table, read_rows, replace_rows


@dataclass(frozen=True)
class Told:
    """A message that a receiver took; `event_key` says what happened, whichever run found it."""

    event_key: str
    event: str
    subject: str
    receiver: str
    sent_at: datetime
    run_id: str | None = None
    over_at: datetime | None = None


class Notifications:
    """The table `<lake>/state/notifications`; `root` is the lake's root URI."""

    def __init__(self, root: str) -> None:
        self.root = root

    def lasting(self) -> list[Told]:
        """What was told and hasn't been found well again; creates nothing."""
        handle = open_table(self.root, NOTIFICATIONS)
        if handle is None:
            return []
        rows = read_rows(handle, NOTIFICATIONS, "over_at IS NULL", "ORDER BY sent_at, event_key, receiver")
        return [Told(**row) for row in rows]

    def put(self, *told: Told) -> None:
        """Writes the rows in one commit, each in the place of what was known of its event and receiver."""
        latest = {(t.receiver, t.event_key): t for t in told}
        if not latest:
            return
        keys: dict[str, list[str]] = defaultdict(list)
        for receiver, key in latest:
            keys[receiver].append(key)
        predicate = " OR ".join(
            f"(receiver = {literal(receiver)} AND event_key IN ({', '.join(map(literal, of_receiver))}))"
            for receiver, of_receiver in keys.items()
        )
        rows = [vars(t) for t in latest.values()]
        replace_rows(self.root, NOTIFICATIONS, rows, predicate)

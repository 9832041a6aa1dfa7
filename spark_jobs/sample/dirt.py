"""The dirt of real life in known amounts: flawed values, repeats, late and old versions, corrections.

Every record's fate is decided here, when it is made. The texts that carry a flaw are written by `flaw_texts`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from spark_jobs.sample.tickets import Ticket, Version

REASONS = (
    "malformed_record", "invalid_version", "version_in_future", "missing_ticket_id", "missing_created_at",
    "invalid_created_at", "implausible_date", "created_in_future", "resolved_in_future", "invalid_resolved_at",
    "resolved_before_created", "resolved_without_timestamp", "timestamp_without_resolution", "invalid_sla_hours",
    "unknown_priority", "unknown_status",
)  # fmt: skip


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a record: its reasons in the order of REASONS, and the rows that it can be put on."""

    reasons: tuple[str, ...]
    resolved: bool | None = None  # needs a resolved row, an unresolved one, or doesn't care
    shape: str = ""  # of a malformed record: too_many, too_few, bytes, open_quote


FLAWS = (
    Flaw(("malformed_record",), shape="too_many"),
    Flaw(("unknown_priority",)),
    Flaw(("resolved_before_created",), resolved=True),
    Flaw(("missing_ticket_id", "unknown_priority")),
    Flaw(("malformed_record",), shape="too_few"),
    Flaw(("invalid_created_at",)),
    Flaw(("created_in_future",), resolved=False),
    Flaw(("invalid_version", "invalid_created_at", "invalid_sla_hours")),
    Flaw(("timestamp_without_resolution",), resolved=True),
    Flaw(("malformed_record",), shape="open_quote"),
    Flaw(("missing_ticket_id",)),
    Flaw(("resolved_in_future",), resolved=True),
    Flaw(("unknown_status",), resolved=False),
    Flaw(("resolved_before_created", "invalid_sla_hours"), resolved=True),
    Flaw(("malformed_record",), shape="bytes"),
    Flaw(("version_in_future",)),
    Flaw(("missing_created_at",)),
    Flaw(("invalid_resolved_at",), resolved=False),
    Flaw(("version_in_future", "created_in_future", "unknown_priority"), resolved=False),
    Flaw(("invalid_sla_hours",)),
    Flaw(("resolved_without_timestamp",), resolved=True),
    Flaw(("implausible_date",)),
    Flaw(("missing_created_at", "timestamp_without_resolution"), resolved=True),
    Flaw(("invalid_version",)),
    Flaw(("implausible_date", "unknown_priority", "unknown_status"), resolved=False),
    Flaw(
        ("missing_ticket_id", "missing_created_at", "invalid_sla_hours", "unknown_priority", "unknown_status"),
        resolved=False,
    ),
)

# shares of a day's plain rows; rejected ones are capped at a fifteenth of them besides
SHARES = {
    "flawed": 0.02, "exact": 0.004, "older": 0.004, "equal": 0.003, "stale": 0.004, "repeat": 0.004,
    "late": 0.004, "moved": 0.001, "hours_off": 0.004,
}  # fmt: skip


class Entry:
    """One record of a delivery and its class when the days are processed in order."""

    __slots__ = ("fate", "flaw", "hours_off", "kept", "late", "ticket", "version")

    def __init__(self, ticket: Ticket, version: Version, fate: str, flaw: Flaw | None = None) -> None:
        self.ticket, self.version, self.fate, self.flaw = ticket, version, fate, flaw
        self.late = self.hours_off = False
        self.kept = False  # an earlier delivery of the day must hold it as it is

    @property
    def accepted(self) -> bool:
        """Whether Silver takes the record's values."""
        return self.fate in ("inserted", "updated")


class Dirt:
    """Hands out dirt so that each kind keeps its share of all rows, however few a day has."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(f"{seed}/dirt")
        self._owed = dict.fromkeys(SHARES, 0.9)  # near one: a short sample has some of each
        self._flaws = deque(FLAWS)

    def amount(self, kind: str, rows: int, cap: int) -> int:
        """How many of a kind a day of so many rows gets, `cap` at most; the rest is owed to later days."""
        self._owed[kind] += SHARES[kind] * rows
        given = max(0, min(int(self._owed[kind]), cap))
        self._owed[kind] = min(self._owed[kind] - given, 30.0)
        return given

    def spoil(self, base: list[Entry], free: list[int]) -> list[Entry]:
        """Make some of the rows flawed, or put a flawed copy of a row beside it; hands back the copies."""
        copies: list[Entry] = []
        open_quote = False
        for _ in range(self.amount("flawed", len(base), len(base) // 15)):
            for _ in range(len(self._flaws)):
                flaw = self._flaws.popleft()
                self._flaws.append(flaw)
                if flaw.shape == "open_quote" and open_quote:
                    continue
                place = self.pick(base, free, flaw.resolved)
                if place is not None:
                    break
            else:
                return copies
            open_quote |= flaw.shape == "open_quote"
            entry = base[place]
            if self.rng.random() < 0.3:
                copies.append(Entry(entry.ticket, entry.version, "rejected", flaw))
            else:
                entry.fate, entry.flaw = "rejected", flaw
        return copies

    def pick(self, base: Sequence[Entry], free: list[int], resolved: bool | None = None) -> int | None:
        """Take the place of a row that has no dirt yet out of `free`; None when none fits."""
        for _ in range(min(60, 3 * len(free))):
            at = int(self.rng.random() * len(free))
            place = free[at]
            if resolved is None or (base[place].version.resolved is not None) is resolved:
                free[at] = free[-1]
                free.pop()
                return place
        return None

    def duplicates(self, base: list[Entry], free: list[int]) -> list[tuple[int, Entry]]:
        """Losers of their delivery, each with the place before which it must stand."""
        losers: list[tuple[int, Entry]] = []
        for kind in ("exact", "older", "equal"):
            for _ in range(self.amount(kind, len(base), len(base) // 8)):
                place = self.pick(base, free)
                if place is None:
                    break
                entry = base[place]
                entry.kept = True
                version = self._other(entry.version, kind)
                before = len(base) if kind == "older" else place  # an older one loses wherever it stands
                loser = Entry(entry.ticket, version, "duplicates")
                losers.append((int(self.rng.random() * (before + 1)), loser))
        return losers

    def _other(self, v: Version, kind: str) -> Version:
        if kind == "exact":
            return v
        other = v._replace(priority="Low" if v.priority != "Low" else "High", channel="Fax")
        return other._replace(updated=v.updated - 60 * (1 + int(self.rng.random() * 90))) if kind == "older" else other

    def first_try(self, entries: Sequence[Entry], absent: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
        """A day's earlier, wrong delivery, and what each of `entries` is when it comes after that one.

        Some rows are missing, some have other values, some are flawed; `absent` rows are in the earlier one only.
        """
        first, fates = list(absent), []
        plain = sum(e.accepted and not e.kept for e in entries)
        room = max(0, len(entries) // 15 - sum(e.fate == "rejected" for e in entries))
        altered = False
        for entry in entries:
            draw = self.rng.random() if entry.accepted and not entry.kept else 1.0
            if draw < 0.06:
                fates.append(entry.fate)
            elif draw < 0.14 or (draw < 1.0 and not altered and plain < 20):
                changed = entry.version._replace(priority="Low" if entry.version.priority != "Low" else "Medium")
                first.append(Entry(entry.ticket, changed, entry.fate))
                fates.append("updated")
                altered = True
            elif draw < 0.18 and room:
                flaw = self.rng.choice((FLAWS[0], FLAWS[1], FLAWS[5]))
                first.append(Entry(entry.ticket, entry.version, "rejected", flaw))
                fates.append(entry.fate)
                room -= 1
            else:
                first.append(entry)
                fates.append("unchanged" if entry.accepted else entry.fate)
        return first, fates

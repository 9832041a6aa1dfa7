"""An independent reading of landing files in plain Python: what tests hold the generator's truth against.

Written apart from the generator and from the engine; knows tickets only, and only what the sample can contain.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

NULLS = {"", "?", "na", "n/a", "null", "none", "-"}
ACCEPTED = {
    "priority": ["Low", "Medium", "High", "Critical"],
    "status": ["Open", "In Progress", "Pending", "Resolved", "Closed"],
}
DONE = ("Resolved", "Closed")
Row = dict[str, str | None]


@dataclass
class Outcome:
    """What one delivery did."""

    classes: dict[str, int]
    rejected: dict[int, list[str]] = field(default_factory=dict)
    duplicates: list[int] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)


def raw_records(path: Path) -> tuple[list[str], list[list[str]]]:
    """The squeezed header and the records of a file, blank lines left out; undecodable bytes are lone surrogates."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline=""))
    header = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in next(rows)]
    return header, [row for row in rows if row]


def malformed(header: list[str], fields: list[str]) -> bool:
    """Whether a record has another number of fields than the header, or bytes that aren't UTF-8."""
    return len(fields) != len(header) or any("\udc80" <= char <= "\udcff" for text in fields for char in text)


class Lake:
    """Silver tickets as a dict of typed rows with their version."""

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = ZoneInfo(zone)
        self.rows: dict[str, tuple[tuple[datetime, date, int, int], tuple[object, ...]]] = {}
        self.deliveries = 0

    def deliver(self, path: Path, day: date) -> Outcome:
        """Take a day's file; the classes are counted as rule 6 says."""
        self.deliveries += 1
        header, records = raw_records(path)
        out = Outcome(dict.fromkeys(("inserted", "updated", "unchanged", "stale", "duplicates", "rejected"), 0))
        best: dict[str, tuple[tuple[datetime, date, int, int], tuple[object, ...]]] = {}
        for number, fields in enumerate(records, start=1):
            reasons, key, values, updated = self._judge(header, fields, day)
            if reasons:
                out.rejected[number] = reasons
                continue
            new = ((updated, day, self.deliveries, number), values)
            if key in best:
                out.duplicates.append(min(best[key][0], new[0])[3])
            best[key] = max(best.get(key, new), new, key=lambda pair: pair[0])
        out.classes["rejected"], out.classes["duplicates"] = len(out.rejected), len(out.duplicates)
        out.duplicates.sort()
        for key, new in best.items():
            out.accepted.add(key)
            old = self.rows.get(key)
            fate = (
                "inserted"
                if old is None
                else "stale"
                if old[0] > new[0]
                else "unchanged"
                if old[1] == new[1]
                else "updated"
            )
            out.classes[fate] += 1
            if fate in ("inserted", "updated"):
                self.rows[key] = new
        return out

    def _judge(
        self, header: list[str], fields: list[str], day: date
    ) -> tuple[list[str], str, tuple[object, ...], datetime]:
        if malformed(header, fields):
            return ["malformed_record"], "", (), datetime.max.replace(tzinfo=UTC)
        row: Row = {n: (None if f.strip().lower() in NULLS else f.strip()) for n, f in zip(header, fields, strict=True)}
        limit = datetime.combine(day + timedelta(days=2), time(), self.zone).astimezone(UTC)
        created, resolved, updated = (self._instant(row[name]) for name in ("createdat", "resolvedat", "updatedat"))
        status, priority = _listed("status", row["status"]), _listed("priority", row["priority"])
        sla = _decimal(row["slahours"])
        holds = {
            "invalid_version": bool(row["updatedat"]) and updated is None,
            "version_in_future": updated is not None and updated > limit,
            "missing_ticket_id": row["ticketid"] is None,
            "missing_created_at": row["createdat"] is None,
            "invalid_created_at": bool(row["createdat"]) and created is None,
            "implausible_date": created is not None and created.year < 2000,
            "created_in_future": created is not None and created > limit,
            "resolved_in_future": resolved is not None and resolved > limit,
            "invalid_resolved_at": bool(row["resolvedat"]) and resolved is None,
            "resolved_before_created": bool(created and resolved and resolved < created),
            "resolved_without_timestamp": status in DONE and row["resolvedat"] is None,
            "timestamp_without_resolution": status is not None and status not in DONE and resolved is not None,
            "invalid_sla_hours": sla is None or sla <= 0,
            "unknown_priority": priority is None,
            "unknown_status": status is None,
        }
        breached = None if row["slabreached"] is None else row["slabreached"].lower() == "true"
        values = (
            created, resolved, sla, breached, priority, row["category"], row["channel"], row["customertier"], status,
            row["agentid"] or "-1", updated,
        )  # fmt: skip
        version = updated or datetime.max.replace(tzinfo=UTC)
        return [reason for reason, wrong in holds.items() if wrong], row["ticketid"] or "", values, version

    def _instant(self, text: str | None) -> datetime | None:
        for pattern in ("%m/%d/%y %H:%M", "%Y-%m-%d %H:%M:%S"):
            try:
                return datetime.strptime(text or "", pattern).replace(tzinfo=self.zone).astimezone(UTC)
            except ValueError:
                continue
        try:
            return datetime.fromisoformat(text or "").astimezone(UTC)
        except ValueError:
            return None


def _listed(column: str, text: str | None) -> str | None:
    return next((name for name in ACCEPTED[column] if name.lower() == (text or "").lower()), None)


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def typed(row: dict[str, str]) -> tuple[object, ...]:
    """A row of the truth's tickets.csv in the form of `Lake.rows`."""
    at = {n: datetime.fromisoformat(row[n]) if row[n] else None for n in ("created_at", "resolved_at", "updated_at")}
    return (
        at["created_at"], at["resolved_at"], Decimal(row["sla_hours"]),
        {"": None, "true": True, "false": False}[row["sla_breached_reported"]], row["priority"],
        row["category"] or None, row["channel"] or None, row["customer_tier"] or None, row["status"], row["agent_id"],
        at["updated_at"],
    )  # fmt: skip

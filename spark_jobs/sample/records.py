"""From a ticket's version to the text of its record, with the harmless variety and the flaws of real exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.dirt import Entry, Flaw
from spark_jobs.sample.layout import COLUMNS, Layout

NULL_TOKENS = ("", " ", "?", "NA", "N/A", "n/a", "null", "NULL", "none", "None", "-", " - ", "na")
ID, CREATED, RESOLVED, _, SLA, BREACHED, PRIORITY, CATEGORY, _, _, STATUS, AGENT, UPDATED = range(len(COLUMNS))
_UNREADABLE = ("2025-13-01 10:00:00", "31/31/24 9:15", "last Tuesday", "2025-02-30 08:00:00")
_BOOLEANS = {None: "", True: "True", False: "False"}


class RecordWriter:
    """Writes records; with `dirt`, the same value comes in many spellings."""

    def __init__(self, clock: Clock, rng: Random, *, dirt: bool) -> None:
        self._clock, self._rng, self._dirt = clock, rng, dirt

    def record(self, entry: Entry, layout: Layout, day_end: int) -> str:
        """One record without its line end."""
        fields = self._fields(entry, layout)
        if self._dirt and self._rng.random() < 0.06:
            self._untidy(fields)
        if entry.flaw is None:
            return ",".join(layout.arrange(fields, self._rng))
        flaw_texts(fields, entry, entry.flaw, day_end, self._clock, self._rng)
        return _misshapen(layout.arrange(fields, self._rng), fields[CATEGORY], entry.flaw)

    def records(self, entries: Iterable[Entry], layout: Layout, day_end: int) -> list[str]:
        """The records of a delivery in order."""
        return [self.record(entry, layout, day_end) for entry in entries]

    def _fields(self, entry: Entry, layout: Layout) -> list[str]:
        ticket, v = entry.ticket, entry.version
        write: Callable[[int], str] = self._clock.plain
        if self._dirt:
            if layout.has("iso_times") or self._rng.random() < 0.02:
                write = self._clock.iso
            elif ticket.whole_minutes:
                write = self._clock.short
        hours = "" if v.resolved is None else f"{(v.resolved - v.created) / 3600 + (2.5 if entry.hours_off else 0):.2f}"
        return [
            ticket.id,
            write(v.created),
            self._null(0.2) if v.resolved is None else write(v.resolved),
            hours,
            v.sla_hours,
            _BOOLEANS[v.breached],
            v.priority,
            self._null(0.9) if v.category is None else f'"{v.category}"' if "," in v.category else v.category,
            self._null(0.9) if v.channel is None else v.channel,
            self._null(0.9) if v.tier is None else v.tier,
            v.status,
            self._null(0.6) if v.agent is None else v.agent,
            write(v.updated),
        ]

    def _null(self, share: float) -> str:
        if not self._dirt or self._rng.random() >= share:
            return ""
        return self._rng.choice(NULL_TOKENS)

    def _untidy(self, fields: list[str]) -> None:
        """Another spelling of the same value: case, blanks, a number's zeros."""
        kind = int(self._rng.random() * 6)
        if kind == 0:
            fields[PRIORITY] = fields[PRIORITY].upper()
        elif kind == 1:
            fields[STATUS] = f" {fields[STATUS].lower()}"
        elif kind == 2:
            fields[ID] = f" {fields[ID]} "
        elif kind == 3:
            fields[SLA] = fields[SLA].removesuffix(".00")
        elif kind == 4:
            fields[CREATED], fields[UPDATED] = f" {fields[CREATED]}", f"{fields[UPDATED]} "
        else:
            fields[AGENT], fields[BREACHED] = f"{fields[AGENT]} ", fields[BREACHED].upper()


def flaw_texts(fields: list[str], entry: Entry, flaw: Flaw, day_end: int, clock: Clock, rng: Random) -> None:
    """Write the texts that each reason of the flaw asks for; each reason has fields of its own."""
    for reason in flaw.reasons:
        if reason == "missing_ticket_id":
            fields[ID] = rng.choice(NULL_TOKENS)
        elif reason == "missing_created_at":
            fields[CREATED] = rng.choice(NULL_TOKENS)
        elif reason == "invalid_created_at":
            fields[CREATED] = rng.choice(
                ("2025-13-01 10:00:00", "31/31/24 9:15", "last Tuesday", "2025-02-30 08:00:00")
            )
        elif reason == "implausible_date":
            fields[CREATED] = rng.choice(("1970-01-01 00:00:00", "1899-12-30 00:00:00", "1998-06-15T12:00:00Z"))
        elif reason == "created_in_future":
            fields[CREATED] = clock.plain(day_end + 3 * DAY + int(rng.random() * 300 * DAY))
        elif reason == "resolved_in_future":
            fields[RESOLVED] = clock.plain(day_end + 3 * DAY + int(rng.random() * 300 * DAY))
        elif reason == "version_in_future":
            fields[UPDATED] = clock.plain(day_end + 3 * DAY + int(rng.random() * 300 * DAY))
        elif reason == "invalid_version":
            fields[UPDATED] = rng.choice(("yesterday", "2025-06-31 12:00:00", "99/99/99 99:99"))
        elif reason == "invalid_resolved_at":
            fields[RESOLVED] = rng.choice(("soon", "2025-02-29 25:61:00", "13/32/24 10:00"))
        elif reason == "resolved_before_created":
            fields[RESOLVED] = clock.plain(entry.version.created - 3600 - int(rng.random() * 3 * DAY))
        elif reason == "resolved_without_timestamp":
            fields[RESOLVED] = rng.choice(NULL_TOKENS)
        elif reason == "timestamp_without_resolution":
            fields[STATUS] = rng.choice(("Open", "In Progress", "Pending", "open"))
        elif reason == "invalid_sla_hours":
            fields[SLA] = rng.choice(("0", "-4", "two days", "", "N/A", "0.00", "8h"))
        elif reason == "unknown_priority":
            fields[PRIORITY] = rng.choice(("Urgent", "P1", "?", "", "Hihg"))
        elif reason == "unknown_status":
            fields[STATUS] = rng.choice(("Escalated", "in-progress", "N/A", "", "99"))


def _misshapen(fields: list[str], category: str, flaw: Flaw) -> str:
    if flaw.shape == "too_many":
        fields = [*fields, "surplus"]
    elif flaw.shape == "too_few":
        fields = fields[:5]
    elif flaw.shape == "bytes":
        at = fields.index(category)
        fields = [*fields[:at], "Caf\udce9", *fields[at + 1 :]]
    elif flaw.shape == "open_quote":
        fields = [*fields[:6], '"' + fields[6].replace('"', ""), *(field.replace('"', "") for field in fields[7:])]
    return ",".join(fields)

"""The tickets' deliveries, day by day: what is due, what is dirty, what each record does to Silver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from random import Random

from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.dirt import Dirt, Entry
from spark_jobs.sample.landing import EARLIER, delivery_path, put
from spark_jobs.sample.layout import Layout, layout_for
from spark_jobs.sample.records import RecordWriter
from spark_jobs.sample.tickets import Ticket, TicketSource, Version, final_row
from spark_jobs.sample.truth import Correction, DayTruth, TruthWriter


class TicketFeed:
    """Holds the tickets that may still change, and nothing of the others: its size doesn't grow with history."""

    def __init__(
        self, out: Path, clock: Clock, source: TicketSource, truth: TruthWriter, seed: int, dirt: bool
    ) -> None:
        self._out, self._clock, self._source, self._truth = out, clock, source, truth
        self._dirt = Dirt(seed) if dirt else None
        self._rng = Random(f"{seed}/texts")
        self._rows = RecordWriter(clock, self._rng, dirt=dirt)
        self._calendar: dict[int, list[Ticket]] = defaultdict(list)  # day -> tickets to be delivered
        self._echoes: dict[int, list[tuple[Ticket, Version | None]]] = defaultdict(list)  # None: Silver's
        self._moves: dict[int, list[tuple[Ticket, int]]] = defaultdict(list)  # day -> tickets and their new creation

    def deliver(self, day: date, mean: float, index: int, days: int, *, missing: bool) -> None:
        """Write a day's file and its truth; a missing or empty day's tickets come on the next one."""
        layout = layout_for(index, days, self._dirt.rng) if self._dirt else Layout()
        truth = DayTruth("tickets", day, delivery_path("tickets", day, layout.suffix), features=list(layout.features))
        due = self._due(day, mean)
        if missing or layout.has("header_only"):
            self._postpone(day, due)
            if not missing:
                self._put(truth, [], layout)
            return
        start, end = self._bounds(day)
        base = [Entry(t, v, "updated" if t.silver else "inserted") for t in due if (v := t.advance(end))]
        base.sort(key=lambda entry: entry.version.updated)
        echoes = self._echoed(day, due)
        seen = [*due, *(entry.ticket for entry in echoes)]
        if self._dirt:
            for entry in base:
                entry.late = entry.version.updated < start
            entries = self._dirty(self._dirt, day, base, [e for e in echoes if not _absent(e, layout)])
            if layout.has("corrected"):
                self._put_earlier(self._dirt, truth, entries, [e for e in echoes if _absent(e, layout)], layout)
        else:
            entries = base
        self._put(truth, entries, layout)
        _accept(entries, day)
        self._settle(seen)

    def finish(self) -> None:
        """Write down the final state of what could still have changed."""
        rest = [ticket for tickets in self._calendar.values() for ticket in tickets]
        rest += [ticket for pairs in self._echoes.values() for ticket, _ in pairs]
        rest += [ticket for pairs in self._moves.values() for ticket, _ in pairs]
        for ticket in rest:
            ticket.pending = 0
        self._settle(rest)

    def _bounds(self, day: date) -> tuple[int, int]:
        return self._clock.midnight(day), self._clock.midnight(date.fromordinal(day.toordinal() + 1))

    def _due(self, day: date, mean: float) -> list[Ticket]:
        """The tickets to be delivered on a day, each once: new ones, and those that changed."""
        today = day.toordinal()
        for ticket, created in self._moves.pop(today, ()):
            ticket.created, ticket.touch = created, self._clock.midnight(day) + 20 * 3600 + 30 * 60
            self._calendar[today].append(ticket)
        old = self._calendar.pop(today, [])
        for ticket in old:
            ticket.pending -= 1
        new = self._source.born(day, mean)
        for ticket in new:
            for later in {self._clock.ordinal(v.updated) for v in ticket.coming[:-1]} - {today}:
                self._schedule(later, ticket)
        due = list(dict.fromkeys(old + new))
        held = self._dirt.amount("late", len(due), len(due) // 8) if self._dirt else 0
        for _ in range(held):
            later = today + 1 + int(self._rng.random() * 5)
            self._schedule(later, due.pop(int(self._rng.random() * len(due))))
        return due

    def _schedule(self, ordinal: int, ticket: Ticket) -> None:
        ticket.pending += 1
        self._calendar[ordinal].append(ticket)

    def _postpone(self, day: date, due: Iterable[Ticket]) -> None:
        today = day.toordinal()
        for ticket in due:
            self._schedule(today + 1, ticket)
        self._echoes[today + 1] += self._echoes.pop(today, [])

    def _echoed(self, day: date, due: Iterable[Ticket]) -> list[Entry]:
        """Old and repeated rows; one whose ticket has another row today waits, so that its class stays what it is."""
        today, busy, out = day.toordinal(), set(due), []
        for ticket, version in self._echoes.pop(today, []):
            if ticket in busy or ticket.silver is None:
                self._echoes[today + 1].append((ticket, version))
                continue
            busy.add(ticket)
            ticket.pending -= 1
            out.append(Entry(ticket, version, "stale") if version else Entry(ticket, ticket.silver, "unchanged"))
        return out

    def _dirty(self, dirt: Dirt, day: date, base: list[Entry], echoes: list[Entry]) -> list[Entry]:
        """The day's records in the order of the file."""
        free = list(range(len(base)))
        extra = [(int(dirt.rng.random() * (len(base) + 1)), entry) for entry in (*dirt.spoil(base, free), *echoes)]
        extra += dirt.duplicates(base, free)
        self._plan_echoes(dirt, day, base, free)
        self._plan_moves(dirt, day, base, free)
        for _ in range(dirt.amount("hours_off", len(base), len(base) // 8)):
            place = dirt.pick(base, free, resolved=True)
            if place is not None:
                base[place].hours_off = base[place].kept = True
        before: dict[int, list[Entry]] = defaultdict(list)
        for place, entry in extra:
            before[place].append(entry)
        entries = [e for place in range(len(base) + 1) for e in (*before.get(place, ()), *base[place : place + 1])]
        # an open quote swallows what follows: such a record is the last one
        return sorted(entries, key=lambda e: e.flaw is not None and e.flaw.shape == "open_quote")

    def _plan_echoes(self, dirt: Dirt, day: date, base: Sequence[Entry], free: list[int]) -> None:
        """Have the version before today's come again later (stale), or today's (unchanged)."""
        for kind in ("stale", "repeat"):
            for _ in range(dirt.amount(kind, len(base), len(base) // 8)):
                place = dirt.pick(base, free)
                ticket = base[place].ticket if place is not None else None
                if ticket is None or (kind == "stale" and ticket.silver is None):
                    continue
                ticket.pending += 1
                later = day.toordinal() + 1 + int(dirt.rng.random() * 4)
                self._echoes[later].append((ticket, ticket.silver if kind == "stale" else None))

    def _plan_moves(self, dirt: Dirt, day: date, base: Sequence[Entry], free: list[int]) -> None:
        """Have a ticket's creation corrected to months earlier within days, and half of them back again later."""
        for _ in range(dirt.amount("moved", len(base), len(base) // 8)):
            place = dirt.pick(base, free)
            if place is None:
                return
            ticket, created = base[place].ticket, base[place].version.created
            days_back = (31 if dirt.rng.random() < 0.8 else 366) + int(dirt.rng.random() * 120)
            later = day.toordinal() + 1 + int(dirt.rng.random() * 6)
            self._moves[later].append((ticket, created - days_back * DAY))
            ticket.pending += 1
            if dirt.rng.random() < 0.5:
                self._moves[later + 2 + int(dirt.rng.random() * 10)].append((ticket, created))
                ticket.pending += 1

    def _put(self, truth: DayTruth, entries: Sequence[Entry], layout: Layout) -> None:
        end = self._bounds(truth.logical_date)[1]
        content = layout.content(self._rows.records(entries, layout, end), self._rng)
        put(self._out, truth.path, content, end + 6 * 3600)
        count(truth, entries, layout)
        self._truth.day(truth)

    def _put_earlier(
        self, dirt: Dirt, day: DayTruth, entries: Sequence[Entry], absent: Sequence[Entry], layout: Layout
    ) -> None:
        """Write the day's first delivery and what the second one then does."""
        first, fates = dirt.first_try(entries, absent)
        end = self._bounds(day.logical_date)[1]
        path = f"{EARLIER}/{day.path}"
        put(self._out, path, layout.content(self._rows.records(first, layout, end), self._rng), end + 2 * 3600)
        earlier = DayTruth("tickets", day.logical_date, path, features=list(layout.features))
        count(earlier, first, layout)
        after = DayTruth("tickets", day.logical_date)
        for fate in fates:
            setattr(after, fate, getattr(after, fate) + 1)
        self._truth.correction(
            Correction("tickets", day.logical_date, day.path, path, earlier, after.classes(), len(absent))
        )

    def _settle(self, tickets: Iterable[Ticket]) -> None:
        """Write down the final state of tickets of which nothing is to come, and forget them."""
        for ticket in dict.fromkeys(tickets):
            if not ticket.pending and ticket.silver:
                self._truth.row("tickets", final_row(ticket, self._clock))


def count(truth: DayTruth, entries: Sequence[Entry], layout: Layout) -> None:
    """Fill a day's figures from what its records were made to be."""
    truth.read = len(entries)
    truth.extra_columns = ["subject"] if layout.has("subject") else []
    truth.missing_columns = ["resolution_hours"] if layout.has("no_resolution_hours") else []
    for row, entry in enumerate(entries, start=1):
        if entry.flaw:
            truth.reject(row, entry.flaw.reasons)
            continue
        setattr(truth, entry.fate, getattr(truth, entry.fate) + 1)
        if entry.fate == "duplicates":
            truth.duplicate_rows.append(row)
        if entry.late and entry.accepted:
            truth.late_rows.append(row)
        if entry.hours_off and not truth.missing_columns:
            truth.hours_off_rows.append(row)


def _absent(echo: Entry, layout: Layout) -> bool:
    """Whether a repeated row is only in a corrected day's first delivery."""
    return layout.has("corrected") and echo.fate == "unchanged"


def _accept(entries: Iterable[Entry], day: date) -> None:
    for row, entry in enumerate(entries, start=1):
        if entry.accepted:
            entry.ticket.silver, entry.ticket.taken = entry.version, (day, row)

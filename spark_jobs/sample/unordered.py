"""The deliveries of datasets without an ordering column, day by day: the later delivery of a key wins.

What is due, what is dirty and in which amount is decided here; what a record does to Silver follows from the records
before it, since the days are told in date order. A `Kind` knows the dataset's values and texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from spark_jobs.sample.amounts import Amounts
from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.kinds import Fact, Kind, Record, State, line
from spark_jobs.sample.landing import EARLIER, delivery_path, put
from spark_jobs.sample.layout import Layout
from spark_jobs.sample.truth import Correction, DayTruth, TruthWriter

States = Mapping[Fact, State]


class UnorderedFeed:
    """Writes one dataset's files. Holds the facts of which something is still to come, and nothing of the others."""

    def __init__(self, out: Path, clock: Clock, kind: Kind, truth: TruthWriter, seed: int, dirt: bool) -> None:
        self._out, self._clock, self._kind, self._truth, self._dirt = out, clock, kind, truth, dirt
        self._rng = Random(f"{seed}/{kind.dataset}/dirt")
        self._amounts = Amounts(self._rng, kind.faults)
        self._calendar: dict[int, list[Fact]] = defaultdict(list)  # to be delivered for the first time
        self._echoes: dict[int, list[tuple[Fact, Any]]] = defaultdict(list)  # again, with a value or (None) as it is
        self._last: list[Fact] = []  # some of the last file

    def deliver(self, day: date, index: int, days: int, *, missing: bool) -> None:
        """Write a day's file and its truth; what belongs to a missing day comes on the next one."""
        today = day.toordinal()
        facts = [*self._calendar.pop(today, []), *self._kind.born(day)]
        echoes = self._echoes.pop(today, [])
        if missing:
            self._postpone(today, facts, echoes)
            return
        for fact in facts:
            fact.pending = False
        layout = self._kind.layout(index, days)
        if self._dirt:
            records = self._dirty(today, facts, self._echoed(today, echoes, layout), layout)
        else:
            records = [Record(fact, self._kind.fitted(fact, layout)) for fact in facts]
        for record in records:
            self._write(record, layout, day)
        records = self._ordered(records)
        fates, after = self._judge(records, layout, day, {})
        if layout.has("corrected"):
            self._put_earlier(day, records, layout)
        self._put(self._figures(day, records, fates, layout), records, layout)
        for record in records:
            if record.fault is None:  # a later record of the same fact is the winner
                record.fact.value, record.fact.state = record.value, after[record.fact]
        self._settle(record.fact for record in records)
        self._last = list(after)[-3:]

    def finish(self) -> None:
        """Write down the final state of what could still have come again."""
        rest = [fact for facts in self._calendar.values() for fact in facts]
        rest += [fact for pairs in self._echoes.values() for fact, _ in pairs]
        for fact in rest:
            fact.pending = False
        self._settle(rest)

    def _come(self, ordinal: int, fact: Fact) -> None:
        """Have a fact come late."""
        fact.pending = fact.late = True
        self._calendar[ordinal].append(fact)

    def _come_again(self, ordinal: int, fact: Fact, value: Any) -> None:
        fact.pending = True
        self._echoes[ordinal].append((fact, value))

    def _postpone(self, today: int, facts: Iterable[Fact], echoes: Iterable[tuple[Fact, Any]]) -> None:
        for fact in facts:
            self._come(today + 1, fact)
        for fact, value in echoes:
            self._come_again(today + 1, fact, value)

    def _echoed(self, today: int, echoes: Iterable[tuple[Fact, Any]], layout: Layout) -> list[Record]:
        """What comes again today; what the file can't hold as it is waits for the next one."""
        found: list[Record] = []
        for fact, value in echoes:
            if self._kind.fits(fact, layout):
                fact.pending = False
                found.append(Record(fact, fact.value if value is None else value))
            else:
                self._come_again(today + 1, fact, value)
        return found

    def _dirty(self, today: int, facts: list[Fact], echoes: list[Record], layout: Layout) -> list[Record]:
        """The day's records in the order of the file. No record gets two kinds of dirt."""
        for fact in self._amounts.take("late", facts, len(facts), len(facts) // 8):
            self._come(today + 1 + int(self._rng.random() * 2), fact)
        base = [Record(fact, self._kind.fitted(fact, layout)) for fact in facts]
        free = list(range(len(base)))
        extra = [(int(self._rng.random() * (len(base) + 1)), echo) for echo in echoes]
        extra += self._spoil(today, base, free, layout)
        for share in ("exact", "other"):
            for place in self._amounts.take(share, free, len(base), len(base) // 8):
                value = base[place].value if share == "exact" else self._kind.altered(base[place].value, self._rng)
                if value is not None:  # the loser stands before the winner
                    extra.append((int(self._rng.random() * (place + 1)), Record(base[place].fact, value)))
        for share in ("repeat", "changed"):
            for place in self._amounts.take(share, free, len(base), len(base) // 8):
                value = self._kind.altered(base[place].value, self._rng) if share == "changed" else None
                self._come_again(today + 1 + int(self._rng.random() * 4), base[place].fact, value)
        before: dict[int, list[Record]] = defaultdict(list)
        for place, record in extra:
            before[place].append(record)
        ordered = [r for place in range(len(base) + 1) for r in (*before.get(place, ()), *base[place : place + 1])]
        # an open quote swallows what follows: such a record is the last one
        return sorted(ordered, key=lambda r: r.fault is not None and r.fault.shape == "open_quote")

    def _spoil(self, today: int, base: list[Record], free: list[int], layout: Layout) -> list[tuple[int, Record]]:
        """Make some records faulty, half of which come again and are right; hand back faulty copies of others."""
        copies: list[tuple[int, Record]] = []
        quoted = False
        for place in self._amounts.take("faulty", free, len(base), len(base) // 15):
            fault = self._amounts.fault(layout, open_quote=not quoted)
            quoted |= fault.shape == "open_quote"
            record, draw = base[place], self._rng.random()
            if draw < 0.3:
                copies.append((place, Record(record.fact, record.value, fault=fault)))
                continue
            record.fault = fault
            if draw < 0.65:
                self._come(today + 1 + int(self._rng.random() * 2), record.fact)
        return copies

    def _write(self, record: Record, layout: Layout, day: date) -> None:
        record.texts = self._kind.texts(record, layout, day)
        if record.fault is not None and not record.fault.shape:
            self._kind.spoil(record, self._rng)

    def _judge(
        self, records: Sequence[Record], layout: Layout, day: date, before: States
    ) -> tuple[list[str], dict[Fact, State]]:
        """Each record's class, and the facts' states, when the delivery comes after those that led to `before`."""
        last = {record.fact: row for row, record in enumerate(records, start=1) if record.fault is None}
        fates, states = [], dict(before)
        for row, record in enumerate(records, start=1):
            if record.fault is not None or last[record.fact] != row:
                fates.append("rejected" if record.fault is not None else "duplicates")
                continue
            old = states.get(record.fact, record.fact.state)
            new = self._kind.take(record, layout, (day, row), old)
            if old is not None and old.content == new.content:
                fates.append("unchanged")
                if old.beside == new.beside:
                    new = replace(new, taken=old.taken)
            else:
                fates.append("inserted" if old is None else "updated")
            states[record.fact] = new
        return fates, states

    def _figures(self, day: date, records: Sequence[Record], fates: Sequence[str], layout: Layout) -> DayTruth:
        truth = DayTruth(self._kind.dataset, day, self._path(day, layout))
        truth.read, truth.features = len(records), list(layout.features)
        truth.missing_columns = self._kind.missing(layout)
        for row, (record, fate) in enumerate(zip(records, fates, strict=True), start=1):
            if record.fault is not None:
                truth.reject(row, record.fault.reasons)
                continue
            setattr(truth, fate, getattr(truth, fate) + 1)
            if fate == "duplicates":
                truth.duplicate_rows.append(row)
            elif fate == "inserted" and record.fact.late:
                truth.late_rows.append(row)
        return truth

    def _put(self, truth: DayTruth, records: Sequence[Record], layout: Layout) -> None:
        hours = 54 if layout.has("late_file") else 6
        self._put_file(truth.path, truth.logical_date, records, layout, hours)
        self._truth.day(truth)

    def _path(self, day: date, layout: Layout) -> str:
        """Where a day's delivery lies below the landing root."""
        return delivery_path(self._kind.dataset, day, layout.suffix)

    def _ordered(self, records: list[Record]) -> list[Record]:
        """The records as their numbers count them."""
        return records

    def _put_file(self, path: str, day: date, records: Sequence[Record], layout: Layout, hours: int) -> None:
        content = layout.content([line(r.texts, layout, r.fault) for r in records], self._rng)
        put(self._out, path, content, self._clock.midnight(day) + DAY + hours * 3600)

    def _put_earlier(self, day: date, records: Sequence[Record], layout: Layout) -> None:
        """Write the day's first, wrong delivery, and what the second one then does."""
        first = self._first_try(records, layout, day)
        fates, between = self._judge(first, layout, day, {})
        earlier = self._figures(day, first, fates, layout)
        path = earlier.path
        earlier.path = f"{EARLIER}/{path}"
        self._put_file(earlier.path, day, first, layout, 2)
        after = DayTruth(self._kind.dataset, day)
        for fate in self._judge(records, layout, day, between)[0]:
            setattr(after, fate, getattr(after, fate) + 1)
        held = {record.fact for record in records}
        absent = sum(fact not in held for fact in between)
        found = Correction(self._kind.dataset, day, path, earlier.path, earlier, after.classes(), absent)
        self._truth.correction(found)

    def _first_try(self, records: Sequence[Record], layout: Layout, day: date) -> list[Record]:
        """The day's records with some missing, some other, some faulty, and some of the day before come again."""
        held = {record.fact for record in records}
        echoes = [Record(f, f.value) for f in self._last if f not in held and self._kind.fits(f, layout)]
        for echo in echoes:
            self._write(echo, layout, day)
        fates, _ = self._judge(echoes, layout, day, {})
        first = [echo for echo, fate in zip(echoes, fates, strict=True) if fate == "unchanged"]
        room = max(0, len(records) // 15 - sum(record.fault is not None for record in records))
        for record in records:
            draw = self._rng.random() if record.fault is None else 1.0
            if draw < 0.06:
                continue
            value = self._kind.altered(record.value, self._rng) if draw < 0.14 else None
            faulty = 0.14 <= draw < 0.18 and room > 0
            if value is None and not faulty:
                first.append(record)
                continue
            fault = self._kind.faults[int(self._rng.random() * 3)] if faulty else None
            room -= faulty
            wrong = Record(record.fact, record.value if value is None else value, fault=fault)
            self._write(wrong, layout, day)
            first.append(wrong)
        return sorted(first, key=lambda r: r.fault is not None and r.fault.shape == "open_quote")

    def _settle(self, facts: Iterable[Fact]) -> None:
        """Write down the final state of facts of which nothing is to come, and forget them."""
        for fact in dict.fromkeys(facts):
            if not fact.pending and fact.state is not None:
                self._truth.row(self._kind.dataset, self._kind.row(fact))

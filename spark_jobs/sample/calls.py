"""The calls of the sample, taken by agents while they are online, and how a file tells of them."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from math import exp
from random import Random
from typing import NamedTuple

from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.identity import call_agent_of
from spark_jobs.sample.kinds import MALFORMED_FAULTS, Fact, Fault, Record, State, Texts
from spark_jobs.sample.layout import Layout
from spark_jobs.sample.records import NULL_TOKENS
from spark_jobs.sample.shifts import Roster
from spark_jobs.sample.tickets import HOURS, WEEKDAYS

CALLS = "calls"
COLUMNS = ("call_id", "caller_id", "agent_id", "call_start_time", "call_end_time", "call_status", "call_date")
CALL_COLUMNS = (*COLUMNS, "call_started_at", "call_ended_at", "duration_seconds", "logical_date", "row_number")
CALL, CALLER, AGENT, START, END, STATUS, DATE = range(len(COLUMNS))
PER_TICKET = 1.5
LONGEST = 4 * 3600
COMPLETED, DROPPED, FAILED = "COMPLETED", "DROPPED", "FAILED"
_OTHER_NAMES = ("Call ID", "Caller-Id", "agent Id", "CALL START TIME", "call_EndTime", "Call.Status", "Call Date")
_PERIOD = 12
_FEATURES: dict[int, tuple[str, ...]] = {
    1: ("late_file",), 2: ("other_header",), 3: ("corrected", "crlf"), 4: ("full_times",), 5: ("gzip",),
    6: ("bom", "decimal_ids"), 7: ("iso_times",), 8: ("mixed_line_ends",), 9: ("corrected", "other_header"),
    10: ("blank_lines", "no_final_newline"),
}  # fmt: skip
_FAULTS = (
    Fault(("unknown_call_status",)),
    Fault(("missing_caller_id",)),
    Fault(("call_too_long",)),
    Fault(("non_numeric_call_id",)),
    Fault(("invalid_call_start_time",)),
    Fault(("call_ended_before_start",)),
    MALFORMED_FAULTS[0],
    Fault(("invalid_call_date",), needs="call_date"),
    Fault(("missing_agent_id", "unknown_call_status")),
    Fault(("invalid_call_end_time",)),
    Fault(("missing_call_id",)),
    Fault(("non_numeric_agent_id",)),
    MALFORMED_FAULTS[1],
    Fault(("non_numeric_caller_id", "call_too_long")),
    Fault(("missing_call_id", "missing_caller_id", "missing_agent_id", "invalid_call_start_time",
           "invalid_call_end_time", "unknown_call_status")),
    MALFORMED_FAULTS[3],
    Fault(("missing_agent_id",)),
    Fault(("non_numeric_call_id", "non_numeric_caller_id", "call_ended_before_start")),
    Fault(("unknown_call_status", "invalid_call_date"), needs="call_date"),
    MALFORMED_FAULTS[2],
)  # fmt: skip
_NOT_NUMERIC = ("C12", "12.5", "-3", "1e5", "12345678901234567890", "1,204", "twelve")
_NO_TIMES = ("9:5:00", "24:00:00", "12:60:00", "noon", "10:15", "2025-02-30 10:00:00", "N/A", "")
_NO_DATES = ("2025-13-01", "soon", "2025-02-30", "31.12.")
_NO_STATUSES = ("BUSY", "COMPLETE", "?", "", "HUNG UP")


class Call(NamedTuple):
    """A call as the source knows it; instants in whole seconds."""

    id: int
    caller: int
    agent: int
    start: int
    end: int
    status: str


class Dates(NamedTuple):
    """What the accepted versions of a call say of its date: the newest that was given, and the first logical date."""

    given: date | None
    earliest: date


class CallKind:
    """Makes calls, and knows their texts; see `kinds.Kind`."""

    dataset: str = CALLS
    columns: tuple[str, ...] = COLUMNS
    faults: tuple[Fault, ...] = _FAULTS

    def __init__(self, seed: int, clock: Clock, roster: Roster, tickets_per_day: int, *, dirt: bool) -> None:
        self._seed, self._clock, self._roster, self._dirt = seed, clock, roster, dirt
        self._mean = tickets_per_day * PER_TICKET
        self._number = 7_000_000
        self._after_midnight: list[Call] = []
        self._texts = Random(f"{seed}/calls/texts")

    def layout(self, index: int, days: int) -> Layout:
        """The feed gives the date of a call from the second half on: until then a file has no such column."""
        features = _FEATURES.get(index % _PERIOD, ()) if self._dirt else ()
        names, count = COLUMNS, len(COLUMNS)
        if "other_header" in features:
            names = _OTHER_NAMES
        if index >= (days + 1) // 2:
            features = (*features, "call_date")
        else:
            count -= 1
        order = list(range(count))
        if "other_header" in features:
            order = order[::-1]
        return Layout(features, tuple(order), tuple(names[place] for place in order))

    def missing(self, layout: Layout) -> list[str]:
        """Until the second half, the date."""
        return [] if layout.has("call_date") else ["call_date"]

    def born(self, day: date) -> list[Fact]:
        """The calls that began on a day, in order."""
        rng = Random(f"{self._seed}/calls/{day}")
        spans = [(duty.number, *span) for duty in self._roster.duties(day) for span in duty.spans]
        weights = [(end - start) * (HOURS[self._clock.second(start) // 3600] + 3) for _, start, end in spans]
        sums = list(accumulate(weights))
        expected = self._mean * WEEKDAYS[day.weekday()] * (0.88 + 0.24 * rng.random())
        made: list[Call] = list(self._after_midnight)
        for _ in range(int(expected + rng.random()) if spans else 0):
            number, start, end = spans[min(bisect(sums, rng.random() * sums[-1]), len(spans) - 1)]
            made.append(self._call(rng, number, start + int(rng.random() * (end - start - 60)), end))
        midnight = self._clock.midnight(day + timedelta(days=1))
        made += self._over_midnight(rng, spans, midnight)
        made.sort(key=lambda call: (call.start, call.end, call.caller))
        self._after_midnight = [call for call in made if call.start >= midnight]
        out = []
        for call in made[: len(made) - len(self._after_midnight)]:
            self._number += 1
            out.append(Fact(call._replace(id=self._number)))
        return out

    def _over_midnight(self, rng: Random, spans: Sequence[tuple[int, int, int]], midnight: int) -> list[Call]:
        """One call that isn't over at midnight, where somebody of the night shift is online then."""
        there = [number for number, start, end in spans if start < midnight - 600 and end > midnight + 900]
        if not there:
            return []
        call = self._call(rng, rng.choice(there), midnight - 20 - int(rng.random() * 500), midnight + 900)
        return [call._replace(end=midnight + int(rng.random() * 600), status=COMPLETED)]

    def _call(self, rng: Random, number: int, start: int, until: int) -> Call:
        draw, spread = rng.random(), exp(0.8 * rng.gauss(0, 1))
        status = COMPLETED if draw < 0.82 else DROPPED if draw < 0.93 else FAILED
        takes = {COMPLETED: 240 * spread, DROPPED: 45 * spread, FAILED: 20 * rng.random()}[status]
        end = max(start, min(start + int(takes), until, start + LONGEST - 600))
        return Call(0, 10_000 + int(rng.random() * 90_000), call_agent_of(number), start, end, status)

    def fits(self, fact: Fact, layout: Layout) -> bool:
        """A file can hold any call."""
        del fact, layout
        return True

    def fitted(self, fact: Fact, layout: Layout) -> Call:
        """A file holds a call as it is."""
        del layout
        call: Call = fact.value
        return call

    def altered(self, value: Call, rng: Random) -> Call:
        """The call with another status, and mostly another end."""
        status = DROPPED if value.status == COMPLETED else COMPLETED
        return value._replace(status=status, end=value.end + int(rng.random() * 90))

    def texts(self, record: Record, layout: Layout, day: date) -> Texts:
        """The columns of a call as text; what comes again mostly comes in the same words."""
        call, rng = record.value, self._texts
        given = self._clock.day_of(call.start) if layout.has("call_date") else None
        if given and self._dirt and rng.random() < 0.03:
            given = None
        start, end = self._times(record, layout, given or day)
        texts = [str(call.id), str(call.caller), str(call.agent), start, end, call.status, ""]
        texts[DATE] = given.isoformat() if given else rng.choice(NULL_TOKENS) if self._dirt else ""
        if self._dirt:
            self._untidy(texts, layout)
        return texts

    def _times(self, record: Record, layout: Layout, day: date) -> tuple[str, str]:
        call, state, rng = record.value, record.fact.state, self._texts
        bare = self._clock.time(call.start), self._clock.time(call.end)
        plain = self._clock.plain(call.start), self._clock.plain(call.end)
        iso = self._clock.iso(call.start), self._clock.iso(call.end)
        draw = rng.random() if self._dirt else 1.0
        chosen = iso if layout.has("iso_times") else plain if layout.has("full_times") else bare
        if state is not None and draw < 0.8:
            before = state.content[2:4]
            if any(one == before for one in (bare, plain, iso)):
                chosen = before
        elif draw < 0.03:
            chosen = plain
        elif draw < 0.05:
            chosen = plain[0], bare[1]
        elif draw < 0.06 and day == self._clock.day_of(call.start):
            chosen = bare[0], plain[1]
        if self._read(chosen, call, self._clock.day_of(call.start)) != (call.start, call.end):
            return iso  # bare times that mean something else where clocks change
        started, ended = self._read(chosen, call, day)
        return chosen if 0 <= ended - started <= LONGEST else iso

    def _read(self, texts: Sequence[str], call: Call, day: date) -> tuple[int, int]:
        """The instants that the two times of a call mean when the call is of this day."""
        bare_start, bare_end = (is_bare(text) for text in texts)
        wall_start, wall_end = self._clock.second(call.start), self._clock.second(call.end)
        start = self._clock.instant(day, wall_start) if bare_start else call.start
        if not bare_end:
            return start, call.end
        ends_on = day if bare_start else self._clock.day_of(call.start)
        if wall_end < wall_start if bare_start else self._clock.instant(ends_on, wall_end) < start:
            ends_on += timedelta(days=1)
        return start, self._clock.instant(ends_on, wall_end)

    def _untidy(self, texts: Texts, layout: Layout) -> None:
        """Other spellings of the same values: blanks, case, numbers with a point."""
        draw = self._texts.random()
        if layout.has("decimal_ids"):
            texts[:START] = [f"{text}.0" for text in texts[:START]]
        elif draw < 0.02:
            texts[AGENT] += ".00"
        elif draw < 0.04:
            texts[CALL], texts[CALLER] = f" {texts[CALL]}", f"{texts[CALLER]}.0 "
        elif draw < 0.06:
            texts[STATUS] = f" {texts[STATUS].lower()}"
        elif draw < 0.07:
            texts[START], texts[END] = f" {texts[START]}", f"{texts[END]} "

    def spoil(self, record: Record, rng: Random) -> None:
        """Write the texts that each reason asks for; each has columns of its own."""
        fault, call, texts = record.fault, record.value, record.texts
        for reason in fault.reasons if fault else ():
            kind, _, column = reason.partition("_")
            if kind == "missing":
                texts[COLUMNS.index(column)] = rng.choice(NULL_TOKENS)
            elif reason.startswith("non_numeric_"):
                texts[COLUMNS.index(reason.removeprefix("non_numeric_"))] = rng.choice(_NOT_NUMERIC)
            elif reason in ("invalid_call_start_time", "invalid_call_end_time"):
                texts[COLUMNS.index(column)] = rng.choice(_NO_TIMES)
            elif reason == "unknown_call_status":
                texts[STATUS] = rng.choice(_NO_STATUSES)
            elif reason == "invalid_call_date":
                texts[START], texts[END] = self._clock.iso(call.start), self._clock.iso(call.end)
                texts[DATE] = rng.choice(_NO_DATES)
            elif reason == "call_ended_before_start":
                texts[START] = self._clock.iso(call.start)
                texts[END] = self._clock.iso(call.start - 1 - int(rng.random() * 7200))
            elif reason == "call_too_long":
                far = call.start + 6 * 3600 + int(rng.random() * 5 * 3600)
                bare = rng.random() < 0.5
                write = self._clock.time if bare else self._clock.plain
                texts[START], texts[END] = write(call.start), write(far if bare else far + int(rng.random() * 2) * DAY)

    def take(self, record: Record, layout: Layout, taken: tuple[date, int], before: State | None) -> State:
        """Later versions keep the call's date where they don't give one; its instants follow from the date."""
        del layout
        call, texts = record.value, [text.strip() for text in record.texts]
        full, given = not (is_bare(texts[START]) and is_bare(texts[END])), texts[DATE] not in NULL_TOKENS
        old = before.memory if before is not None else Dates(None, taken[0])
        dates = Dates(self._clock.day_of(call.start) if given or full else old.given, min(old.earliest, taken[0]))
        day = dates.given or dates.earliest
        started, ended = self._read(texts[START : END + 1], call, day)
        content = (call.caller, call.agent, texts[START], texts[END], call.status, day, started, ended)
        return State(content, taken, None if dates.given else dates.earliest, dates)

    def row(self, fact: Fact) -> Sequence[str]:
        """In the order of CALL_COLUMNS; instants in UTC."""
        if fact.state is None:
            raise ValueError(f"call {fact.value.id} was never accepted")
        caller, agent, start, end, status, day, started, ended = fact.state.content
        on, row = fact.state.taken
        return (
            str(fact.value.id), str(caller), str(agent), start, end, status, day.isoformat(), self._clock.utc(started),
            self._clock.utc(ended), str(ended - started), on.isoformat(), str(row),
        )  # fmt: skip


def is_bare(text: str) -> bool:
    """Whether a time is `HH:mm:ss` alone."""
    return len(text.strip()) == len("HH:mm:ss")

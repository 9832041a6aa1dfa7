"""The agent events of the sample: who came online, left, and came back, and how a file tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from spark_jobs.sample.clock import Clock
from spark_jobs.sample.identity import extension_of
from spark_jobs.sample.kinds import MALFORMED_FAULTS, Fact, Fault, Record, State, Texts
from spark_jobs.sample.layout import Layout
from spark_jobs.sample.records import NULL_TOKENS
from spark_jobs.sample.shifts import OFFLINE, ONLINE, REMOTE_OFF, REMOTE_ON, Roster

EVENTS = "agent_events"
COLUMNS = ("done_on", "extension", "action", "details")
EVENT_COLUMNS = (
    "extension", "done_on", "action", "details", "ops_date", "action_rank", "is_productive", "logical_date",
    "row_number",
)  # fmt: skip
DONE_ON, EXTENSION, ACTION, DETAILS = range(len(COLUMNS))
ACTIONS = (ONLINE, OFFLINE, REMOTE_ON, REMOTE_OFF)
_NAMES = ("Done On", "Extension", "Action", "Details")
_OTHER_NAMES = ("done_on", "EXTENSION", "Action ", "details")
_PERIOD = 12
_FEATURES: dict[int, tuple[str, ...]] = {
    2: ("corrected",), 3: ("late_file",), 5: ("other_header", "bom"), 6: ("gzip",), 7: ("crlf",), 8: ("corrected",),
    10: ("other_header", "mixed_line_ends"), 11: ("blank_lines",),
}  # fmt: skip
_FORMATS = ("minutes", "american", "plain_times", "iso_times")
_FAULTS = (
    Fault(("unknown_action",)),
    Fault(("missing_extension",)),
    Fault(("invalid_done_on",)),
    MALFORMED_FAULTS[0],
    Fault(("missing_done_on",)),
    Fault(("missing_extension", "unknown_action")),
    MALFORMED_FAULTS[2],
    Fault(("invalid_done_on", "missing_extension")),
    MALFORMED_FAULTS[3],
    Fault(("missing_done_on", "missing_extension", "unknown_action")),
    MALFORMED_FAULTS[1],
)
_NO_INSTANTS = ("13/32/25 9:00", "yesterday", "2025-02-30 10:00:00", "9:30", "2025-01-06 25:00:00")
_NO_ACTIONS = ("LOGIN", "ON LINE", "", "?", "AWAY", "REMOTE")


class Event(NamedTuple):
    """An event as the source knows it, which is its key too; the instant in whole seconds."""

    extension: str
    done_on: int
    action: str
    details: str


class EventKind:
    """Makes agent events, and knows their texts; see `kinds.Kind`."""

    dataset: str = EVENTS
    columns: tuple[str, ...] = COLUMNS
    faults: tuple[Fault, ...] = _FAULTS

    def __init__(self, seed: int, clock: Clock, roster: Roster, *, dirt: bool) -> None:
        self._clock, self._roster, self._dirt = clock, roster, dirt
        self._after_midnight: list[Event] = []
        self._texts = Random(f"{seed}/agent_events/texts")

    def layout(self, index: int, days: int) -> Layout:
        """Each file has one way of writing instants; without dirt all have the same."""
        del days
        if not self._dirt:
            return Layout(names=_NAMES)
        features = (*_FEATURES.get(index % _PERIOD, ()), _FORMATS[index % len(_FORMATS)])
        if "other_header" in features:
            order = (EXTENSION, DONE_ON, DETAILS, ACTION)
            return Layout(features, order, tuple(_OTHER_NAMES[place] for place in order))
        return Layout(features, names=_NAMES)

    def missing(self, layout: Layout) -> list[str]:
        """None."""
        del layout
        return []

    def born(self, day: date) -> list[Fact]:
        """What the agents did on a day, in order."""
        made = self._after_midnight
        for duty in self._roster.duties(day):
            extension = extension_of(duty.number)
            made += [Event(extension, h.instant, h.action, h.details) for h in duty.happenings]
        made.sort(key=lambda event: (event.done_on, event.extension))
        midnight = self._clock.midnight(day + timedelta(days=1))
        self._after_midnight = [event for event in made if event.done_on >= midnight]
        return [Fact(event) for event in made if event.done_on < midnight]

    def fits(self, fact: Fact, layout: Layout) -> bool:
        """A file with minutes only can't hold an event that is in Silver with its seconds."""
        return not layout.has("minutes") or fact.value.done_on % 60 == 0

    def fitted(self, fact: Fact, layout: Layout) -> Event:
        """A file with minutes only cuts the seconds off."""
        event: Event = fact.value
        return event._replace(done_on=event.done_on - event.done_on % 60) if layout.has("minutes") else event

    def altered(self, value: Event, rng: Random) -> None:
        """An event is its own key: another value is another event."""
        del value, rng

    def texts(self, record: Record, layout: Layout, day: date) -> Texts:
        """The columns of an event as text."""
        del day
        event, rng = record.value, self._texts
        write: Callable[[int], str] = self._clock.plain
        if layout.has("minutes"):
            write = self._clock.short
        elif layout.has("american"):
            write = self._clock.american
        elif layout.has("iso_times"):
            write = self._clock.iso
        texts = [write(event.done_on), event.extension, event.action, event.details]
        if not self._dirt:
            return texts
        draw = rng.random()
        if not event.details and draw < 0.2:
            texts[DETAILS] = rng.choice(NULL_TOKENS)
        elif draw < 0.23:
            texts[ACTION] = f"{event.action.lower()} "
        elif draw < 0.25:
            texts[EXTENSION], texts[DONE_ON] = f" {event.extension}", f"{texts[DONE_ON]} "
        return texts

    def spoil(self, record: Record, rng: Random) -> None:
        """Write the texts that each reason asks for; each has a column of its own."""
        for reason in record.fault.reasons if record.fault else ():
            if reason == "missing_done_on":
                record.texts[DONE_ON] = rng.choice(NULL_TOKENS)
            elif reason == "invalid_done_on":
                record.texts[DONE_ON] = rng.choice(_NO_INSTANTS)
            elif reason == "missing_extension":
                record.texts[EXTENSION] = rng.choice(NULL_TOKENS)
            elif reason == "unknown_action":
                record.texts[ACTION] = rng.choice(_NO_ACTIONS)

    def take(self, record: Record, layout: Layout, taken: tuple[date, int], before: State | None) -> State:
        """Silver holds the event as it is."""
        del layout, before
        return State(tuple(record.value), taken)

    def row(self, fact: Fact) -> Sequence[str]:
        """In the order of EVENT_COLUMNS; the instant in UTC."""
        if fact.state is None:
            raise ValueError(f"the event {fact.value} was never accepted")
        extension, done_on, action, details = fact.state.content
        productive = action in (ONLINE, REMOTE_ON) or details.lower() == "backoffice"
        on, row = fact.state.taken
        return (
            extension, self._clock.utc(done_on), action, details, self._clock.day_of(done_on).isoformat(),
            str(ACTIONS.index(action) + 1), str(productive).lower(), on.isoformat(), str(row),
        )  # fmt: skip

"""The complaints of the sample, over three channels: who complains of what, and how a delivery tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import exp
from random import Random
from typing import NamedTuple

from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.complaint_lists import CATEGORIES, agent_ids, customer_id
from spark_jobs.sample.kinds import MALFORMED_FAULTS, Fact, Fault, Record, State, Texts
from spark_jobs.sample.layout import Layout
from spark_jobs.sample.records import NULL_TOKENS
from spark_jobs.sample.tickets import HOURS, WEEKDAYS, slots

RESOLVED, BLOCKED, BACKLOG, IN_PROGRESS = "Resolved", "Blocked", "Backlog", "In-Progress"
KEY, CUSTOMER, CATEGORY, AGENT, STATUS, REQUESTED, ENDED, WRITTEN = range(8)  # in a record's texts, on every channel
_MEDIA = ("Facebook", "Instagram", "X", "TikTok")
_NO_INSTANTS = ("2025-13-01 10:00:00", "last Tuesday", "2025-02-30 08:00:00", "31/31/24")
_NO_STATUSES = ("Escalated", "Resolvd", "?", "", "closed")
_PERIOD = 8


@dataclass(frozen=True)
class Channel:
    """What is particular to a channel; `names` are the contract's, in the order of a record's texts."""

    dataset: str
    names: tuple[str, ...]
    prefix: str  # of its keys
    per_ticket: float
    reasons: tuple[str, str, str]  # of an unreadable request, of an end before it, of an unreadable day of writing
    features: dict[int, tuple[str, ...]]
    order: tuple[int, ...]  # of the columns in a delivery; -1 is an exported index
    headers: tuple[str, ...]
    malformed: bool = False  # whether records can have the wrong shape
    medium: bool = False

    @property
    def final(self) -> tuple[str, ...]:
        """The columns of the final rows."""
        renamed = {"request_date": "requested_at", "resolution_date": "resolved_at"}
        return (*(renamed.get(name, name) for name in self.names), "logical_date", "row_number")


_COMMON = ("customer_id", "complaint_category", "agent_id", "resolution_status")
CALL_LOGS = Channel(
    "call_logs",
    ("call_id", *_COMMON, "call_start_time", "call_end_time", "call_logs_generation_date"),
    "CL",
    0.5,
    ("invalid_call_start_time", "call_ended_before_start", "invalid_call_logs_generation_date"),
    {1: ("bom", "crlf"), 2: ("other_folder",), 3: ("gzip",), 5: ("late_file", "mixed_line_ends"), 6: ("corrected",)},
    (-1, KEY, CUSTOMER, CATEGORY, AGENT, REQUESTED, ENDED, STATUS, WRITTEN),
    (
        "",
        "call ID",
        "customeR iD",
        "COMPLAINT_catego ry",
        "agent ID",
        "call_start_time",
        "call_end_time",
        "resolutionstatus",
        "callLogsGenerationDate",
    ),
    malformed=True,
)
SOCIAL = Channel(
    "social_complaints",
    ("complaint_id", *_COMMON, "request_date", "resolution_date", "media_complaint_generation_date", "media_channel"),
    "SM",
    0.3,
    ("invalid_request_date", "resolved_before_requested", "invalid_media_complaint_generation_date"),
    {2: ("late_file",), 4: ("corrected",), 5: ("iso_times",)},
    (KEY, CUSTOMER, CATEGORY, AGENT, STATUS, REQUESTED, ENDED, 8, WRITTEN),
    (
        "complaint_id",
        "customer_id",
        "complaint_category",
        "agent_id",
        "resolution_status",
        "request_date",
        "resolution_date",
        "media_channel",
        "media_complaint_generation_date",
    ),
    medium=True,
)
WEB = Channel(
    "web_complaints",
    ("request_id", *_COMMON, "request_date", "resolution_date", "web_form_generation_date"),
    "WF",
    0.4,
    ("invalid_request_date", "resolved_before_requested", "invalid_web_form_generation_date"),
    {3: ("other_case",), 5: ("iso_times",)},
    (KEY, CUSTOMER, CATEGORY, AGENT, STATUS, REQUESTED, ENDED, WRITTEN),
    (
        "request_id",
        "customer_id",
        "complaint_category",
        "agent_id",
        "resolution_status",
        "request_date",
        "resolution_date",
        "web_form_generation_date",
    ),
)
CHANNELS = (CALL_LOGS, SOCIAL, WEB)


class Complaint(NamedTuple):
    """A complaint as the source knows it; instants in whole seconds, `ended` None while nothing says when."""

    id: str
    customer: str
    category: str
    agent: str
    status: str
    requested: int
    ended: int | None
    medium: str


class ComplaintKind:
    """Makes a channel's complaints, and knows their texts; see `kinds.Kind`."""

    def __init__(self, channel: Channel, seed: int, clock: Clock, customers: int, tickets_per_day: int, *, dirt: bool):
        self.channel, self._seed, self._clock, self._customers, self._dirt = channel, seed, clock, customers, dirt
        self.dataset, self.columns, self.faults = channel.dataset, channel.names, _faults(channel)
        self._mean = tickets_per_day * channel.per_ticket
        self._number = self._exported = 0
        self._texts = Random(f"{seed}/{channel.dataset}/texts")
        self._hours = slots({str(hour): weight for hour, weight in enumerate(HOURS)})

    def layout(self, index: int, days: int) -> Layout:
        """The looks of the index-th day's delivery."""
        del days
        self._exported = 0
        features = self.channel.features.get(index % _PERIOD, ()) if self._dirt else ()
        place = len(self.channel.names)  # of the exported index in the texts
        order = tuple(place if at < 0 else at for at in self.channel.order)
        return Layout(features, order, self.channel.headers)

    def missing(self, layout: Layout) -> list[str]:
        """Every delivery has every column."""
        del layout
        return []

    def born(self, day: date) -> list[Fact]:
        """The complaints of a day, in order; a few customers complain often, and of one thing over every channel."""
        rng = Random(f"{self._seed}/{self.dataset}/{day}")
        count = int(self._mean * WEEKDAYS[day.weekday()] * (0.88 + 0.24 * rng.random()) + rng.random())
        midnight, found = self._clock.midnight(day), []
        for _ in range(count):
            second = int(rng.choice(self._hours)) * 3600 + int(rng.random() * 3600)
            found.append(self._complaint(rng, midnight + min(second, DAY - 7200)))
        found.sort(key=lambda one: (one.requested, one.customer))
        facts = []
        for one in found:
            self._number += 1
            facts.append(Fact(one._replace(id=f"{self.channel.prefix}{self._number:07d}")))
        return facts

    def _complaint(self, rng: Random, requested: int) -> Complaint:
        often = rng.random() < 0.3
        number = 1 + int(rng.random() * self._customers * (0.05 if often else 1.02))  # the list lacks the last ones
        category = CATEGORIES[(number if often else int(rng.random() * 97)) % len(CATEGORIES)].category
        status = rng.choice((RESOLVED,) * 5 + (BLOCKED, BACKLOG, BACKLOG, IN_PROGRESS))
        agent = "" if rng.random() < 0.08 else rng.choice(agent_ids())
        if self.channel is CALL_LOGS:
            ended: int | None = requested + 20 + int(300 * exp(0.6 * rng.gauss(0, 1)))
        else:
            ended = requested + 600 + int(20 * 3600 * exp(0.9 * rng.gauss(0, 1)))
        if rng.random() < 0.04 or (status != RESOLVED and self.channel is not CALL_LOGS):
            ended = None
        medium = rng.choice(_MEDIA) if self.channel.medium else ""
        return Complaint("", customer_id(number), category, agent, status, requested, ended, medium)

    def fits(self, fact: Fact, layout: Layout) -> bool:
        """A delivery can hold any complaint."""
        del fact, layout
        return True

    def fitted(self, fact: Fact, layout: Layout) -> Complaint:
        """As it is."""
        del layout
        complaint: Complaint = fact.value
        return complaint

    def altered(self, value: Complaint, rng: Random) -> Complaint:
        """The complaint with another status, and another agent or the same."""
        status = BLOCKED if value.status != BLOCKED else BACKLOG
        return value._replace(status=status, agent=rng.choice(agent_ids()))

    def texts(self, record: Record, layout: Layout, day: date) -> Texts:
        """The columns of a complaint as text, then the exported index."""
        del day
        one: Complaint = record.value
        write = self._clock.iso if layout.has("iso_times") else self._clock.plain
        self._exported += 1
        texts = [
            one.id,
            one.customer,
            one.category,
            one.agent or self._null(),
            one.status,
            write(one.requested),
            self._null() if one.ended is None else write(one.ended),
            self._clock.day_of(one.requested).isoformat(),
            *([one.medium] if self.channel.medium else []),
            str(self._exported),
        ]
        if self._dirt and self._texts.random() < 0.05:
            texts[STATUS] = f" {texts[STATUS].lower()}"
        return texts

    def _null(self) -> str:
        return self._texts.choice(NULL_TOKENS) if self._dirt and self._texts.random() < 0.3 else ""

    def spoil(self, record: Record, rng: Random) -> None:
        """Write the texts that each reason asks for; each has columns of its own."""
        one, texts = record.value, record.texts
        request, ended, written = self.channel.reasons
        for reason in record.fault.reasons if record.fault else ():
            if reason.startswith("missing_"):
                texts[self.channel.names.index(reason.removeprefix("missing_"))] = rng.choice(NULL_TOKENS)
            elif reason == request:
                texts[REQUESTED] = rng.choice((*_NO_INSTANTS, ""))
            elif reason == ended:
                texts[REQUESTED] = self._clock.iso(one.requested)
                texts[ENDED] = self._clock.iso(one.requested - 60 - int(rng.random() * DAY))
            elif reason == written:
                texts[WRITTEN] = rng.choice(("2025-02-30", "soon", "2025-13-01"))
            elif reason == "unknown_resolution_status":
                texts[STATUS] = rng.choice(_NO_STATUSES)
            else:
                texts[ENDED] = rng.choice(_NO_INSTANTS)

    def take(self, record: Record, layout: Layout, taken: tuple[date, int], before: State | None) -> State:
        """A delivery holds a whole complaint: the latest counts."""
        del layout, before
        return State(tuple(record.value), taken)

    def row(self, fact: Fact) -> Sequence[str]:
        """In the order of the channel's final columns; instants in UTC."""
        if fact.state is None:
            raise ValueError(f"complaint {fact.value.id} was never accepted")
        one, (on, row) = Complaint(*fact.state.content), fact.state.taken
        return (
            one.id, one.customer, one.category, one.agent or "-1", one.status, self._clock.utc(one.requested),
            "" if one.ended is None else self._clock.utc(one.ended), self._clock.day_of(one.requested).isoformat(),
            *([one.medium] if self.channel.medium else []), on.isoformat(), str(row),
        )  # fmt: skip


def _faults(channel: Channel) -> tuple[Fault, ...]:
    """Each reason of the contract, some of them together; the first three fit any record."""
    key = f"missing_{channel.names[0]}"
    request, ended, written = channel.reasons
    end = "invalid_call_end_time" if channel is CALL_LOGS else "invalid_resolution_date"
    single = ["unknown_resolution_status", "missing_customer_id", request, ended, key, end, written]
    found = [Fault((reason,)) for reason in single]
    found.append(Fault((key, "missing_customer_id", request, end, written, "unknown_resolution_status")))
    if channel.malformed:
        found[3:3], found[5:5], found[8:8] = MALFORMED_FAULTS[:1], MALFORMED_FAULTS[1:2], MALFORMED_FAULTS[3:4]
    return tuple(found)

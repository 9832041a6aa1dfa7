"""`write_sample`: deliveries for any number of days, and the truth about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_jobs.credentials import given
from spark_jobs.errors import SourceError, UsageError
from spark_jobs.sample.activity import EVENT_COLUMNS, EVENTS, EventKind
from spark_jobs.sample.agents import Agent, Staff, agents_delivery, sample_staff
from spark_jobs.sample.calls import CALL_COLUMNS, CALLS, CallKind
from spark_jobs.sample.clock import Clock
from spark_jobs.sample.complaint_feed import ComplaintFeed, write_contracts
from spark_jobs.sample.complaint_lists import List, changes_on, lists
from spark_jobs.sample.complaints import CHANNELS, ComplaintKind
from spark_jobs.sample.feed import TicketFeed
from spark_jobs.sample.identity import IDENTITY, Identity, final_identities, identity_delivery
from spark_jobs.sample.kinds import Kind
from spark_jobs.sample.landing import delivery_path, put
from spark_jobs.sample.shifts import Roster
from spark_jobs.sample.tickets import TicketSource
from spark_jobs.sample.truth import TICKET_COLUMNS, DayTruth, Truth, TruthWriter
from spark_jobs.sample.unordered import UnorderedFeed

if TYPE_CHECKING:
    import psycopg

AGENTS, TICKETS = "agents_master", "tickets"
COLUMNS = {
    AGENTS: tuple(field.name for field in fields(Agent)),
    TICKETS: TICKET_COLUMNS,
    IDENTITY: tuple(field.name for field in fields(Identity)),
    CALLS: CALL_COLUMNS,
    EVENTS: EVENT_COLUMNS,
}
OPERATIONS = tuple(COLUMNS)
COLUMNS |= {channel.dataset: channel.final for channel in CHANNELS}
COLUMNS |= {name: one.columns for name, one in lists(0, 10).items()}
DATASETS = tuple(COLUMNS)


def write_sample(
    out: Path,
    *,
    start: date,
    days: int,
    tickets_per_day: int,
    seed: int,
    dirt: bool = True,
    zone: str = "UTC",
    skip: Collection[date] = (),
    datasets: Collection[str] = OPERATIONS,
    postgres_url: str | None = None,
) -> Truth:
    """Write `days` daily deliveries of tickets, calls and agent events, and the agents' two lists, below `out`.

    `DATASETS` has complaints besides: by telephone, on social media, by web form, and their three references. Web
    forms are tables of the database at `postgres_url` (or what that refers to), else Parquet files; contracts that read
    files in the place of servers go below `out/_contracts`.

    `tickets_per_day` is the mean number of new tickets; a file holds about twice as many rows once tickets change.
    There are half as many calls again as tickets, and about ten events per agent and day whatever the number. The same
    arguments give the same bytes, and a dataset's files don't depend on which other `datasets` are asked for. `zone`
    is the zone of the texts and of the days. Days in `skip` get no file: theirs comes on the next day. Earlier
    contents of corrected days go below `out/_earlier`, the truth below `out/_truth`. UsageError on arguments that
    can't be meant.
    """
    _check(start, days, tickets_per_day, datasets)
    asked = [name for name in DATASETS if name in datasets]
    parameters = {
        "start": start, "days": days, "tickets_per_day": tickets_per_day, "seed": seed, "dirt": dirt, "zone": zone,
        "skip": sorted(skip), "datasets": asked,
    }  # fmt: skip
    clock, staff = Clock(zone), sample_staff(seed, start, days)
    roster = Roster(seed, clock, staff, dirt=dirt)
    write_contracts(out, asked, with_postgres=postgres_url is not None)
    with TruthWriter(out, {name: COLUMNS[name] for name in asked}) as truth, _connected(postgres_url) as postgres:
        staff_lists = [name for name in asked if name in (AGENTS, IDENTITY)]
        whole = Lists(out, clock, staff, truth, start, dirt, staff_lists)
        customers = max(60, 2 * tickets_per_day)
        references = [one for name, one in lists(seed, customers).items() if name in asked]
        complaints = ComplaintLists(out, clock, truth, start, changes_on(start, days), dirt, references)
        tickets = TicketFeed(out, clock, TicketSource(seed, clock, staff), truth, seed, dirt)
        kinds: tuple[Kind, ...] = (
            CallKind(seed, clock, roster, tickets_per_day, dirt=dirt),
            EventKind(seed, clock, roster, dirt=dirt),
        )
        feeds = [UnorderedFeed(out, clock, kind, truth, seed, dirt) for kind in kinds if kind.dataset in asked]
        for channel in (c for c in CHANNELS if c.dataset in asked):
            of_channel = ComplaintKind(channel, seed, clock, customers, tickets_per_day, dirt=dirt)
            feeds.append(ComplaintFeed(out, clock, of_channel, truth, seed, dirt, postgres))
        for index in range(days):
            day = start + timedelta(days=index)
            whole.deliver(day)
            complaints.deliver(day)
            if TICKETS in asked:
                tickets.deliver(day, tickets_per_day, index, days, missing=day in skip)
            for feed in feeds:
                feed.deliver(day, index, days, missing=day in skip)
        whole.finish()
        complaints.finish()
        tickets.finish()
        for feed in feeds:
            feed.finish()
        return truth.finish(parameters)


@contextmanager
def _connected(url: str | None) -> Iterator[psycopg.Connection[Any] | None]:
    """A connection to the database at `url`, or to the one that it refers to."""
    if url is None:
        yield None
        return
    import psycopg

    try:
        with psycopg.connect(given(url), autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"the sample's tables can't be written: {said}", where="postgres_url") from None


@dataclass(frozen=True)
class ComplaintLists:
    """The deliveries of complaints' references: whole lists, on the first day and on the one on which they change."""

    out: Path
    clock: Clock
    truth: TruthWriter
    start: date
    changes_on: date | None
    dirt: bool
    lists: Collection[List]

    def deliver(self, day: date) -> None:
        """Write a day's lists, if it has any."""
        for one in self.lists:
            delivery = one.delivery(day, self.start, self.changes_on, dirt=self.dirt)
            if delivery is not None:
                put_list(self.out, self.clock, self.truth, one.dataset, *delivery)

    def finish(self) -> None:
        """Write down the final rows."""
        for one in self.lists:
            for row in one.first if self.changes_on is None else one.changed:
                self.truth.row(one.dataset, row)


def put_list(out: Path, clock: Clock, truth: TruthWriter, dataset: str, content: bytes, figures: DayTruth) -> None:
    """Write a whole list and its truth."""
    figures.path = delivery_path(dataset, figures.logical_date)
    put(out, figures.path, content, clock.midnight(figures.logical_date + timedelta(days=1)) + 5 * 3600)
    truth.day(figures)


@dataclass(frozen=True)
class Lists:
    """The deliveries of reference data: whole lists, on the days on which they change."""

    out: Path
    clock: Clock
    staff: Staff
    truth: TruthWriter
    start: date
    dirt: bool
    datasets: Collection[str]

    def deliver(self, day: date) -> None:
        """Write a day's lists, if it has any."""
        if AGENTS in self.datasets:
            self._put(AGENTS, agents_delivery(self.staff, day, self.start, dirt=self.dirt))
        if IDENTITY in self.datasets:
            self._put(IDENTITY, identity_delivery(self.staff, day, self.start, dirt=self.dirt))

    def finish(self) -> None:
        """Write down the final rows."""
        rows = {
            AGENTS: [astuple(agent) for agent in self.staff.final()],
            IDENTITY: [astuple(row) for row in final_identities(self.staff)],
        }
        for dataset in self.datasets:
            for row in rows[dataset]:
                self.truth.row(dataset, row)

    def _put(self, dataset: str, delivery: tuple[bytes, DayTruth] | None) -> None:
        if delivery is not None:
            put_list(self.out, self.clock, self.truth, dataset, *delivery)


def _check(start: date, days: int, tickets_per_day: int, datasets: Collection[str]) -> None:
    if days < 1:
        raise UsageError("a sample has at least one day", where="days", value=days, allowed="1 and more")
    if tickets_per_day < 1:
        raise UsageError("too few tickets", where="tickets_per_day", value=tickets_per_day, allowed="1 and more")
    if not (date(2002, 1, 1) <= start and start.toordinal() + days <= date(2098, 1, 1).toordinal()):
        raise UsageError(
            "the days must lie where two-digit years can be read", where="start", value=start, allowed="2002 to 2097"
        )
    unknown = sorted(set(datasets) - set(DATASETS))
    if unknown or not datasets:
        raise UsageError("no such dataset in the sample", where="datasets", value=unknown, allowed=", ".join(DATASETS))

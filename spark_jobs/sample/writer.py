"""`write_sample`: deliveries for any number of days, and the truth about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple, fields
from datetime import date, timedelta
from pathlib import Path

from spark_jobs.errors import UsageError
from spark_jobs.sample.agents import Agent, Staff, agents_delivery, sample_staff
from spark_jobs.sample.clock import Clock
from spark_jobs.sample.feed import TicketFeed
from spark_jobs.sample.landing import delivery_path, put
from spark_jobs.sample.tickets import TicketSource
from spark_jobs.sample.truth import Truth, TruthWriter


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
) -> Truth:
    """Write `days` daily deliveries of tickets, and agents_master, below the landing root `out`.

    `tickets_per_day` is the mean number of new tickets; a file holds about twice as many rows once tickets change.
    The same arguments give the same bytes. `zone` is the zone of the texts and of the days. Days in `skip` get no
    file: theirs comes on the next day. Earlier contents of corrected days go below `out/_earlier`, the truth below
    `out/_truth`. UsageError on arguments that can't be meant.
    """
    _check(start, days, tickets_per_day)
    clock, staff = Clock(zone), sample_staff(seed, start, days)
    parameters = {
        "start": start, "days": days, "tickets_per_day": tickets_per_day, "seed": seed, "dirt": dirt, "zone": zone,
        "skip": sorted(skip),
    }  # fmt: skip
    with TruthWriter(out) as truth:
        feed = TicketFeed(out, clock, TicketSource(seed, clock, staff), truth, seed, dirt)
        for index in range(days):
            day = start + timedelta(days=index)
            _put_agents(out, clock, staff, day, start, truth, dirt)
            feed.deliver(day, tickets_per_day, index, days, missing=day in skip)
        feed.finish()
        header = [field.name for field in fields(Agent)]
        truth.rows("agents_master", header, (astuple(agent) for agent in staff.final()))
        return truth.finish(parameters)


def _put_agents(out: Path, clock: Clock, staff: Staff, day: date, start: date, truth: TruthWriter, dirt: bool) -> None:
    found = agents_delivery(staff, day, start, dirt=dirt)
    if found is not None:
        content, figures = found
        figures.path = delivery_path("agents_master", day)
        put(out, figures.path, content, clock.midnight(day + timedelta(days=1)) + 5 * 3600)
        truth.day(figures)


def _check(start: date, days: int, tickets_per_day: int) -> None:
    if days < 1:
        raise UsageError("a sample has at least one day", where="days", value=days, allowed="1 and more")
    if tickets_per_day < 1:
        raise UsageError("too few tickets", where="tickets_per_day", value=tickets_per_day, allowed="1 and more")
    if not (date(2002, 1, 1) <= start and start.toordinal() + days <= date(2098, 1, 1).toordinal()):
        raise UsageError(
            "the days must lie where two-digit years can be read", where="start", value=start, allowed="2002 to 2097"
        )

"""The references of complaints: customers, the agents who take complaints, categories; whole lists, changed once."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from spark_jobs.sample.agents import REGULARS, sample_agents
from spark_jobs.sample.truth import DayTruth

CUSTOMERS, COMPLAINT_AGENTS, COMPLAINT_CATEGORIES = "customers", "complaint_agents", "complaint_categories"
_STATES = ("Lagos", "Kano", "Abuja", "Enugu")
_STREETS = ("Harbour Road", "Mill Lane", "Station Street", "Garden Way")


class Category(NamedTuple):
    """One row of `complaint_categories`."""

    category: str
    group: str
    target_hours: str


CATEGORIES = (
    Category("Billing", "Money", "24"),
    Category("Refunds", "Money", "72"),
    Category("Network Failure", "Service", "8"),
    Category("Slow Connection", "Service", "24"),
    Category("Delivery", "Orders", "48"),
    Category("Damaged Item", "Orders", "48"),
    Category("Account Access", "Accounts", "4"),
    Category("Other", "Other", "96"),
)
_LISTED = CATEGORIES[:-1]  # nobody has put the last one on the list yet


@dataclass(frozen=True)
class List:
    """A reference over time: its rows at first and after its change, the delivered headers, and what is dirty then."""

    dataset: str
    columns: tuple[str, ...]
    headers: tuple[str, ...]
    first: tuple[tuple[str, ...], ...]
    changed: tuple[tuple[str, ...], ...]
    dirty: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # rows and their reasons

    def delivery(self, day: date, start: date, changes_on: date | None, *, dirt: bool) -> tuple[bytes, DayTruth] | None:
        """The content of a day's delivery as CSV, which is what a sheet's tab exports, and its truth."""
        if day == start:
            rows, before = list(self.first), dict[str, tuple[str, ...]]()
        elif day == changes_on:
            rows, before = list(self.changed), {row[0]: row for row in self.first}
        else:
            return None
        truth = DayTruth(self.dataset, day, read=len(rows))
        for row in rows:
            known = before.pop(row[0], None)
            fate = "inserted" if known is None else "unchanged" if known == row else "updated"
            setattr(truth, fate, getattr(truth, fate) + 1)
        truth.deleted = len(before)
        if dirt and day == changes_on:
            rows.append(rows[2])  # repeated: it wins over the first one
            truth.read, truth.duplicates, truth.duplicate_rows = truth.read + 1, 1, [3]
            for spoilt, reasons in self.dirty:
                rows.append(spoilt)
                truth.read += 1
                truth.reject(len(rows), reasons)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.headers)
        writer.writerows(rows)
        return text.getvalue().encode(), truth


def lists(seed: int, customers: int) -> Mapping[str, List]:
    """The three lists by their dataset."""
    found = (_customers(seed, customers), _agents(seed), _categories())
    return {one.dataset: one for one in found}


def changes_on(start: date, days: int) -> date | None:
    """The day on which the lists change: half way through, never in a sample of one day."""
    return start + timedelta(days=max(1, days // 2)) if days > 1 else None


def customer_id(number: int) -> str:
    """C000017 of 17."""
    return f"C{number:06d}"


@cache
def agent_ids() -> tuple[str, ...]:
    """The agents who take complaints, as `agent_identity` calls them; the last isn't on the list."""
    return tuple(f"CMP-{number:03d}" for number in range(1, REGULARS + 1) if number % 3)


def _customers(seed: int, count: int) -> List:
    rng = Random(f"{seed}/customers")
    first = tuple(_customer(rng, number) for number in range(1, count + 1))
    changed = list(first[:-1])
    changed[1] = (*changed[1][:5], "moved@example.com", "1 New Street")
    changed[3] = (*changed[3][:6], "2 New Street")
    changed.append(_customer(rng, count + 1))
    doe = ("Jo Doe", "F", "1990-02-28", "2021-01-01", "jo@example.com", "3 Mill Lane")
    dirty = (
        (("N/A", *doe), ("missing_customer_id",)),
        ((customer_id(count + 7), *doe[:2], "1990-02-31", *doe[3:]), ("invalid_date_of_birth",)),
        ((customer_id(count + 8), *doe[:3], "soon", *doe[4:]), ("invalid_signup_date",)),
    )
    columns = ("customer_id", "name", "gender", "date_of_birth", "signup_date", "email", "address")
    headers = ("customeR iD", "name", "Gender", "DATE of biRTH", "signup_date", "email", "address")
    return List(CUSTOMERS, columns, headers, first, tuple(changed), dirty)


def _customer(rng: Random, number: int) -> tuple[str, ...]:
    name = sample_agents(number % 50, 1)[0].agent_name
    born = date(1940, 1, 1) + timedelta(days=int(rng.random() * 24_000))
    joined = date(2015, 1, 1) + timedelta(days=int(rng.random() * 3000))
    mail = f"{name.split()[0].lower()}.{number}@example.com"
    address = f"{1 + int(rng.random() * 99)} {rng.choice(_STREETS)}"
    return customer_id(number), name, rng.choice(("F", "M", "")), born.isoformat(), joined.isoformat(), mail, address


def _agents(seed: int) -> List:
    names = {f"CMP-{int(agent.agent_id[1:]):03d}": agent.agent_name for agent in sample_agents(seed, REGULARS)}
    rows = [
        (name, names[name], ("Junior", "Senior", "Lead")[at % 3], _STATES[at % 4])
        for at, name in enumerate(agent_ids()[:-1])
    ]
    changed = [*rows[:4], (*rows[4][:2], "Lead", rows[4][3]), *rows[5:]]
    dirty = (((" ", "Nobody", "Junior", "Lagos"), ("missing_agent_id",)),)
    columns, headers = ("agent_id", "name", "experience", "state"), ("iD", "NamE", "experience", "state")
    return List(COMPLAINT_AGENTS, columns, headers, tuple(rows), tuple(changed), dirty)


def _categories() -> List:
    rows: Sequence[tuple[str, ...]] = _LISTED
    changed = [*rows[:1], ("Refunds", "Money", "48"), *rows[2:]]
    return List(
        COMPLAINT_CATEGORIES, Category._fields, ("Category", "GROUP", "target hours"), tuple(rows), tuple(changed), ()
    )

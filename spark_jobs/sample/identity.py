"""The deliveries of `agent_identity`: under which ids the agents of the sample go in the other sources."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date

from spark_jobs.sample.agents import Agent, Staff
from spark_jobs.sample.shifts import agent_number
from spark_jobs.sample.truth import DayTruth

IDENTITY = "agent_identity"
_NEVER_KNOWN, _KNOWN_LATER, _WITHOUT_TELEPHONE = 37, 13, 41
_OTHER_HEADER = ("Agent ID", "EXTENSION", "Call Agent Id", "complaint-agent-id", "Assignee")


@dataclass(frozen=True)
class Identity:
    """One row of `agent_identity`; an empty text is an id that the agent doesn't have."""

    agent_id: str
    extension: str
    call_agent_id: str
    complaint_agent_id: str
    assignee: str


def extension_of(number: int) -> str:
    """The extension of the agent with this number: 2001 of A001."""
    return str(2000 + number)


def call_agent_of(number: int) -> int:
    """What the call centre calls the agent with this number: 501 for A001."""
    return 500 + number


def identities(agents: Sequence[Agent]) -> tuple[Identity, ...]:
    """The rows of these agents; one of them stays unknown to the list."""
    found: list[Identity] = []
    for agent in agents:
        number = agent_number(agent.agent_id)
        if number == _NEVER_KNOWN:
            continue
        extension, caller = ("", "") if number == _WITHOUT_TELEPHONE else (extension_of(number), call_agent_of(number))
        complaints = f"CMP-{number:03d}" if number % 3 else ""
        assignee = f"{agent.agent_name.lower().replace(' ', '.')}.{number}"
        found.append(Identity(agent.agent_id, extension, str(caller), complaints, assignee))
    return tuple(found)


def first_identities(staff: Staff) -> tuple[Identity, ...]:
    """The list of the first day: one agent's extension isn't in it yet."""
    return tuple(
        replace(row, extension="") if agent_number(row.agent_id) == _KNOWN_LATER else row
        for row in identities(staff.first)
    )


def final_identities(staff: Staff) -> tuple[Identity, ...]:
    """The rows that the reference table holds in the end."""
    return first_identities(staff) if staff.changes_on is None else identities(staff.changed)


def identity_delivery(staff: Staff, day: date, start: date, *, dirt: bool) -> tuple[bytes, DayTruth] | None:
    """The content of a day's delivery and its truth, or None on a day without one."""
    first = first_identities(staff)
    if day == start:
        return _content(first), DayTruth(IDENTITY, day, read=len(first), inserted=len(first))
    if day != staff.changes_on:
        return None
    rows, before = list(final_identities(staff)), {row.agent_id: row for row in first}
    truth = DayTruth(IDENTITY, day, read=len(rows))
    for row in rows:
        known = before.pop(row.agent_id, None)
        fate = "inserted" if known is None else "unchanged" if known == row else "updated"
        setattr(truth, fate, getattr(truth, fate) + 1)
    truth.deleted = len(before)
    if not dirt:
        return _content(rows), truth
    # a repeated row, which wins over the first one, and a row of nobody
    rows += [rows[2], Identity("N/A", "2999", "", "", "")]
    truth.read += 2
    truth.duplicates, truth.duplicate_rows, truth.features = 1, [3], ["other_header"]
    truth.reject(len(rows), ("missing_agent_id",))
    return _content(rows, _OTHER_HEADER), truth


def _content(rows: Sequence[Identity], header: Sequence[str] = ()) -> bytes:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(header or [field.name for field in fields(Identity)])
    out.writerows(astuple(row) for row in rows)
    return text.getvalue().encode()

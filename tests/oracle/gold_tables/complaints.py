"""The Gold tables of complaints, from the rows of their Silver tables alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.oracle.gold_tables.ticket import Row
from tests.oracle.values import end_of, half_up, hours, percentile, ratio, seconds_between

K = TypeVar("K", bound=Hashable)
Silver = Mapping[str, Sequence[Mapping[str, Any]]]
LAST_AGES = ((17, "under 18"), (24, "18-24"), (34, "25-34"), (44, "35-44"), (54, "45-54"), (64, "55-64"))


@dataclass(frozen=True)
class Complaint:
    """One complaint; instants are aware, dates are business dates, `row` is the Silver row that it came from."""

    row: Mapping[str, Any]
    channel: str
    source_id: str
    medium: str | None
    generated: date | None
    requested_at: datetime
    resolved_at: datetime | None
    request_date: date
    resolved_date: date | None
    call_seconds: int | None

    @property
    def category(self) -> str | None:
        """What it is about."""
        category: str | None = self.row["complaint_category"]
        return category

    @property
    def open_seconds(self) -> int | None:
        """How long it took to be resolved."""
        return seconds_between(self.requested_at, self.resolved_at) if self.resolved_at is not None else None


@dataclass(frozen=True)
class Complaints:
    """All that the Gold tables of complaints may depend on."""

    complaints: list[Complaint]
    silver: Silver
    horizon: date

    def of(self, channel: str) -> list[Complaint]:
        """Those of one channel."""
        return [c for c in self.complaints if c.channel == channel]

    def made(self) -> list[Complaint]:
        """Those made up to the horizon."""
        return [c for c in self.complaints if c.request_date <= self.horizon]


def complaints_from(silver: Silver, horizon: date, zone: ZoneInfo) -> Complaints:
    """The complaints of all channels; what follows from their instants is computed again."""
    found = []
    for row in silver.get("call_logs", ()):
        start, end = _utc(row["call_start_time"]), _utc(row["call_end_time"])
        found.append(_complaint(row, "Call", row["call_id"], None, row["call_logs_generation_date"], start, end, zone))
    for row in silver.get("web_complaints", ()):
        start, end = _utc(row["requested_at"]), _utc(row["resolved_at"])
        found.append(_complaint(row, "Web", row["request_id"], None, row["web_form_generation_date"], start, end, zone))
    for row in silver.get("social_complaints", ()):
        start, end = _utc(row["requested_at"]), _utc(row["resolved_at"])
        medium, generated = row["media_channel"], row["media_complaint_generation_date"]
        found.append(_complaint(row, "Social", row["complaint_id"], medium, generated, start, end, zone))
    return Complaints(found, silver, horizon)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _complaint(
    row: Mapping[str, Any],
    channel: str,
    source_id: str,
    medium: str | None,
    generated: date | None,
    start: datetime | None,
    end: datetime | None,
    zone: ZoneInfo,
) -> Complaint:
    assert start is not None
    on = start.astimezone(zone).date()
    seconds = None if channel == "Call" and end is None else 0
    if channel == "Call" and end is not None:
        seconds = seconds_between(start, end)
    resolved_at, resolved_on = None, None
    if row["resolution_status"] == "Resolved":
        delivered = row["_logical_date"]
        resolved_at = end or max(start, end_of(delivered, zone))
        resolved_on = end.astimezone(zone).date() if end else max(on, delivered)
    return Complaint(row, channel, source_id, medium, generated, start, resolved_at, on, resolved_on, seconds)


def _grouped(complaints: Iterable[Complaint], key: Callable[[Complaint], K]) -> dict[K, list[Complaint]]:
    groups: dict[K, list[Complaint]] = {}
    for complaint in complaints:
        groups.setdefault(key(complaint), []).append(complaint)
    return groups


def _with_inferred(
    listed: Mapping[str, Row], named: Iterable[str | None], key: str, nothing: Sequence[str]
) -> Iterator[Row]:
    for name, row in listed.items():
        yield {key: name, **row, "is_inferred": False}
    for name in sorted({each for each in named if each is not None} - set(listed)):
        yield {key: name, **dict.fromkeys(nothing), "is_inferred": True}


def dim_customers(world: Complaints) -> Iterator[Row]:
    """Ages are those that are reached in the horizon's year."""
    listed: dict[str, Row] = {}
    for row in world.silver.get("customers", ()):
        email, born = row["email"], row["date_of_birth"]
        listed[row["customer_id"]] = {
            "age_band": _band(world.horizon.year - born.year) if born is not None else None,
            "email_hash": hashlib.sha256(email.strip().lower().encode()).hexdigest() if email is not None else None,
            "signup_date": row["signup_date"],
        }
    named = [c.row["customer_id"] for c in world.complaints]
    return _with_inferred(listed, named, "customer_id", ("age_band", "email_hash", "signup_date"))


def _band(age: int) -> str | None:
    if not 0 <= age <= 120:
        return None
    return next((band for last, band in LAST_AGES if age <= last), "65 and over")


def dim_complaint_agents(world: Complaints) -> Iterator[Row]:
    """With the unassigned one."""
    names = ("name", "experience", "state")
    listed = {row["agent_id"]: {n: row[n] for n in names} for row in world.silver.get("complaint_agents", ())}
    listed["-1"] = {"name": "Unassigned", "experience": None, "state": None}
    return _with_inferred(listed, [c.row["agent_id"] for c in world.complaints], "agent_id", names)


def dim_complaint_categories(world: Complaints) -> Iterator[Row]:
    """With their group and target."""
    names = ("group", "target_hours")
    listed = {row["category"]: {n: row[n] for n in names} for row in world.silver.get("complaint_categories", ())}
    return _with_inferred(listed, [c.category for c in world.complaints], "category", names)


def dim_channels(world: Complaints) -> Iterator[Row]:
    """Always the same."""
    del world
    for channel in ("Call", "Social", "Web"):
        yield {"channel": channel}


def dim_date(world: Complaints) -> Iterator[Row]:
    """From the first complaint on."""
    days = [c.request_date for c in world.made()]
    day = min(days, default=world.horizon + timedelta(days=1))
    while day <= world.horizon:
        iso_year, iso_week, weekday = day.isocalendar()
        yield {
            "ops_date": day,
            "iso_year": iso_year,
            "iso_week": iso_week,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "day_of_week": weekday,
            "is_weekend": weekday in (6, 7),
        }
        day += timedelta(days=1)


def _shape(complaint: Complaint) -> Row:
    seconds = complaint.open_seconds
    return {
        "customer_id": complaint.row["customer_id"],
        "agent_id": complaint.row["agent_id"],
        "category": complaint.category,
        "status": complaint.row["resolution_status"],
        "requested_at": complaint.requested_at,
        "resolved_at": complaint.resolved_at,
        "resolution_hours": hours(seconds) if seconds is not None else None,
        "duration_seconds": complaint.call_seconds,
        "request_date": complaint.request_date,
        "resolved_date": complaint.resolved_date,
    }


def _lineage(complaint: Complaint) -> Row:
    return {n: complaint.row[n] for n in ("_source_file", "_row_number", "_logical_date")}


def fct_call_complaints(world: Complaints) -> Iterator[Row]:
    """Calls."""
    for c in world.of("Call"):
        yield {"call_id": c.source_id, **_shape(c), "generated_date": c.generated, **_lineage(c)}


def fct_web_complaints(world: Complaints) -> Iterator[Row]:
    """Web forms."""
    for c in world.of("Web"):
        yield {"request_id": c.source_id, **_shape(c), "generated_date": c.generated, **_lineage(c)}


def fct_social_complaints(world: Complaints) -> Iterator[Row]:
    """Social media."""
    for c in world.of("Social"):
        own: Row = {"complaint_id": c.source_id, "media_channel": c.medium}
        yield {**own, **_shape(c), "generated_date": c.generated, **_lineage(c)}


def fct_unified_complaints(world: Complaints) -> Iterator[Row]:
    """All of them."""
    for c in world.complaints:
        key = hashlib.sha256(f"{c.channel}\x1f{c.source_id}".encode()).hexdigest()
        own = {"channel": c.channel, "source_id": c.source_id, "media_channel": c.medium}
        yield {"complaint_pk": key, **own, **_shape(c), **_lineage(c)}


def complaint_flow_daily(world: Complaints) -> Iterator[Row]:
    """Days of requests and of resolutions."""
    for grain, (opened, resolved, in_backlog) in sorted(_flows(world).items(), key=repr):
        day, category, channel = grain
        counts = {"opened": opened, "resolved": resolved, "in_backlog": in_backlog}
        yield {"ops_date": day, "category": category, "channel": channel, **counts}


def _flows(world: Complaints) -> dict[tuple[date, str | None, str], tuple[int, int, int]]:
    found: dict[tuple[date, str | None, str], tuple[int, int, int]] = {}

    def count(day: date | None, complaint: Complaint, *more: int) -> None:
        if day is not None and day <= world.horizon:
            grain = (day, complaint.category, complaint.channel)
            a, b, c = (x + y for x, y in zip(found.get(grain, (0, 0, 0)), more, strict=True))
            found[grain] = (a, b, c)

    for each in world.complaints:
        count(each.request_date, each, 1, 0, int(each.row["resolution_status"] == "Backlog"))
        count(each.resolved_date, each, 0, 1, 0)
    return found


def complaint_backlog_daily(world: Complaints) -> Iterator[Row]:
    """Each day by itself: what was requested up to it and not resolved up to it."""
    for (category, channel), group in _grouped(world.complaints, lambda c: (c.category, c.channel)).items():
        day = min(c.request_date for c in group)
        while day <= world.horizon:
            opened = [c for c in group if c.request_date == day]
            yield {
                "ops_date": day,
                "category": category,
                "channel": channel,
                "opened": len(opened),
                "resolved": sum(c.resolved_date == day for c in group),
                "backlog": sum(c.request_date <= day < (c.resolved_date or date.max) for c in group),
                "backlog_rate": ratio(sum(c.row["resolution_status"] == "Backlog" for c in opened), len(opened)),
            }
            day += timedelta(days=1)


def complaint_duration_by_category(world: Complaints) -> Iterator[Row]:
    """By the day of the request."""
    for (day, category), group in _grouped(world.made(), lambda c: (c.request_date, c.category)).items():
        resolved = [c.open_seconds for c in group if c.open_seconds is not None]
        called = [c.call_seconds for c in group if c.channel == "Call" and c.call_seconds is not None]
        yield {
            "ops_date": day,
            "category": category,
            "complaints": len(group),
            "resolved": len(resolved),
            "avg_resolution_hours": ratio(sum(resolved), 3600 * len(resolved)),
            "p90_resolution_hours": _p90(resolved, 3600),
            "calls": len(called),
            "avg_call_minutes": ratio(sum(called), 60 * len(called)),
            "p90_call_minutes": _p90(called, 60),
        }


def _p90(seconds: list[int], unit: int) -> Decimal | None:
    return half_up(percentile(seconds, Fraction(9, 10)) / unit) if seconds else None


def channel_hopping_customers(world: Complaints) -> Iterator[Row]:
    """Contacts one after the other, cut where more than a week lies between two."""
    groups = _grouped(world.complaints, lambda c: (c.row["customer_id"], c.category))
    for (customer, category), group in groups.items():
        series: list[list[Complaint]] = []
        for contact in sorted(group, key=lambda c: c.requested_at):
            if not series or contact.requested_at - series[-1][-1].requested_at > timedelta(hours=168):
                series.append([])
            series[-1].append(contact)
        kept = [c for one in series if len({c.channel for c in one}) > 1 for c in one]
        if kept and category is not None:
            yield {
                "customer_id": customer,
                "category": category,
                "channels": sorted({c.channel for c in kept}),
                "first_contact": min(c.requested_at for c in kept),
                "last_contact": max(c.requested_at for c in kept),
                "contacts": len(kept),
            }

"""Records of complaints on every channel and of their references as rows of Silver, or every reason against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tests.oracle.judging import Dataset, Judgement, Rules
from tests.oracle.values import ISO, enumerated, hours_of_sla, instant, seconds_between, text_or_none

STATUSES = ("Resolved", "Blocked", "Backlog", "In-Progress")
SHARED = ("customer_id", "complaint_category", "agent_id", "resolution_status")


@dataclass(frozen=True)
class SilverCallLog:
    """The content of one complaint by telephone in Silver, in Silver's column order, without lineage."""

    call_id: str
    customer_id: str
    complaint_category: str | None
    agent_id: str
    call_start_time: datetime
    call_end_time: datetime | None
    resolution_status: str
    call_logs_generation_date: date | None
    request_date: date
    call_end_date: date | None
    duration_seconds: int | None


@dataclass(frozen=True)
class SilverWeb:
    """Likewise, one complaint by web form."""

    request_id: str
    customer_id: str
    complaint_category: str | None
    agent_id: str
    resolution_status: str
    requested_at: datetime
    resolved_at: datetime | None
    web_form_generation_date: date | None
    request_date: date
    resolution_date: date | None


@dataclass(frozen=True)
class SilverSocial:
    """Likewise, one complaint on social media."""

    complaint_id: str
    customer_id: str
    complaint_category: str | None
    agent_id: str
    resolution_status: str
    media_channel: str | None
    requested_at: datetime
    resolved_at: datetime | None
    media_complaint_generation_date: date | None
    request_date: date
    resolution_date: date | None


@dataclass(frozen=True)
class SilverCustomer:
    """Likewise, one customer."""

    customer_id: str
    name: str | None
    gender: str | None
    date_of_birth: date | None
    signup_date: date | None
    email: str | None
    address: str | None


@dataclass(frozen=True)
class SilverAgent:
    """Likewise, one agent who takes complaints."""

    agent_id: str
    name: str | None
    experience: str | None
    state: str | None


@dataclass(frozen=True)
class SilverCategory:
    """Likewise, one category."""

    category: str
    group: str | None
    target_hours: Decimal | None


@dataclass(frozen=True)
class Span:
    """From when to when, by two columns; a start must be there."""

    start: str
    end: str
    too_early: str

    def read(self, cells: dict[str, str], rules: Rules) -> tuple[datetime | None, datetime | None, tuple[str, ...]]:
        """Both instants and the reasons against them."""
        start, end = (_instant(cells, column, rules) for column in (self.start, self.end))
        unreadable = text_or_none(cells.get(self.end)) is not None and end is None
        return start, end, tuple(self._reasons(start, end, unreadable))

    def _reasons(self, start: datetime | None, end: datetime | None, unreadable: bool) -> Iterator[str]:
        if start is None:
            yield f"invalid_{self.start}"
        if unreadable:
            yield f"invalid_{self.end}"
        if start is not None and end is not None and end < start:
            yield self.too_early


CALLED = Span("call_start_time", "call_end_time", "call_ended_before_start")
WRITTEN = Span("request_date", "resolution_date", "resolved_before_requested")


def _instant(cells: dict[str, str], column: str, rules: Rules) -> datetime | None:
    text = text_or_none(cells.get(column))
    return instant(text, rules.source_zone, (ISO,)) if text is not None else None


def _date(cells: dict[str, str], column: str) -> date | None:
    text = text_or_none(cells.get(column))
    return date.fromisoformat(text) if text is not None else None


def _day(at: datetime | None, rules: Rules) -> date | None:
    return at.astimezone(rules.zone).date() if at is not None else None


def _judged(
    cells: dict[str, str], key: str, span: Span, rules: Rules
) -> tuple[tuple[str, ...], str | None, datetime | None, datetime | None]:
    """The reasons in the contract's order, the key, and both instants."""
    key_text = text_or_none(cells.get(key))
    start, end, about_time = span.read(cells, rules)
    status = enumerated(cells.get("resolution_status"), STATUSES)
    reasons = (
        *((f"missing_{key}",) if key_text is None else ()),
        *(("missing_customer_id",) if text_or_none(cells.get("customer_id")) is None else ()),
        *(reason for reason in about_time if reason != span.too_early),
        *(("unknown_resolution_status",) if status is None else ()),
        *(reason for reason in about_time if reason == span.too_early),
    )
    return reasons, key_text, start, end


def _shared(cells: dict[str, str]) -> tuple[str, str | None, str, str]:
    """Customer, category, agent and status of a record against which there is no reason."""
    customer, category, agent = (text_or_none(cells.get(column)) for column in SHARED[:3])
    status = enumerated(cells["resolution_status"], STATUSES)
    assert customer is not None
    assert status is not None
    return customer, category, agent or "-1", status


def judge_call(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A complaint by telephone."""
    del logical_date
    reasons, key, start, end = _judged(cells, "call_id", CALLED, rules)
    if reasons or key is None or start is None:
        return Judgement(reasons, key)
    customer, category, agent, status = _shared(cells)
    call = SilverCallLog(
        *(key, customer, category, agent, start, end, status, _date(cells, "call_logs_generation_date")),
        *(start.astimezone(rules.zone).date(), _day(end, rules)),
        seconds_between(start, end) if end is not None else None,
    )
    return Judgement((), key, call)


def judge_web(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A complaint by web form."""
    del logical_date
    reasons, key, start, end = _judged(cells, "request_id", WRITTEN, rules)
    if reasons or key is None or start is None:
        return Judgement(reasons, key)
    generated, on = _date(cells, "web_form_generation_date"), start.astimezone(rules.zone).date()
    return Judgement((), key, SilverWeb(key, *_shared(cells), start, end, generated, on, _day(end, rules)))


def judge_social(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A complaint on social media."""
    del logical_date
    reasons, key, start, end = _judged(cells, "complaint_id", WRITTEN, rules)
    if reasons or key is None or start is None:
        return Judgement(reasons, key)
    medium, generated = text_or_none(cells.get("media_channel")), _date(cells, "media_complaint_generation_date")
    on = start.astimezone(rules.zone).date()
    complaint = SilverSocial(key, *_shared(cells), medium, start, end, generated, on, _day(end, rules))
    return Judgement((), key, complaint)


def _listed(cells: dict[str, str], key: str) -> tuple[tuple[str, ...], str]:
    text = text_or_none(cells.get(key))
    return ((f"missing_{key}",), "") if text is None else ((), text)


def judge_customer(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A customer."""
    del logical_date, rules
    reasons, key = _listed(cells, "customer_id")
    if reasons:
        return Judgement(reasons, None)
    name, gender, email, address = (text_or_none(cells.get(c)) for c in ("name", "gender", "email", "address"))
    born, signed_up = _date(cells, "date_of_birth"), _date(cells, "signup_date")
    return Judgement((), key, SilverCustomer(key, name, gender, born, signed_up, email, address))


def judge_agent(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """An agent; the sheet calls the id `id`."""
    del logical_date, rules
    reasons, key = _listed({**cells, "agent_id": cells.get("id", "")}, "agent_id")
    texts = (text_or_none(cells.get(column)) for column in ("name", "experience", "state"))
    return Judgement(reasons, None) if reasons else Judgement((), key, SilverAgent(key, *texts))


def judge_category(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """A category."""
    del logical_date, rules
    reasons, key = _listed(cells, "category")
    target = hours_of_sla(cells.get("target_hours"))
    content = SilverCategory(key, text_or_none(cells.get("group")), target)
    return Judgement(reasons, None) if reasons else Judgement((), key, content)


CALL_LOGS = Dataset(
    "call_logs",
    ("call_id", *SHARED, "call_start_time", "call_end_time", "call_logs_generation_date"),
    ("call_id", "customer_id", "call_start_time", "resolution_status"),
    judge_call,
)
WEB_COMPLAINTS = Dataset(
    "web_complaints",
    ("request_id", *SHARED, "request_date", "resolution_date", "web_form_generation_date"),
    ("request_id", "customer_id", "request_date", "resolution_status"),
    judge_web,
)
SOCIAL_COMPLAINTS = Dataset(
    "social_complaints",
    ("complaint_id", *SHARED, "request_date", "resolution_date", "media_channel", "media_complaint_generation_date"),
    ("complaint_id", "customer_id", "request_date", "resolution_status"),
    judge_social,
)
CUSTOMERS = Dataset(
    "customers",
    ("customer_id", "name", "gender", "date_of_birth", "signup_date", "email", "address"),
    ("customer_id",),
    judge_customer,
    replaces=True,
)
COMPLAINT_AGENTS = Dataset(
    "complaint_agents", ("id", "name", "experience", "state"), ("id",), judge_agent, replaces=True
)
COMPLAINT_CATEGORIES = Dataset(
    "complaint_categories", ("category", "group", "target_hours"), ("category",), judge_category, replaces=True
)
COMPLAINTS = (CALL_LOGS, WEB_COMPLAINTS, SOCIAL_COMPLAINTS, CUSTOMERS, COMPLAINT_AGENTS, COMPLAINT_CATEGORIES)

"""Records of agent_events and agent_identity as rows of Silver, or every reason why they can't be."""

from __future__ import annotations

from datetime import date

from tests.oracle.judging import Dataset, Judgement, Rules, whole_number
from tests.oracle.model import SilverEvent, SilverIdentity
from tests.oracle.values import ISO, US_MINUTE, US_SECOND, enumerated, instant, text_or_none

EVENT_COLUMNS = ("done_on", "extension", "action", "details")
ACTIONS = ("ONLINE", "OFFLINE", "REMVCEON", "REMVCEOFF")
IDENTITY_COLUMNS = ("agent_id", "extension", "call_agent_id", "complaint_agent_id", "assignee")


def productive(action: str, details: str) -> bool:
    """Whether the state after an event is work."""
    return action in ("ONLINE", "REMVCEON") or (action == "OFFLINE" and details.casefold() == "backoffice")


def judge_event(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """An event is its own key."""
    del logical_date
    text, extension = text_or_none(cells.get("done_on")), text_or_none(cells.get("extension"))
    done_on = instant(text, rules.source_zone, (US_MINUTE, US_SECOND, ISO)) if text is not None else None
    action, details = enumerated(cells.get("action"), ACTIONS), text_or_none(cells.get("details")) or ""
    reasons = (
        *(("missing_done_on",) if text is None else ()),
        *(("invalid_done_on",) if text is not None and done_on is None else ()),
        *(("missing_extension",) if extension is None else ()),
        *(("unknown_action",) if action is None else ()),
    )
    if done_on is None or extension is None or action is None:
        return Judgement(reasons, None)
    ops_date = done_on.astimezone(rules.zone).date()
    rank = ACTIONS.index(action) + 1
    event = SilverEvent(extension, done_on, action, details, ops_date, rank, productive(action, details))
    return Judgement((), (extension, done_on, action, details), event)


def judge_identity(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """An agent's ids; all but the first may be absent."""
    del logical_date, rules
    agent_id, call_agent = text_or_none(cells.get("agent_id")), text_or_none(cells.get("call_agent_id"))
    number = whole_number(call_agent)
    reasons = (
        *(("missing_agent_id",) if agent_id is None else ()),
        *(("invalid_call_agent_id",) if call_agent is not None and number is None else ()),
    )
    if reasons or agent_id is None:
        return Judgement(reasons, agent_id)
    extension, complaint_agent_id, assignee = (
        text_or_none(cells.get(column)) for column in ("extension", "complaint_agent_id", "assignee")
    )
    return Judgement((), agent_id, SilverIdentity(agent_id, extension, number, complaint_agent_id, assignee))


AGENT_EVENTS = Dataset("agent_events", EVENT_COLUMNS, EVENT_COLUMNS[:3], judge_event)
AGENT_IDENTITY = Dataset(
    "agent_identity", IDENTITY_COLUMNS, ("agent_id",), judge_identity, replaces=True, unique=IDENTITY_COLUMNS[1:]
)

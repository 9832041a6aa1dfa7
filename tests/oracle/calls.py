"""One record of the calls' feed as a call, or every reason why it can't be one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.judging import Dataset, Judgement, Rules, whole_number
from tests.oracle.model import SilverCall
from tests.oracle.values import ISO, enumerated, instant, seconds_between, text_or_none

COLUMNS = ("call_id", "caller_id", "agent_id", "call_start_time", "call_end_time", "call_status", "call_date")
STATUSES = ("COMPLETED", "DROPPED", "FAILED")
BARE = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DATE_ALONE = len("yyyy-MM-dd")
Told = time | datetime | None
"""A time as it was told: of the day alone, of a day too, or not at all."""


@dataclass(frozen=True)
class Version:
    """What one accepted version says of a call; `given` is the date that it gives, if it gives one."""

    call_id: int
    caller_id: int
    agent_id: int
    start_text: str
    end_text: str
    start: time | datetime
    end: time | datetime
    status: str
    given: date | None
    logical_date: date
    source_zone: ZoneInfo


def judge(cells: dict[str, str], logical_date: date, rules: Rules) -> Judgement:
    """The record by itself: the dates that other versions of the call give don't count here."""
    ids = {column: whole_number(cells.get(column)) for column in COLUMNS[:3]}
    start, end = (_told(text_or_none(cells.get(column)), rules.source_zone) for column in COLUMNS[3:5])
    status = enumerated(cells.get("call_status"), STATUSES)
    date_text = text_or_none(cells.get("call_date"))
    given = _date(date_text) or _day_told(start, end, rules)
    reasons = (
        *_about_ids(cells, ids),
        *(("invalid_call_start_time",) if start is None else ()),
        *(("invalid_call_end_time",) if end is None else ()),
        *(("unknown_call_status",) if status is None else ()),
        *(("invalid_call_date",) if date_text is not None and _date(date_text) is None else ()),
        *_about_length(start, end, given or logical_date, rules),
    )
    call_id, caller_id, agent_id = ids.values()
    if reasons or call_id is None or caller_id is None or agent_id is None or not (start and end and status):
        return Judgement(reasons, call_id)
    start_text, end_text = str(cells["call_start_time"]).strip(), str(cells["call_end_time"]).strip()
    version = Version(
        *(call_id, caller_id, agent_id, start_text, end_text, start, end, status, given, logical_date),
        rules.source_zone,
    )
    return Judgement((), call_id, version)


def _day_told(start: Told, end: Told, rules: Rules) -> date | None:
    """The day that a full time tells: a full start's own, else the last with the start before the end."""
    if isinstance(start, datetime):
        return start.astimezone(rules.zone).date()
    if start is None or not isinstance(end, datetime):
        return None
    day = end.astimezone(rules.source_zone).date()
    began, _ = _instants(start, end, day, rules.source_zone)
    return day if began <= end else day - timedelta(days=1)


def _about_ids(cells: dict[str, str], ids: dict[str, int | None]) -> Iterator[str]:
    for column, number in ids.items():
        if text_or_none(cells.get(column)) is None:
            yield f"missing_{column}"
        elif number is None:
            yield f"non_numeric_{column}"


def _about_length(start: Told, end: Told, day: date, rules: Rules) -> Iterator[str]:
    if start is None or end is None:
        return
    started, ended = _instants(start, end, day, rules.source_zone)
    if isinstance(end, datetime) and ended < started:
        yield "call_ended_before_start"
    if seconds_between(started, ended) > rules.max_call_hours * 3600:
        yield "call_too_long"


def _told(text: str | None, source_zone: ZoneInfo) -> Told:
    bare = BARE.fullmatch(text or "")
    if bare:
        return time(*(int(part) for part in bare.groups()))
    return instant(text, source_zone, (ISO,)) if text is not None and len(text) > DATE_ALONE else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None and DATE.fullmatch(text) else None
    except ValueError:
        return None


def _instants(start: time | datetime, end: time | datetime, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a call of this day began and ended, in UTC. Bare times are what clocks in `zone` showed."""
    if isinstance(start, datetime):
        began, showed = start, start.astimezone(zone).replace(tzinfo=None)
    else:
        showed = datetime.combine(day, start)
        began = showed.replace(tzinfo=zone).astimezone(UTC)
    if isinstance(end, datetime):
        return began, end
    over = datetime.combine(showed.date(), end)
    if over < showed:
        over += timedelta(days=1)
    # Where clocks change, a bare end may come out before the start although no clock showed it so: no time passed.
    return began, max(began, over.replace(tzinfo=zone).astimezone(UTC))


def settle(versions: Sequence[Version]) -> SilverCall:
    """The newest version's values, on the newest date that any version gives, else on the first logical date."""
    last = versions[-1]
    given = [version.given for version in versions if version.given is not None]
    day = given[-1] if given else min(version.logical_date for version in versions)
    began, ended = _instants(last.start, last.end, day, last.source_zone)
    return SilverCall(
        *(last.call_id, last.caller_id, last.agent_id, last.start_text, last.end_text, last.status, day),
        *(began, ended, seconds_between(began, ended)),
    )


def fallback(versions: Sequence[Version]) -> date | None:
    """The first logical date, where it is what stands for the call's date."""
    if any(version.given is not None for version in versions):
        return None
    return min(version.logical_date for version in versions)


CALLS = Dataset("calls", COLUMNS, COLUMNS[:6], judge, settle, fallback)

"""What a call asks for: all that is due, a day, or days; strictly read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from spark_jobs.errors import OpslakeError, nearest

KEYS = ("date", "start", "end", "force")
DAY = "YYYY-MM-DD"
SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # date.fromisoformat takes other forms too
LONGEST = 10_000  # characters of a body


class RequestRefused(OpslakeError):
    """A request that can't be meant."""


@dataclass(frozen=True)
class Asked:
    """A call's days, both ends included; without them it is all that is due."""

    start: date | None = None
    end: date | None = None
    force: bool = False

    @property
    def kind(self) -> Literal["daily", "date", "backfill"]:
        """What is started: all that is due, one day, or a backfill of several."""
        if self.start is None:
            return "daily"
        return "date" if self.start == self.end else "backfill"


def from_text(text: str, today: date) -> Asked:
    """What a request's body asks for; an empty one asks for all that is due. RequestRefused where it can't be meant."""
    if not text.strip():
        return Asked()
    if len(text) > LONGEST:
        raise RequestRefused("the request is too long", value=len(text), allowed=f"up to {LONGEST} characters")
    try:
        values = json.loads(text, object_pairs_hook=_once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RequestRefused("the request isn't JSON", value=text[:80], allowed="a JSON object, or nothing") from error
    return from_values(values, today)


def from_values(values: object, today: date) -> Asked:
    """The same from values; a day may be in the past or `today`, the business date."""
    if not isinstance(values, Mapping):
        raise RequestRefused("the request isn't an object", value=_shown(values), allowed="a JSON object, or nothing")
    for key in values:
        if key not in KEYS:
            raise RequestRefused("unknown parameter", value=_shown(key), allowed=KEYS, hint=nearest(str(key), KEYS))
    start, end = _days(values, today)
    force = values.get("force", False)
    if not isinstance(force, bool):
        raise RequestRefused("not a truth value", where="force", value=_shown(force), allowed="true, false")
    if force and start is None:
        raise RequestRefused(
            "a forced run needs its days", where="force", value=True, allowed="with date, or start and end"
        )
    return Asked(start, end, force)


def _days(values: Mapping[str, Any], today: date) -> tuple[date | None, date | None]:
    if "date" in values and ("start" in values or "end" in values):
        raise RequestRefused(
            "`date` is one day", value=sorted(set(values) - {"force"}), allowed="date, or start and end"
        )
    if ("start" in values) != ("end" in values):
        missing = "end" if "start" in values else "start"
        raise RequestRefused(f"`{missing}` is missing", where=missing, allowed="start and end, or date")
    first, last = ("date", "date") if "date" in values else ("start", "end")
    if first not in values:
        return None, None
    start, end = _day(first, values[first], today), _day(last, values[last], today)
    if start > end:
        raise RequestRefused("`start` is after `end`", value=f"{start} > {end}", allowed="start on or before end")
    return start, end


def _day(key: str, value: object, today: date) -> date:
    if not isinstance(value, str) or not SHAPE.fullmatch(value):
        raise RequestRefused("not a date", where=key, value=_shown(value), allowed=DAY)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise RequestRefused("no such day", where=key, value=value, allowed=f"a day of the calendar, {DAY}") from None
    if day > today:
        raise RequestRefused("a day that has not begun", where=key, value=value, allowed=f"up to {today}")
    return day


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestRefused("a parameter stands twice", value=_shown(twice), allowed="each once")
    return values


def _shown(value: object) -> object:
    """A foreign value as an answer may show it: short."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:80]

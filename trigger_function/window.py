"""From which day on a call looks into the landing: a call costs what is open, and not the length of history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from state.due import MISSING_DELIVERY
from state.ledger import Standing, Status

LOOK_BACK = timedelta(days=35)
"""Settled days of the last five weeks are looked at for corrected files. An older correction announces itself by its
object's event, and every run looks at all days anyway."""
MOST_ATTEMPTS = 3  # as often a run takes up a failed day by itself


def look_from(starts_on: date | None, days: Iterable[Standing], today: date) -> date | None:
    """The first day that must be looked at: the first open one, or the look-back; None: no day is known, so all.

    `days` are those of one dataset; `starts_on` is its contract's first day.
    """
    settled = {day.logical_date: _is_settled(day) for day in days}
    known = [*settled, *([starts_on] if starts_on is not None else [])]
    if not known:
        return None
    day, limit = starts_on or min(known), today - LOOK_BACK
    while day < limit and settled.get(day, False):
        day += timedelta(days=1)
    return min(day, limit)


def _is_settled(day: Standing) -> bool:
    """Whether no run would take the day up as it stands; a file that comes for it may change that."""
    if day.status is Status.FAILED:
        return day.error_class == MISSING_DELIVERY or day.attempt >= MOST_ATTEMPTS
    return day.status in (Status.SUCCEEDED, Status.SKIPPED)

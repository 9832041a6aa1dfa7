"""What every entry does: read the lake's settings and contracts, look, start, and say how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from spark_jobs.contract import load_contracts
from spark_jobs.log import log
from spark_jobs.settings import Settings
from trigger_function.answers import of_answer, without_secrets
from trigger_function.asked import Asked
from trigger_function.looking import Scope, look
from trigger_function.naming import arguments, base_name
from trigger_function.objects import Landed, what_landed
from trigger_function.platform import Platform, Work
from trigger_function.starting import answer

Reply = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Object:
    """An object that landed in a store."""

    bucket: str
    name: str


def call(asked: Asked, settings: Settings, prefix: str, platform: Callable[[], Platform]) -> Reply:
    """Answer a request for all that is due, or for days."""
    scope = Scope(asked.start, asked.end, force=asked.force)
    return _call(asked, scope, settings, prefix, platform, landed=None)


def landed(one: Object, settings: Settings, prefix: str, platform: Callable[[], Platform]) -> Reply:
    """Answer an object's event: where its day is due, a job for all that is due starts."""
    began = time.perf_counter()
    what = what_landed(one.bucket, one.name, settings.landing, load_contracts(settings.contracts).values())
    if what is None:
        return _nothing("no delivery of a dataset and no ready marker", one, began)
    if what.day >= settings.business_today:
        return _nothing(f"{what.dataset} {what.day} isn't over yet", one, began)
    return _call(Asked(), Scope(what.day, what.day, what.dataset), settings, prefix, platform, landed=what)


def _call(
    asked: Asked,
    scope: Scope,
    settings: Settings,
    prefix: str,
    platform: Callable[[], Platform],
    *,
    landed: Landed | None,
) -> Reply:
    began, today = time.perf_counter(), settings.business_today
    view = look(settings, load_contracts(settings.contracts), scope, datetime.now(UTC))
    base = base_name(prefix, asked, today)
    work = Work(asked, arguments(asked, lake=settings.lake, landing=settings.landing, contracts=settings.contracts))
    found = answer(view, base, work, platform, of_object=landed is not None)
    status, body = of_answer(found)
    log.info(
        f"trigger.{found.outcome}",
        status=status,
        job=None if found.job is None else found.job.name,
        message=found.message,
        seconds=round(time.perf_counter() - began, 3),
        **_cause(asked, landed, today),
        **(found.facts or {}),
    )
    return status, body


def _nothing(why: str, one: Object, began: float) -> Reply:
    seconds = round(time.perf_counter() - began, 3)
    log.info("trigger.nothing_due", object=without_secrets(one.name), message=why, seconds=seconds)
    return 200, {"status": "nothing_due", "message": f"nothing to do: {why}"}


def _cause(asked: Asked, landed: Landed | None, today: date) -> dict[str, Any]:
    if landed is not None:
        kind = "marker" if landed.marker else "delivery"
        return {"cause": kind, "dataset": landed.dataset, "day": str(landed.day)}
    return {"cause": asked.kind, "start": str(asked.start or today), "end": str(asked.end or today)}

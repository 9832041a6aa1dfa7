"""One call from what it asks to its answer: nothing due, a job that runs already, one that was started, or not now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spark_jobs.errors import EngineError
from state.due import Due
from trigger_function.looking import View
from trigger_function.naming import MOST_ATTEMPTS, job_name
from trigger_function.platform import Job, Platform, Work

Outcome = Literal["nothing_due", "running", "started", "busy"]


@dataclass(frozen=True)
class Answer:
    """How a call ended; `job` is the one that was started or that runs."""

    outcome: Outcome
    message: str
    job: Job | None = None
    facts: dict[str, Any] | None = None


def answer(view: View, base: str, work: Work, platform: Callable[[], Platform], *, of_object: bool) -> Answer:
    """Start what the view has due, once.

    `base` is what the names of the call's jobs begin with. The platform is asked only where something is due.
    `of_object`: an object that landed is the cause. It may have come after the running job looked, so that a job
    which has the lake is no answer to it; one that is about to start will see it.
    """
    facts = summary(view)
    if not view.due:
        return Answer("nothing_due", _why_nothing(view), facts=facts)
    chosen = platform()
    alive = chosen.alive()
    own = next((job for job in alive if job.name.rpartition("-")[0] == base), None)
    if own is not None and not (of_object and view.holder is not None):
        return Answer("running", f"{own.name} is under way", own, facts)
    if alive:
        return Answer("busy", f"{alive[0].name} is under way; what is due now starts after it", alive[0], facts)
    if view.holder is not None:
        return Answer("busy", f"run {view.holder.run_id} holds the lake; what is due starts after it", facts=facts)
    return _started(chosen, base, work, facts)


def _started(platform: Platform, base: str, work: Work, facts: dict[str, Any]) -> Answer:
    """The first attempt that there wasn't yet; earlier ones died, or what is due came after them."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        name = job_name(base, attempt)
        job = platform.find(name)
        if job is None:
            job = platform.start(name, work)
            if job is None:
                return Answer("busy", "another job is under way; what is due starts after it", facts=facts)
            return Answer("started", f"{name} starts", job, {**facts, "attempt": attempt})
        if job.condition == "alive":  # came to be after the platform was asked for what is alive
            return Answer("running", f"{name} is under way", job, facts)
    raise EngineError(
        "every attempt is used up", where=base, value=MOST_ATTEMPTS, hint="see why these jobs end; then use another day"
    )


def summary(view: View) -> dict[str, Any]:
    """What is due, in figures; `waiting` are days whose delivery may still come."""
    return {
        "due": _counted(view.due),
        "waiting": len(view.waiting),
        "holder": None if view.holder is None else view.holder.run_id,
    }


def _counted(due: Sequence[Due]) -> dict[str, Any]:
    if not due:
        return {"days": 0}
    days = {one.logical_date for one in due}
    datasets = dict(Counter(one.dataset for one in due))
    return {"days": len(days), "first": str(min(days)), "last": str(max(days)), "datasets": datasets}


def _why_nothing(view: View) -> str:
    if view.holder is not None:
        return f"nothing is due that run {view.holder.run_id} doesn't have under way"
    if view.waiting:
        first = view.waiting[0]
        return f"nothing is due; {first.dataset} {first.logical_date}: {first.reason}"
    return "nothing is due"

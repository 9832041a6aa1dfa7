"""Names and arguments of jobs: they follow from the days asked for and the attempt, so that a call has one job."""

from __future__ import annotations

from datetime import date
from uuid import NAMESPACE_URL, uuid5

from trigger_function.asked import Asked

MOST_ATTEMPTS = 99


def base_name(prefix: str, asked: Asked, today: date) -> str:
    """What the names of a call's jobs begin with.

    All that is due goes by the business date of the call, which stays the same while a run works off what is due.
    Letters, digits and hyphens, at most 60 characters for a prefix of 24: a Dataproc batch id has up to 63.
    """
    first = asked.start or today
    last = f"-{asked.end:%Y%m%d}" if asked.end not in (None, asked.start) else ""
    return f"{prefix}-{asked.kind}-{first:%Y%m%d}{last}" + ("-forced" if asked.force else "")


def job_name(base: str, attempt: int) -> str:
    """The name of one attempt, counted from 1."""
    return f"{base}-{attempt}"


def request_id(lake: str, name: str) -> str:
    """The id that makes a repeated request the same request: a UUID of lake and job."""
    return str(uuid5(NAMESPACE_URL, f"{lake}/{name}"))


def arguments(asked: Asked, *, lake: str, landing: str, contracts: str | None) -> dict[str, str]:
    """Options of `opslake run` or `opslake backfill` with their values; `--force` is a flag and has none."""
    found = {"--lake": lake, "--landing": landing}
    if contracts is not None:
        found["--contracts"] = contracts
    if asked.kind == "date":
        found["--date"] = str(asked.start)
    elif asked.kind == "backfill":
        found |= {"--start": str(asked.start), "--end": str(asked.end)}
    return found | ({"--force": ""} if asked.force else {})

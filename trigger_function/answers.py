"""Answers and errors as JSON with a status, without anything secret."""

from __future__ import annotations

import re
from typing import Any

from spark_jobs.errors import ContractError, OpslakeError, UsageError
from trigger_function.platform import PlatformError
from trigger_function.starting import Answer

STATUSES = {"nothing_due": 200, "running": 200, "started": 202, "busy": 409}
RETRY_SECONDS = 60
LONGEST = 300
SECRETS = re.compile(
    r"eyJ[\w.-]{10,}"  # a JSON web token, perhaps cut off
    r"|ya29\.[\w.-]+"  # a Google access token
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|-----BEGIN.*?(?:-----END[^-]*-----|$)"
    r"|(?<=://)[^/\s@]+:[^/\s@]+(?=@)"  # user and password of a URL
    r"|(?i:(?<=bearer )[\w.~+/=-]+)"
    r"|(?i:(?<!trigger_)(?:signature|credential|secret|password|token|private_key|access_?key)[\w-]*[\"']?\s*[=:]\s*[\"']?[^\s\"'&,}]+)",
    re.DOTALL,
)


def of_answer(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Status and body."""
    job = answer.job
    body: dict[str, Any] = {"status": answer.outcome, "message": answer.message}
    if job is not None:
        body["job"] = {"name": job.name, "state": job.state} | ({"run_id": job.run_id} if job.run_id else {})
    return STATUSES[answer.outcome], body | (answer.facts or {})


def of_refusal(error: OpslakeError, status: int = 400) -> tuple[int, dict[str, Any]]:
    """Status and body of a request that can't be meant or isn't allowed: what, where, value and what is allowed."""
    return status, {"status": "refused", "error": _told(error)}


def of_failure(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and body of what went wrong on our side: 500 settings or a contract, 502 and 503 platform and store.

    Of an error that isn't ours nothing but its kind is told: it may hold anything.
    """
    if isinstance(error, PlatformError):
        return (503 if error.again else 502), {"status": "failed", "error": _told(error)}
    if isinstance(error, UsageError | ContractError):
        return 500, {"status": "failed", "error": _told(error)}
    if isinstance(error, OpslakeError):
        return 503, {"status": "failed", "error": _told(error)}
    return 500, {"status": "failed", "error": {"what": f"{type(error).__name__}; see the function's log"}}


def without_secrets(text: str) -> str:
    """A foreign text, cut to a length for a log, with what looks like a credential taken out."""
    return SECRETS.sub("[secret]", text)[:LONGEST]


def _told(error: OpslakeError) -> dict[str, Any]:
    found = {
        "what": error.what,
        "where": error.where,
        "value": error.value,
        "allowed": error.allowed,
        "hint": error.hint,
    }
    return {
        key: value if isinstance(value, int | float | bool) else without_secrets(str(value))
        for key, value in found.items()
        if value is not None
    }

"""An entry's errors as a reply and a log event, without anything secret."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from spark_jobs.errors import first_line
from spark_jobs.log import log
from trigger_function.answers import of_failure, of_refusal, without_secrets
from trigger_function.asked import RequestRefused
from trigger_function.calling import Reply
from trigger_function.identity import NotAllowed


def reply(work: Callable[[], Reply]) -> Reply:
    """The work's reply, or the one that its error makes; never raises."""
    try:
        return work()
    except NotAllowed as error:
        status, body = of_refusal(error, error.status)
        log.warning("trigger.refused", status=status, **body["error"])
    except RequestRefused as error:
        status, body = of_refusal(error)
        log.warning("trigger.refused", status=status, **body["error"])
    except Exception as error:  # a scheduler shall get JSON whatever happened
        status, body = of_failure(error)
        log.error("trigger.failed", status=status, at=_place(error), said=without_secrets(first_line(error)))
    return status, body


def _place(error: Exception) -> str:
    """Where it was raised; the whole trace would show values."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""

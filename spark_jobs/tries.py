"""Three tries with growing pauses, for what depends on a network."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from spark_jobs.errors import Unreachable
from spark_jobs.log import log

Result = TypeVar("Result")

PAUSES = (1.0, 4.0)
"""Seconds before the second and the third try, and at random up to half as much again."""


def three_tries(call: Callable[[], Result]) -> Result:
    """What the call gives; it is made again when it raises `Unreachable`, and the third time the error stands."""
    for pause in PAUSES:
        try:
            return call()
        except Unreachable as error:
            log.warning("source.again", because=str(error), seconds=pause)
            time.sleep(pause * random.uniform(1, 1.5))
    return call()

"""What is asked of a platform that runs jobs, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from spark_jobs.errors import OpslakeError
from trigger_function.asked import Asked

Condition = Literal["alive", "succeeded", "dead"]


@dataclass(frozen=True)
class Job:
    """One attempt on the platform: its name, what the platform calls its state, and its own id where it has one."""

    name: str
    state: str
    condition: Condition
    run_id: str | None = None


@dataclass(frozen=True)
class Work:
    """What a job is to do: the days asked for, and the options of its command with their values."""

    asked: Asked
    arguments: Mapping[str, str]


class Platform(Protocol):
    """A place that runs jobs. Every call may raise PlatformError."""

    def find(self, name: str) -> Job | None:
        """The job of this name, None where there was none."""

    def alive(self) -> Sequence[Job]:
        """The jobs of this lake that run or are about to."""

    def start(self, name: str, work: Work) -> Job | None:
        """Start it and don't wait for it; the one that is there where somebody was faster.

        None: the platform starts nothing while another job runs.
        """


class PlatformError(OpslakeError):
    """The platform refused or didn't answer; `again`: the same call may well succeed later."""

    def __init__(self, what: str, *, where: str, value: object = None, hint: str | None = None, again: bool) -> None:
        super().__init__(what, where=where, value=value, hint=hint)
        self.again = again

"""Messages on their way to receivers: bounded in time, never raising, and never showing an address.

An address in the way of apprise holds credentials, in some services even where a host's name would stand; what is
shown of it is its scheme and its place in the setting.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import SecretStr

Gravity = Literal["info", "warning", "failure"]
TURNS = 6
"""Messages' patience that one call may take for all of its receivers and messages."""

SLOW, UNKNOWN_URL, REFUSED = (
    "it took too long",
    "it isn't an address that apprise knows",
    "it can't be reached or refused the message",
)


@dataclass(frozen=True)
class Receiver:
    """One address; `number` is its place in the setting, from 1; `problem` is why there isn't one after all."""

    number: int
    url: SecretStr
    problem: str | None = None

    @property
    def name(self) -> str:
        """What may be shown of it."""
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", self.url.get_secret_value())
        return f"notify[{self.number}] {scheme.group() if scheme else ''}***"

    @property
    def id(self) -> str:
        """By which it is remembered: eight digits of a hash tell receivers apart and an address from nobody."""
        return hashlib.sha256(self.url.get_secret_value().encode()).hexdigest()[:8]


T = TypeVar("T")


@dataclass(frozen=True)
class Message(Generic[T]):
    """A text, and what it is about."""

    about: T
    title: str
    text: str
    gravity: Gravity = "failure"


@dataclass(frozen=True)
class Delivered(Generic[T]):
    """What a receiver took, and what kept it from taking the rest."""

    receiver: Receiver
    taken: tuple[T, ...]
    problem: str | None = None


def deliver(outgoing: Sequence[tuple[Receiver, Sequence[Message[T]]]], *, seconds: float) -> list[Delivered[T]]:
    """Send each receiver its messages in order, all receivers side by side; one that fails gets no further one.

    A message is given `seconds`, and the pause that its service asks for; the whole call at most six times that.
    """
    until = time.monotonic() + TURNS * seconds
    lines = [_Line(receiver, messages) for receiver, messages in outgoing if messages and not receiver.problem]
    lost = [Delivered[T](receiver, (), receiver.problem) for receiver, _ in outgoing if receiver.problem]
    return [*lost, *(line.result(seconds, until) for line in lines)]


class _Line(Generic[T]):
    """One receiver's messages on a thread of their own: a receiver that never answers can only be left waiting."""

    def __init__(self, receiver: Receiver, messages: Sequence[Message[T]]) -> None:
        self.receiver, self.messages = receiver, messages
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._pause = 0.0
        # A daemon: the process may end while it waits.
        threading.Thread(target=self._work, name=f"notify-{receiver.number}", daemon=True).start()

    def result(self, seconds: float, until: float) -> Delivered[T]:
        """What became of the messages, waiting at most `seconds` for each and not beyond the moment `until`."""
        taken: list[T] = []
        problem = None
        for message in self.messages:
            left = min(seconds + (self._pause if taken else 0), max(until - time.monotonic(), 0.01))
            try:
                problem = self._answers.get(timeout=left)
            except queue.Empty:
                problem = SLOW
            if problem is not None:
                break
            taken.append(message.about)
        self._given_up.set()
        return Delivered(self.receiver, tuple(taken), problem)

    def _work(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # a service's own plug-in may raise anything, and its text may hold the address
            self._answers.put(f"{REFUSED} ({type(error).__name__})")

    def _send_all(self) -> None:
        _keep_quiet()
        import apprise  # takes a third of a second: only who has something to send pays it

        asset = apprise.AppriseAsset(storage_mode="memory")
        service = apprise.Apprise.instantiate(self.receiver.url.get_secret_value(), asset=asset)
        if service is None:
            self._answers.put(UNKNOWN_URL)
            return
        self._pause = float(service.request_rate_per_sec)
        for message in self.messages:
            if self._given_up.is_set():
                return
            gravity = apprise.NotifyType(message.gravity)
            taken = service.notify(title=message.title, body=message.text, notify_type=gravity)
            self._answers.put(None if taken else REFUSED)


def _keep_quiet() -> None:
    """apprise's own warnings would go to the terminal, some with parts of an address."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())

"""Sending to real receivers on this machine: those that take a message, and all the others."""

from __future__ import annotations

import socket
import time

import pytest
from pydantic import SecretStr

from spark_jobs.receivers import REFUSED, SLOW, UNKNOWN_URL, Delivered, Message, Receiver, deliver
from tests.http_receiver import Inbox, receiver

FIRST, SECOND = Message(1, "first", "text", "warning"), Message(2, "second", "text")


def send(*urls: str, seconds: float = 5) -> list[Delivered[int]]:
    """Two messages to each of the addresses."""
    outgoing = [(Receiver(n, SecretStr(url)), [FIRST, SECOND]) for n, url in enumerate(urls, start=1)]
    return deliver(outgoing, seconds=seconds)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_receiver_gets_its_messages_in_order(inbox: Inbox) -> None:
    """With title, text and gravity."""
    (done,) = send(inbox.url)

    assert (done.taken, done.problem) == ((1, 2), None)
    assert [(m["title"], m["message"], m["type"]) for m in inbox.letters] == [
        ("first", "text", "warning"),
        ("second", "text", "failure"),
    ]


@pytest.mark.parametrize("url", ["nonsense", "nosuchservice://token@host", "json://", "http://[", ""])
def test_a_wrong_address_takes_nothing(url: str) -> None:
    """It is said that apprise doesn't know it, and nothing is raised."""
    (done,) = send(url)

    assert (done.taken, done.problem) == ((), UNKNOWN_URL)


def test_a_receiver_that_is_not_there_takes_nothing() -> None:
    """A closed port."""
    (done,) = send(f"json://127.0.0.1:{closed_port()}/")

    assert (done.taken, done.problem) == ((), REFUSED)


def test_a_receiver_that_answers_with_an_error_took_nothing(inbox: Inbox) -> None:
    """HTTP 500."""
    inbox.answer = 500

    assert send(inbox.url)[0].problem == REFUSED


def test_a_slow_receiver_is_left_and_the_others_are_served(inbox: Inbox) -> None:
    """Half a second of patience for one that takes three; it gets no second message later."""
    with receiver() as slow:
        slow.delay = 3
        before = time.monotonic()
        first, second = send(slow.url, inbox.url, seconds=0.5)

        assert time.monotonic() - before < 2
        assert (first.taken, first.problem) == ((), SLOW)
        assert (second.taken, second.problem) == ((1, 2), None)
        slow.delay = 0
        time.sleep(3)
        assert slow.titles == ["first"]


def test_a_receiver_that_fails_gets_no_further_message() -> None:
    """Who doesn't take the first is asked again next time, not once per message."""
    with receiver() as inbox:
        inbox.delay = 0.3
        inbox.answer = 500
        before = time.monotonic()
        send(inbox.url)

        assert time.monotonic() - before < 0.3 + 0.9


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slack://TokenA/TokenB/TokenC", "notify[3] slack://***"),
        ("json://robot:hunter2@ops.example.com/path", "notify[3] json://***"),
        ("tokenwithoutscheme", "notify[3] ***"),
    ],
)
def test_of_an_address_only_the_scheme_is_shown(url: str, shown: str) -> None:
    """Some services have a token where a host would stand."""
    assert Receiver(3, SecretStr(url)).name == shown
    assert "hunter2" not in repr(Receiver(3, SecretStr(url)))


def test_the_library_is_not_loaded_where_there_is_nothing_to_send() -> None:
    """It takes a third of a second."""
    import subprocess
    import sys

    code = (
        "import sys\nimport spark_jobs.cli, spark_jobs.notify as n\nfrom spark_jobs.settings import Settings\n"
        "n.after_run(Settings(lake='nowhere', landing='nowhere', notify=('json://127.0.0.1:1/',)), n.Ended('x', 'r'))\n"
        "assert not {'apprise', 'requests', 'pyspark', 'pyarrow'} & set(sys.modules), 'loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

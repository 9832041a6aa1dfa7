"""A receiver of notifications as there is one in the world: an HTTP server on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Inbox:
    """What came in; `answer` is the status that the server gives after `delay` seconds."""

    def __init__(self) -> None:
        self.letters: list[dict[str, Any]] = []
        self.answer, self.delay, self.port = 200, 0.0, 0

    @property
    def url(self) -> str:
        """Its address in the way of apprise, with credentials in it."""
        return f"json://robot:hunter2@127.0.0.1:{self.port}/secret-path"

    @property
    def titles(self) -> list[str]:
        """The titles of the letters, in the order in which they came."""
        return [letter["title"] for letter in self.letters]

    def emptied(self) -> list[str]:
        """The titles since this was last asked."""
        titles = self.titles
        self.letters.clear()
        return titles


@contextmanager
def receiver() -> Iterator[Inbox]:
    """A server on a free port for the length of the block."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(inbox.delay)
            if inbox.answer == 200:
                inbox.letters.append(letter)
            self.send_response(inbox.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()

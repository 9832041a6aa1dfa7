"""A local server that speaks the Sheets API as gspread calls it, and gives tokens to one service account."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import gspread.client
import gspread.http_client
import gspread.spreadsheet
import gspread.worksheet
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever the account's token_uri
GOOGLE = "https://sheets.googleapis.com"
Cells = list[list[str]]
AGENTS: Cells = [["iD", "NamE", "experience", "state"], ["1", "Ann", "Junior", "Lagos"], ["2", "Bo", "", ""]]


@dataclass
class SheetsServer:
    """Spreadsheets by id, each of tabs by name; `failures` are statuses that the next requests get.

    `before_answer` is called with the path of each request, which waits for it.
    """

    port: int = 0
    books: dict[str, dict[str, Cells]] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    account: dict[str, str] = field(default_factory=dict)
    public: bytes = b""
    before_answer: Callable[[str], None] = lambda _path: None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the built-in contracts of complaints' references want to be set."""
        return {"COMPLAINTS_SHEET": "book", "COMPLAINTS_SHEET_CREDENTIALS": json.dumps(self.account)}


@contextmanager
def sheets_server(patch: pytest.MonkeyPatch) -> Iterator[SheetsServer]:
    """A server for as long as the block lasts, which gspread speaks to instead of Google."""
    server = SheetsServer()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server.public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.port = http.server_port
    server.account = {
        "type": "service_account",
        "client_email": "reader@test.iam.gserviceaccount.com",
        "private_key_id": "k1",
        "private_key": private.decode(),
        "token_uri": f"{server.url}/token",
    }
    speak_to(server.url, patch)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def speak_to(url: str, patch: pytest.MonkeyPatch) -> None:
    """Have gspread speak to the server at `url` instead of Google."""
    for module in (gspread.client, gspread.http_client, gspread.spreadsheet, gspread.worksheet):
        for name, value in vars(module).items():
            if isinstance(value, str) and value.startswith(GOOGLE):
                patch.setattr(module, name, value.replace(GOOGLE, url))


def _handler(server: SheetsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """The token endpoint: a token for an assertion that the account's key has signed."""
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assertion = dict(pair.split("=", 1) for pair in body.split("&"))["assertion"]
            try:
                claims = jwt.decode(unquote(assertion), certs=server.public, audience=AUDIENCE)
                assert claims["scope"].endswith("spreadsheets.readonly")
            except (ValueError, AssertionError):
                self.answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
            else:
                self.answer(200, {"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"})

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            server.requests.append(path)
            server.before_answer(path)
            if server.failures:
                status = server.failures.pop(0)
                self.refuse(status)
            elif self.headers["Authorization"] != "Bearer t0ken":
                self.refuse(401)
            else:
                self.look_up(path.removeprefix("/v4/spreadsheets/"))

        def look_up(self, path: str) -> None:
            name, _, asked = path.partition("/values/")
            book = server.books.get(name)
            if book is None:
                self.refuse(403 if name == "private" else 404)
            elif not asked:
                tabs = [
                    {"properties": {"sheetId": n, "title": t, "index": n, "sheetType": "GRID"}}
                    for n, t in enumerate(book)
                ]
                title = {"title": f"Book {name}", "locale": "en_US"}
                self.answer(200, {"spreadsheetId": name, "properties": title, "sheets": tabs})
            else:
                cells = book[asked.strip("'")]
                shown = [_without_tail(row) for row in cells]
                self.answer(200, {"range": asked, "majorDimension": "ROWS", **({"values": shown} if shown else {})})

        def refuse(self, status: int) -> None:
            self.answer(status, {"error": {"code": status, "message": "no", "status": "NO"}})

        def answer(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    return Handler


def _without_tail(row: list[str]) -> list[str]:
    """The API leaves out empty cells at a row's end."""
    while row and not row[-1]:
        row = row[:-1]
    return row

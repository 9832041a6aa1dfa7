"""A server in front of fake-gcs-server that takes what delta-rs sends in the XML API and the emulator doesn't know.

Google's own servers do, so nothing of the project is there for this. A PUT becomes an upload through the JSON API, with
its preconditions; uploads in parts are put together at their end; of a listing only what comes after `start-after` is
left; everything else is passed on as it comes.

    python -m tests.stores.xml_puts PORT EMULATORS_PORT
"""

from __future__ import annotations

import html
import http.client
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
OBJECT = re.compile(r"/([^/?]+)/([^?]+)")
OTHER_APIS = ("storage", "upload", "download", "batch", "resumable", "_internal")
LISTED = re.compile(rb"<Contents><Key>(.*?)</Key>.*?</Contents>", re.DOTALL)


class Server(ThreadingHTTPServer):
    """Knows where the emulator listens, which objects were uploaded how often, and the parts of open uploads."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, behind: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.behind = behind
        self.lock = threading.Lock()
        self.parts: dict[str, dict[int, bytes]] = {}

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is killed in the midst of a request is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One connection, with one of its own to the emulator."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    upstream: http.client.HTTPConnection | None = None

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _any(self) -> None:
        body, path = self._body(), urlsplit(self.path)
        named = OBJECT.fullmatch(path.path)
        query = parse_qs(path.query, keep_blank_values=True)
        if named is not None and named[1] not in OTHER_APIS and self.command in ("PUT", "POST"):
            self._write(named[1], unquote(named[2]), query, body)
            return
        status, headers, answer = self._pass_on(self.command, self.path, body, dict(self.headers.items()))
        if "start-after" in query:
            first = query["start-after"][0].encode()
            answer = LISTED.sub(lambda one: one[0] if html.unescape(one[1].decode()).encode() > first else b"", answer)
        self._answer(status, headers, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _any

    def _write(self, bucket: str, name: str, query: dict[str, list[str]], body: bytes) -> None:
        """A PUT of an object or a part, or the beginning or end of an upload in parts."""
        if self.command == "PUT" and "uploadId" in query:
            with self.server.lock:
                self.server.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
            self._answer(200, {"ETag": f'"{query["partNumber"][0]}"'}, b"")
        elif "uploads" in query:
            with self.server.lock:
                upload = f"upload-{len(self.server.parts)}"
                self.server.parts[upload] = {}
            found = f"<Bucket>{bucket}</Bucket><Key>{name}</Key><UploadId>{upload}</UploadId>"
            self._answer(200, {}, f"<InitiateMultipartUploadResult>{found}</InitiateMultipartUploadResult>".encode())
        elif self.command == "POST":
            parts = self.server.parts[query["uploadId"][0]]
            status, headers, answer = self._upload(bucket, name, b"".join(parts[n] for n in sorted(parts)))
            told = f"<ETag>{headers.get('ETag', '')}</ETag>"
            done = f"<CompleteMultipartUploadResult>{told}</CompleteMultipartUploadResult>".encode()
            self._answer(status, headers, done if status == 200 else answer)
        else:
            self._answer(*self._upload(bucket, name, body))

    def _upload(self, bucket: str, name: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}"
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted is not None:
            path += f"&ifGenerationMatch={wanted}"
        kind = {"Content-Type": self.headers.get("Content-Type") or "application/octet-stream"}
        status, _, answer = self._pass_on("POST", path, body, kind)
        if status != 200:
            return status, {}, answer
        made = json.loads(answer)
        return 200, {"ETag": f'"{made["etag"]}"', "x-goog-generation": str(made["generation"])}, b""

    def _pass_on(
        self, command: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP}
        for last in (False, True):
            try:
                self.upstream = self.upstream or http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
                self.upstream.request(command, path, body if body or command in ("POST", "PUT") else None, kept)
                answer = self.upstream.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.upstream = None
                if last:
                    raise
        found = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        if command == "HEAD":
            found["Content-Length"] = answer.headers.get("Content-Length") or "0"
        return answer.status, found, content

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


if __name__ == "__main__":
    Server(int(sys.argv[1]), int(sys.argv[2])).serve_forever()

"""Real servers on this machine: fake-gcs-server for `gs://`, moto for `s3://`, with a bucket each."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

from fsspec import AbstractFileSystem

from state.stores import open_files
from tests.lacking import lacking, program

ROOT = Path(__file__).parents[2]
BINARIES = ROOT / ".cache" / "bin"
EMULATOR = "github.com/fsouza/fake-gcs-server@v1.56.1"
# Set so that nothing of the machine's own is taken, and no machine's metadata is asked for.
NOBODY = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@dataclass(frozen=True)
class Store:
    """A server that runs, the scheme that Spark takes for it, and the environment in which it is found."""

    scheme: str
    environment: Mapping[str, str]

    def uri(self, *parts: str) -> str:
        """A place in its bucket."""
        return "/".join([f"{self.scheme}://opslake-tests", *parts])

    def files(self) -> AbstractFileSystem:
        """Its files, as this process sees them; the environment must be the store's."""
        return open_files(self.uri())[0]


def _needs(*packages: str) -> None:
    absent = [name for name in packages if find_spec(name) is None]
    if absent:
        lacking(f"this environment has no {' and no '.join(absent)}", "`make setup` installs all that tests need")


@contextmanager
def google() -> Iterator[Store]:
    """fake-gcs-server, its memory empty, behind the server that knows more of the XML API."""
    _needs("gcsfs")
    emulator, behind, front = _emulator(), free_port(), free_port()
    command = [str(emulator), "-scheme", "http", "-host", "127.0.0.1", "-port", str(behind), "-backend", "memory"]
    command += ["-external-url", f"http://127.0.0.1:{front}", "-public-host", f"127.0.0.1:{behind}"]
    with (
        _running([*command, "-log-level", "error"], behind, "/_internal/healthcheck"),
        _running(
            [sys.executable, "-m", "tests.stores.xml_puts", str(front), str(behind)], front, "/_internal/healthcheck"
        ),
    ):
        _request(behind, "POST", "/storage/v1/b?project=none", b'{"name": "opslake-tests"}')
        yield Store("gs", {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{front}", **NOBODY})


@contextmanager
def amazon() -> Iterator[Store]:
    """moto's server, its memory empty."""
    _needs("s3fs", "moto")
    port = free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **NOBODY,
    }
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, "/moto-api/"):
        _request(port, "PUT", "/opslake-tests")
        yield Store("s3a", environment)


@contextmanager
def _running(command: list[str], port: int, answers: str) -> Iterator[None]:
    """A server of its own: delta-rs may hold this process's interpreter while it waits for an answer."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, answers, process)
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _emulator() -> Path:
    """The emulator's program, built once; it takes Go and a network."""
    found = BINARIES / "fake-gcs-server"
    BINARIES.mkdir(parents=True, exist_ok=True)
    with (BINARIES / "lock").open("w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.is_file():
            _build()
    return found


def _build() -> None:
    go = program("go", "golang")  # nobody packages the emulator
    again = "it takes a network, once"
    try:
        done = subprocess.run(
            [go, "install", EMULATOR],
            env={**os.environ, "GOBIN": str(BINARIES), "GOFLAGS": "-buildvcs=false"},
            capture_output=True,
            text=True,
            timeout=600,
        )
    except subprocess.TimeoutExpired:
        lacking("Go didn't build fake-gcs-server within ten minutes", again)
    else:
        if done.returncode:
            lacking(f"Go can't build fake-gcs-server: {done.stderr.strip()[-300:]}", again)


def _wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _request(port, "GET", path)
            return
        except OSError:
            assert process.poll() is None, f"{process.args!r} ended"
            assert time.monotonic() < deadline, f"{process.args!r} doesn't answer"
            time.sleep(0.05)


def _request(port: int, method: str, path: str, body: bytes | None = None) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    status = connection.getresponse().status
    connection.close()
    assert status == 200, (method, path, status)


def with_jars(scheme: str) -> None:
    """Only where Spark's jars for the store are there; in CI they are resolved."""
    from spark_jobs import session
    from spark_jobs.errors import EngineError
    from spark_jobs.store_jars import store_jars

    try:
        store_jars(f"{scheme}://any", session._spark_home(), ROOT / ".ivy" / "jars-stores" / session.spark_line())
    except EngineError as error:
        lacking(error.what, str(error.hint))

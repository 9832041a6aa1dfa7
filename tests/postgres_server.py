"""A real PostgreSQL server of the tests' own, on a free port, with passwords and TLS."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.lacking import program

DATABASE, USER, PASSWORD = "complaints", "reader", "pa55'w0rd & more"
SETTINGS = {"fsync": "off", "max_connections": "40", "ssl": "on", "listen_addresses": "*", "shared_buffers": "64MB"}


@dataclass(frozen=True)
class PostgresServer:
    """A server with the database `complaints`, whose owner is `reader`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address without credentials."""
        return f"postgresql://127.0.0.1:{self.port}/{DATABASE}"

    @property
    def environment(self) -> dict[str, str]:
        """What the built-in contract of web complaints wants to be set."""
        return {
            "WEB_COMPLAINTS_URL": self.url,
            "WEB_COMPLAINTS_USER": USER,
            "WEB_COMPLAINTS_PASSWORD": PASSWORD,
        }

    def connect(self) -> psycopg.Connection[Any]:
        """A connection as the owner."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=DATABASE, user=USER, password=PASSWORD, autocommit=True
        )

    def execute(self, *statements: str) -> None:
        """Do this, each in a transaction of its own."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def counted(self) -> None:
        """Wait until the server's statistics know of all that was written."""
        self.execute("SELECT pg_stat_force_next_flush()")

    def as_root(self, statement: str) -> None:
        """Do this as the superuser."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname="postgres", user="postgres", password=PASSWORD, autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for as long as the block lasts; skips the test where PostgreSQL isn't installed."""
    bin_folder = _programs()
    openssl = program("openssl", "openssl")
    with tempfile.TemporaryDirectory(prefix="opslake-postgres-") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        port = _free_port()
        if os.getuid() == 0:  # which the server refuses to run as
            _give(folder, "postgres")
        server = PostgresServer(folder, port)
        _run(folder, bin_folder / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256",
             f"--pwfile={folder / 'password'}", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
        _run(folder, openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-keyout", folder / "data/server.key", "-out", folder / "data/server.crt")  # fmt: skip
        with (folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        stated = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
        with (folder / "data/postgresql.conf").open("a") as conf:
            conf.writelines(f"{key} = '{value}'\n" for key, value in stated.items())
        control = (bin_folder / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w")
        _run(folder, *control, "start")
        try:
            server.as_root(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
            server.as_root(f"CREATE DATABASE {DATABASE} OWNER {USER}")
            yield server
        finally:
            _run(folder, *control, "-m", "immediate", "stop")


@contextmanager
def standby_of(server: PostgresServer) -> Iterator[PostgresServer]:
    """A hot standby: it can be read while it follows the server."""
    folder, port = server.folder, _free_port()
    server.as_root("ALTER ROLE postgres REPLICATION")
    source = make_conninfo(host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD)
    options = ("-R", "-X", "stream", "-c", "fast", "--no-sync")
    _run(folder, _programs() / "pg_basebackup", "-d", source, "-D", folder / "standby", *options)
    control = (_programs() / "pg_ctl", "-D", folder / "standby", "-l", folder / "standby.log", "-w")
    _run(folder, *control, "-o", f"-p {port}", "start")
    try:
        yield PostgresServer(folder, port)
    finally:
        _run(folder, *control, "-m", "immediate", "stop")
        shutil.rmtree(folder / "standby")


def _programs() -> Path:
    """Debian keeps its versions beside each other, and none on the PATH."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return (binaries[-1] if binaries else Path(program("initdb", "postgresql"))).parent


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _run(folder: Path, *command: str | Path) -> None:
    as_user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups") if os.getuid() == 0 else ()
    done = subprocess.run(
        [*as_user, *map(str, command)], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _give(folder: Path, user: str) -> None:
    owner = pwd.getpwnam(user)
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.pw_uid, owner.pw_gid)

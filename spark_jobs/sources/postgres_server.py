"""A Postgres server that holds deliveries: where it is, how it is spoken to, and which tables it has."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from spark_jobs.contract.references import ADDRESS_PARAMETERS
from spark_jobs.credentials import given, resolve
from spark_jobs.errors import SourceError, Unreachable

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
PORT = 5432
SAFE_MODES = ("require", "verify-ca", "verify-full")
HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
SESSION = {"TimeZone": "UTC", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "bytea_output": "hex"}
"""What decides how a value becomes text, on every connection that reads rows."""

TABLES = """
SELECT n.nspname, c.relname, c.oid, c.relkind, c.reltuples, pg_table_size(c.oid),
       CASE WHEN c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND NOT pg_is_in_recovery()
                 AND current_setting('track_counts') = 'on'
            THEN concat_ws(':', c.oid, c.relfilenode, extract(epoch FROM d.stats_reset),
                           s.n_tup_ins, s.n_tup_upd, s.n_tup_del) ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
LEFT JOIN pg_stat_database d ON d.datname = current_database()
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(n.nspname) = lower(%s)
ORDER BY 1, 2
"""
"""What a query of the catalogue tells of tables. The last is their token: empty where the server doesn't count what is
written into them, as a standby, or not all of it, as of a table with others below it."""


@dataclass(frozen=True)
class Table:
    """A table, view or the like; `rows` is the server's guess.

    `token` differs when the content may have changed; an empty one says that it always may have.
    """

    schema: str
    name: str
    oid: int
    kind: str
    rows: float
    size: int
    token: str

    @property
    def path(self) -> str:
        """What lineage calls it."""
        return f"postgres://{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Its name in a query."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"


@dataclass(frozen=True)
class Server:
    """How to reach a database; shown without who asks and the password."""

    host: str
    port: int
    database: str
    tls: Mapping[str, str]
    user: str = field(repr=False)
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        return f"postgres://{self.host}:{self.port}/{self.database}"

    @property
    def jdbc_url(self) -> str:
        """The address for JDBC, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = urlencode({**self.tls, "ApplicationName": "opslake"})
        return f"jdbc:postgresql://{host}:{self.port}/{quote(self.database)}?{query}"

    def connect(self) -> psycopg.Connection[Any]:
        """A connection in autocommit mode; `Unreachable` when the server doesn't answer."""
        import psycopg

        try:
            connection = psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=self.database,
                user=self.user or None,
                password=self.password,
                connect_timeout=CONNECT_SECONDS,
                application_name="opslake",
                autocommit=True,
                **dict(self.tls),  # type: ignore[arg-type]
            )
            for name, value in SESSION.items():
                connection.execute(f"SET {name} = '{value}'")
        except psycopg.Error as error:
            raise failure(error, str(self), "can't be connected to") from None
        return connection


def failure(error: psycopg.Error, where: str, what: str) -> SourceError:
    """What went wrong, in the server's words, which hold no password; `Unreachable` when it didn't answer or let go."""
    import psycopg

    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    refused = "FATAL" in said and not any(word in said for word in ("starting up", "shutting down", "too many"))
    gone = isinstance(error, psycopg.OperationalError) and not refused
    return (Unreachable if gone else SourceError)(f"{what}: {said}", where=where)


def server_of(options: Mapping[str, Any], where: str) -> Server:
    """The server that a contract names, its references resolved; SourceError for an address that can't be used.

    A host that isn't this machine is spoken to by TLS only.
    """
    url, host, port = _address(given(str(options["url"])), f"{where}, options.url")
    stated = dict(parse_qsl(url.query))
    mode = stated.setdefault("sslmode", "prefer" if is_local(host) else "require")
    if mode not in SAFE_MODES and not is_local(host):
        hint = "only a server on this machine may be spoken to without TLS"
        raise SourceError("TLS is switched off", where=host, value=f"sslmode={mode}", allowed=SAFE_MODES, hint=hint)
    user = resolve(options["user"]) if "user" in options else unquote(url.username or "")
    password = resolve(options["password"]) if "password" in options else unquote(url.password or "") or None
    return Server(host, port, unquote(url.path.strip("/")), stated, user, password)


def _address(text: str, where: str) -> tuple[SplitResult, str, int]:
    """The address with its host and port; nothing of one that can't be used is shown: it may be of a password."""
    allowed = "postgresql://host:port/database?sslmode=…"
    try:
        url = urlsplit(text.removeprefix("jdbc:"))
        host, port = url.hostname or "localhost", url.port or PORT
    except ValueError:
        url, host, port = urlsplit(""), "", PORT
    if url.scheme not in ("postgresql", "postgres") or not url.path.strip("/") or not HOST.fullmatch(host):
        raise SourceError("not the address of a Postgres database", where=where, allowed=allowed)
    if "@" in url.path + url.query + url.fragment:
        hint = "in a user's name or a password / is written %2F, ? %3F, # %23 and @ %40"
        raise SourceError("an @ stands after the host", where=where, allowed=allowed, hint=hint)
    stated = {name for name, _ in parse_qsl(url.query, keep_blank_values=True)}
    if url.fragment or not stated <= set(ADDRESS_PARAMETERS):
        hint = "user and password stand before the host, or in options"
        raise SourceError("an unknown parameter in the address", where=where, allowed=ADDRESS_PARAMETERS, hint=hint)
    return url, host, port


def is_local(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tables_of(connection: psycopg.Connection[Any], schema: str) -> list[Table]:
    """The tables of a schema, whose name may be in any case, as the catalogue has them now."""
    import psycopg

    try:
        return [Table(*row) for row in connection.execute(TABLES, [schema]).fetchall()]
    except psycopg.Error as error:
        raise failure(error, schema, "its tables can't be listed") from None


def identifier(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"

"""Tables of web complaints for tests: made, filled, and read back by plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from tests.postgres_server import PostgresServer

COLUMNS = (
    "request_id", "customer_id", "complaint_category", "agent_id", "resolution_status",
    "request_date", "resolution_date", "web_form_generation_date",
)  # fmt: skip
Record = tuple[str | None, ...]


def request(key: str | None, **cells: str | None) -> Record:
    """A request that is worked on; `resolution_date` resolves it."""
    resolved = {"resolution_status": "Resolved"} if cells.get("resolution_date") else {}
    values: dict[str, str | None] = {
        "customer_id": "c1",
        "complaint_category": "Billing",
        "resolution_status": "In-Progress",
        "request_date": "2024-03-01 10:00:00",
        "web_form_generation_date": "2024-03-01",
        **resolved,
        **cells,
    }
    return (key, *(values.get(name) for name in COLUMNS[1:]))


def name_of(day: date) -> str:
    """The day's table, quoted."""
    return f'customer_complaints."Web_form_request_{day:%Y_%m_%d}"'


def put_table(
    server: PostgresServer, day: date, records: Iterable[Record], *, columns: Sequence[str] = COLUMNS, name: str = ""
) -> None:
    """Make the day's table anew, of text columns, and wait until the server's statistics know it."""
    table = name or name_of(day)
    shape = ", ".join(f'"{column}" text' for column in columns)
    with server.connect() as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.partition('.')[0]}")
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({shape})")
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for record in records:
                copy.write_row(record)
        connection.execute("SELECT pg_stat_force_next_flush()")


def drop_all(server: PostgresServer) -> None:
    """Leave no complaints behind."""
    server.execute("DROP SCHEMA IF EXISTS customer_complaints CASCADE")

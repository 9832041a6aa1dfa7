"""A table a day from a real PostgreSQL server: found, compared, read in one snapshot; no Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from time import sleep
from typing import Any

import psycopg
import pytest

from spark_jobs import tries
from spark_jobs.contract import Contract, load_contract
from spark_jobs.errors import SourceError, Unreachable
from spark_jobs.sources import postgres as source
from spark_jobs.sources.postgres_server import is_local, server_of
from spark_jobs.sources.record import Asked, File
from state.landing import Delivery
from tests.postgres_server import PASSWORD, USER, PostgresServer, standby_of
from tests.sources.postgres_tables import COLUMNS, Record, drop_all, name_of, put_table, request

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
NOTHING = Asked({}, NEXT)


@pytest.fixture
def web(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """The built-in contract, its server named in the environment, and no table yet."""
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))
    drop_all(postgres)
    yield load_contract("web_complaints")
    drop_all(postgres)


def read(contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]) -> list[dict[str, Any]]:
    """The records of some days, as Bronze would have them."""
    with source.opened(contract, deliveries) as tables:
        files = [File(d.path, d.modified, day, d.delivery, d.size) for day, ds in tables.deliveries.items() for d in ds]
        return list(tables.here(files, run_id="r", load_time=datetime(2024, 3, 3, tzinfo=UTC)).to_pylist())


def opened_once(contract: Contract) -> dict[date, tuple[Delivery, ...]]:
    """The deliveries with their checksums."""
    with source.opened(contract, source.find(contract, NOTHING)) as tables:
        return dict(tables.deliveries)


def test_tables_are_found_by_the_day_in_their_name_whatever_its_case(web: Contract, postgres: PostgresServer) -> None:
    """Other tables of the schema are none of its deliveries; nothing is read before it is loaded."""
    put_table(postgres, DAY, [request("a")])
    put_table(postgres, NEXT, [], name="customer_complaints.web_FORM_request_2024_03_02")
    put_table(postgres, NEXT, [], name='customer_complaints."Web_form_request_2024_13_02"')
    found = source.find(web, NOTHING)
    assert {day: [(d.path, d.checksum) for d in files] for day, files in found.items()} == {
        DAY: [("postgres://customer_complaints.Web_form_request_2024_03_01", "")],
        NEXT: [("postgres://customer_complaints.web_form_request_2024_03_02", "")],
    }


def test_records_are_numbered_by_key_and_then_by_all_columns_as_text(web: Contract, postgres: PostgresServer) -> None:
    """Byte by byte, nothing first; the expected order is Python's own."""
    records: list[Record] = [
        request("b"), request("B"), request("é"), request("a", customer_id="c9"), request("a", customer_id="c10"),
        request(None), request("a", customer_id=None), request("10"), request("9"), request("a'b\\"), request("b"),
    ]  # fmt: skip
    put_table(postgres, DAY, records)
    rows = read(web, source.find(web, NOTHING))
    ordered = sorted(records, key=lambda record: [(value is not None, (value or "").encode()) for value in record])
    assert [(row["_row_number"], *(row[name] for name in COLUMNS)) for row in rows] == [
        (number, *record) for number, record in enumerate(ordered, start=1)
    ]
    assert {(row["_source_file"], row["_logical_date"]) for row in rows} == {
        ("postgres://customer_complaints.Web_form_request_2024_03_01", DAY)
    }


def test_values_of_every_type_are_text_whatever_the_servers_settings(web: Contract, postgres: PostgresServer) -> None:
    """Instants in UTC, dates in ISO; a column that the contract doesn't know is kept beside."""
    postgres.execute(
        f"ALTER ROLE {USER} SET TimeZone = 'Asia/Kolkata'",
        f"ALTER ROLE {USER} SET DateStyle = 'German'",
        "CREATE SCHEMA customer_complaints",
        f'CREATE TABLE {name_of(DAY)} AS SELECT 7::bigint AS "Request ID", 1.50::numeric AS customer_id, '
        "timestamp '2024-03-01 10:00:00.5' AS request_date, timestamptz '2024-03-01 12:00:00+01' AS resolution_date, "
        "date '2024-03-01' AS web_form_generation_date, true AS \"is Urgent?\"",
    )
    try:
        (row,) = read(web, source.find(web, NOTHING))
    finally:
        postgres.execute(f"ALTER ROLE {USER} RESET ALL")
    assert [row[name] for name in ("request_id", "customer_id", "request_date", "resolution_date")] == [
        "7", "1.50", "2024-03-01 10:00:00.5", "2024-03-01 11:00:00+00",
    ]  # fmt: skip
    assert (row["web_form_generation_date"], row["agent_id"], row["_extra"]) == (
        "2024-03-01", None, [("is_urgent", "true")],
    )  # fmt: skip


def test_a_large_table_is_cut_by_key_into_parts_that_hold_every_row_once(
    web: Contract, postgres: PostgresServer
) -> None:
    """Keys that are repeated, missing, or full of quotes fall into one part each; numbers run through."""
    keys: list[str | None] = [f"k'{n % 700:04}" for n in range(2000)]
    records = [request(key, customer_id=f"c{n}") for n, key in enumerate([*keys, *[None] * 50])]
    put_table(postgres, DAY, records)
    postgres.execute(f"ANALYZE {name_of(DAY)}")
    cut = replace(web, options={**web.options, "partitionRows": 300})
    whole, parts = read(web, source.find(web, NOTHING)), read(cut, source.find(cut, NOTHING))
    with source.opened(cut, source.find(cut, NOTHING)) as tables:
        (extract,) = tables.extracts.values()
    assert len(extract.parts) > 3
    assert [(r["_row_number"], r["request_id"], r["customer_id"]) for r in parts] == [
        (r["_row_number"], r["request_id"], r["customer_id"]) for r in whole
    ]
    assert [r["_row_number"] for r in parts] == list(range(1, 2051))
    assert {r["_delivery"] for r in parts} == {r["_delivery"] for r in whole}


def test_the_checksum_is_of_the_rows_whatever_their_order(web: Contract, postgres: PostgresServer) -> None:
    """A value, a repeated row and a column's name change it; null isn't empty text."""
    variants = [
        [request("a"), request("b")],
        [request("b"), request("a")],
        [request("a"), request("b"), request("b")],
        [request("a"), request("b", agent_id="")],
        [request("a"), request("b", agent_id="1")],
        [],
    ]
    checksums = []
    for records in variants:
        put_table(postgres, DAY, records)
        ((delivery,),) = opened_once(web).values()
        checksums.append(delivery.checksum)
    put_table(postgres, DAY, variants[0], columns=("request_no", *COLUMNS[1:]))
    checksums.append(opened_once(web)[DAY][0].checksum)
    assert checksums[0] == checksums[1]
    assert len(set(checksums)) == len(checksums) - 1


def test_a_table_that_was_not_written_since_is_not_read_again(
    web: Contract, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue's entry is enough; after a write the content is compared, and only other content is a change."""
    put_table(postgres, DAY, [request("a")])
    known = Asked(opened_once(web), NEXT)

    asked: list[str] = []
    content = source._content
    monkeypatch.setattr(source, "_content", lambda *args: asked.append(args[1].name) or content(*args))
    assert source.find(web, known)[DAY] == list(known.days[DAY])
    assert asked == []

    postgres.execute(f"UPDATE {name_of(DAY)} SET agent_id = '5'", "SELECT pg_stat_force_next_flush()")
    (changed,) = source.find(web, known)[DAY]
    assert asked == ["Web_form_request_2024_03_01"]
    assert changed.checksum != known.days[DAY][0].checksum

    postgres.execute(f"UPDATE {name_of(DAY)} SET agent_id = NULL", "SELECT pg_stat_force_next_flush()")
    (back,) = source.find(web, known)[DAY]
    assert (back.checksum, back.modified) == (known.days[DAY][0].checksum, known.days[DAY][0].modified)


def test_a_standby_counts_no_writes_so_its_tables_are_compared_by_content(
    web: Contract, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A corrected table is another delivery there, too; one that is as it was is the same one, on every look."""
    put_table(postgres, DAY, [request("a"), request("b")])
    with standby_of(postgres) as standby:
        monkeypatch.setenv("WEB_COMPLAINTS_URL", standby.url)
        known = Asked(opened_once(web), NEXT)
        assert source.find(web, known)[DAY] == list(known.days[DAY])

        postgres.execute(f"UPDATE {name_of(DAY)} SET agent_id = '5'")
        wait_for(standby, f"SELECT count(*) = 2 FROM {name_of(DAY)} WHERE agent_id = '5'")
        (changed,) = source.find(web, known)[DAY]
        assert changed.checksum != known.days[DAY][0].checksum
        assert opened_once(web)[DAY][0].checksum == changed.checksum


def test_what_is_written_into_a_table_below_another_is_a_change_of_that(
    web: Contract, postgres: PostgresServer
) -> None:
    """Its rows are read with the other's, whose counters they don't move."""
    put_table(postgres, DAY, [request("a")])
    postgres.execute(f"CREATE TABLE customer_complaints.more () INHERITS ({name_of(DAY)})")
    known = Asked(opened_once(web), NEXT)
    assert source.find(web, known)[DAY] == list(known.days[DAY])

    postgres.execute("INSERT INTO customer_complaints.more (request_id) VALUES ('b')")
    postgres.counted()
    (changed,) = source.find(web, known)[DAY]
    postgres.execute("DROP TABLE customer_complaints.more")
    assert changed.checksum != known.days[DAY][0].checksum


def wait_for(server: PostgresServer, question: str) -> None:
    """Until the answer is true."""
    with server.connect() as connection:
        for _ in range(200):
            if connection.execute(question).fetchone() == (True,):
                return
            sleep(0.05)
    raise AssertionError(question)


def test_what_is_read_is_of_one_moment(web: Contract, postgres: PostgresServer) -> None:
    """Rows that come after the table was opened are in neither the checksum nor the records."""
    put_table(postgres, DAY, [request("a")])
    before = opened_once(web)
    with source.opened(web, source.find(web, NOTHING)) as tables:
        postgres.execute(f"INSERT INTO {name_of(DAY)} (request_id) VALUES ('late')")
        ((delivery,),) = tables.deliveries.values()
        file = File(delivery.path, delivery.modified, DAY, delivery.delivery, delivery.size)
        rows = tables.here([file], run_id="r", load_time=datetime(2024, 3, 3, tzinfo=UTC))
    assert delivery.checksum == before[DAY][0].checksum
    assert rows["request_id"].to_pylist() == ["a"]


def test_a_table_that_is_gone_is_named(web: Contract, postgres: PostgresServer) -> None:
    """It was there when the run was planned."""
    put_table(postgres, DAY, [])
    found = source.find(web, NOTHING)
    drop_all(postgres)
    with pytest.raises(
        SourceError, match=r"^postgres://customer_complaints\.Web_form_request_2024_03_01: .*isn't there"
    ):
        read(web, found)


def test_a_table_that_may_not_be_read_is_named(web: Contract, postgres: PostgresServer) -> None:
    """In the server's own words."""
    put_table(postgres, DAY, [])
    postgres.execute(f"REVOKE ALL ON {name_of(DAY)} FROM {USER}")
    with pytest.raises(SourceError, match=r"Web_form_request_2024_03_01: .*permission denied"):
        read(web, source.find(web, NOTHING))


def test_a_wrong_password_is_refused_once_and_shown_nowhere(
    web: Contract, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message says who was refused, the password is in neither it nor the log."""
    monkeypatch.setenv("WEB_COMPLAINTS_PASSWORD", "wr0ng-s3cret")
    with pytest.raises(SourceError, match="password authentication failed for user") as caught:
        source.find(web, NOTHING)
    assert not isinstance(caught.value, Unreachable)
    shown = f"{server_of(web.options, 'web')!r} {server_of(web.options, 'web')}"
    told = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text} {capfd.readouterr()} {shown}"
    assert "wr0ng" not in told
    assert PASSWORD not in told


def test_a_server_that_does_not_answer_is_asked_three_times(
    web: Contract, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Then the dataset fails, with the server's address."""
    monkeypatch.setenv("WEB_COMPLAINTS_URL", "postgresql://127.0.0.1:1/complaints")
    tried: list[Any] = []
    connect = psycopg.connect
    monkeypatch.setattr(psycopg, "connect", lambda **given: tried.append(given["port"]) or connect(**given))
    with pytest.raises(Unreachable, match=r"^postgres://127\.0\.0\.1:1/complaints: can't be connected to"):
        source.find(web, NOTHING)
    assert tried == [1, 1, 1]
    capfd.readouterr()


def test_another_machine_is_spoken_to_by_tls_only(web: Contract, postgres: PostgresServer) -> None:
    """An address that isn't known to be this machine's counts as another's: without TLS it isn't spoken to."""
    address = f"postgresql://0.0.0.0:{postgres.port}/complaints"
    options = {**web.options, "url": address}
    with server_of(options, "web").connect() as connection:
        used = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert used == (True,)
    assert "sslmode=require" in server_of(options, "web").jdbc_url
    with pytest.raises(SourceError, match="TLS is switched off"):
        server_of({**options, "url": f"{address}?sslmode=disable"}, "web")

    postgres.as_root("ALTER SYSTEM SET ssl = off")
    postgres.as_root("SELECT pg_reload_conf()")
    try:
        with pytest.raises(SourceError, match="SSL"):
            server_of(options, "web").connect()
    finally:
        postgres.as_root("ALTER SYSTEM SET ssl = on")
        postgres.as_root("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.0.0.5", True), ("::1", True), ("10.0.0.1", False), ("localhost.example.com", False)],
)
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    """A name that merely looks like it isn't."""
    assert is_local(host) is local


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:12/ss3cret@db.example.com/complaints",
        "postgresql://u:12?ss3cret@db.example.com/complaints",
        "postgresql://u:12#ss3cret@db.example.com/complaints",
        "postgresql://h/complaints?user=u&password=ss3cret",
        "postgresql://h/complaints#ss3cret",
        "postgresql:///complaints?host=db.example.com",
        "postgresql://db.example.com,x.localhost/complaints?sslmode=disable",
        "postgresql://h",
        "mysql://h/ss3cret",
    ],
)
def test_an_address_that_may_be_meant_otherwise_is_refused_without_being_shown(address: str) -> None:
    """A password whose / isn't written as %2F, parameters that would be passed over, two hosts in the place of one."""
    with pytest.raises(SourceError, match=r"^web, options\.url: ") as refused:
        server_of({"url": address}, "web")
    assert "ss3cret" not in str(refused.value)
    assert "found" not in str(refused.value)


def test_an_address_may_hold_all_of_the_credentials_where_it_is_a_secret_itself(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As secret stores keep it; the password is quoted as in any URL, and not part of what JDBC is told as address."""
    monkeypatch.setenv("DSN", f"postgres://{USER}:pa55%27w0rd%20%26%20more@localhost:{postgres.port}/complaints")
    server = server_of({"url": "env:DSN"}, "web")
    with server.connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (USER,)
    assert "pa55" not in server.jdbc_url + repr(server) + str(server)

"""Forgotten customers in what is delivered, before Bronze keeps it."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from spark_jobs.bronze_files import WRITTEN, write_in_task
from spark_jobs.contract import Contract
from spark_jobs.direct import frame_of
from spark_jobs.forgotten import Forgotten, cleaner, without_forgotten
from spark_jobs.sources.batches import bronze_schema
from tests.contract_texts import parcels, parsed

KEY = b"a secret of the test's own"


def gone(who: str) -> Forgotten:
    """One forgotten customer."""
    return Forgotten(KEY, frozenset({hmac.new(KEY, who.encode(), "sha256").hexdigest()}))


GONE = gone("C-1")
OWNED = parsed(
    parcels(
        ("  - {property: nullTokens", "  - {property: customerIdColumn, value: owner}\n  - {property: nullTokens"),
        (
            "      - name: changed_at\n",
            "      - {name: owner, physicalType: string}\n"
            "      - {name: mail, physicalType: string, classification: personal}\n      - name: changed_at\n",
        ),
    )
)
PERSONS = parsed(
    parcels(
        ("  - {property: nullTokens", "  - {property: customerIdColumn, value: parcel_id}\n  - {property: nullTokens")
    )
)
LINEAGE = {"_source_file": "f", "_delivery": "d", "_logical_date": date(2024, 1, 2), "_run_id": "r"}
INSTANTS = {name: datetime(2024, 1, 3, tzinfo=UTC) for name in ("_file_modified", "_load_time")}


def rows(contract: Contract, *records: dict[str, Any]) -> pa.Table:
    """Records in the shape of Bronze."""
    shape = bronze_schema(contract.source_names)
    whole = [{**LINEAGE, **INSTANTS, "_row_number": n, **record} for n, record in enumerate(records, 1)]
    return pa.Table.from_pylist([{name: row.get(name) for name in shape.names} for row in whole], shape)


def told(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of all rows."""
    return [tuple(row[name] for name in names) for row in table.select(names).to_pylist()]


def test_what_a_forgotten_customer_did_is_nobody_s() -> None:
    """The id, blanks around it aside, and what is personal or unknown; rows stay, and others keep theirs."""
    delivered = rows(
        OWNED,
        {"parcel_id": "1", "owner": " C-1 ", "mail": "ann@example.org", "_extra": [("note", "Ann")]},
        {"parcel_id": "2", "owner": "C-10", "mail": "ben@example.org", "_extra": [("note", "Ben")]},
        {"parcel_id": "3", "mail": "x"},
    )
    found = without_forgotten(delivered, OWNED, GONE)
    assert told(found, "parcel_id", "owner", "mail", "_extra") == [
        ("1", "forgotten", None, None),
        ("2", "C-10", "ben@example.org", [("note", "Ben")]),
        ("3", None, "x", None),
    ]
    assert without_forgotten(delivered, OWNED, None) is delivered


def test_a_forgotten_customer_s_own_record_is_not_taken() -> None:
    """The others keep their record numbers."""
    delivered = rows(PERSONS, {"parcel_id": "C-1"}, {"parcel_id": "C-10"}, {"parcel_id": None})
    assert told(without_forgotten(delivered, PERSONS, GONE), "parcel_id", "_row_number") == [("C-10", 2), (None, 3)]


@pytest.mark.parametrize(
    ("who", "text"),
    [
        ("C-1", '9,"C-1,half'),
        ("C-1", "9;C-1;x"),
        ("C-1", '{"owner": "C-1", '),
        ("C-1", "call C-1."),
        ("C-1", "C-1/x"),
        ("C-1", "#C-1,"),
        ("C-1", "C-1!"),
        ("C-1", "of c-1_"),
        ("Cust-1", "CUST-1?"),
        ("urn:c=1 a", "x,urn:c=1 a,"),
        ("#1", "9,#1,x"),
        ("8c7b-11-aa-0f-2e", "(8C7B-11-AA-0F-2E)"),
    ],
)
def test_a_malformed_record_is_known_by_any_id_in_it(who: str, text: str) -> None:
    """Whatever stands around it, in this case or another; so is what `forget` finds."""
    delivered = rows(OWNED, {"_corrupt_record": text})
    assert told(without_forgotten(delivered, OWNED, gone(who)), "_corrupt_record") == [("forgotten",)]


@pytest.mark.parametrize("text", ["9,C-10,half", "9,XC-1", "C 1", "9,C-\u0661"])
def test_a_longer_word_is_another_one_s(text: str) -> None:
    """Letters and digits beside an id make it another one."""
    delivered = rows(OWNED, {"_corrupt_record": text})
    assert told(without_forgotten(delivered, OWNED, GONE), "_corrupt_record") == [(text,)]


def test_an_id_in_an_unknown_column_is_taken_away() -> None:
    """The record is the customer's only where it has no id of its own, and of persons it isn't taken then."""
    unknown = [("friend", " C-1 "), ("note", "b")]
    delivered = [{"parcel_id": "1", "owner": "C-2", "mail": "m"}, {"parcel_id": "-", "owner": "-", "mail": "m"}]
    delivered = [{**row, "_extra": unknown} for row in delivered]
    found = without_forgotten(rows(OWNED, *delivered), OWNED, GONE)
    assert told(found, "owner", "mail", "_extra") == [
        ("C-2", "m", [("friend", "forgotten"), ("note", "b")]),
        ("forgotten", None, None),
    ]
    found = without_forgotten(rows(PERSONS, *delivered), PERSONS, GONE)
    assert told(found, "parcel_id", "_extra") == [("1", [("friend", "forgotten"), ("note", "b")])]


def test_a_corrected_row_keeps_its_link_to_the_exception() -> None:
    """Of all that the contract doesn't know nothing else stays."""
    delivered = rows(OWNED, {"owner": "C-1", "_extra": [("exception_id", "ab12"), ("note", "Ann")]})
    assert told(without_forgotten(delivered, OWNED, GONE), "_extra") == [([("exception_id", "ab12")],)]


def test_a_record_in_the_place_of_a_header_is_taken_away() -> None:
    """With the columns that are called after its fields; another header stays."""
    named = {"parcel_id": "1", "owner": "C-2", "_extra": [("ann_example", "Ben")]}
    delivered = rows(OWNED, named | {"_header": '["C-1", "Ann Example"]'}, named | {"_header": '["owner"]'})
    found = told(without_forgotten(delivered, OWNED, GONE), "owner", "_header", "_extra")
    assert found == [("C-2", '["forgotten"]', None), ("C-2", '["owner"]', [("ann_example", "Ben")])]


def test_spark_s_tasks_know_them_too(spark: SparkSession, tmp_path: Path) -> None:
    """What they write below Bronze is as what the driver would; another process has to know the key and the hashes."""
    delivered = rows(OWNED, {"parcel_id": "1", "owner": "C-1", "mail": "m"}, {"_corrupt_record": "9,C-1"})
    write = partial(write_in_task, table=str(tmp_path), clean=cleaner(OWNED, GONE))
    [file] = frame_of(spark, delivered).coalesce(1).mapInArrow(write, WRITTEN).collect()
    found = told(pq.read_table(tmp_path / file["path"]), "parcel_id", "owner", "mail", "_corrupt_record")
    assert found == [("1", "forgotten", None, None), (None, None, None, "forgotten")]


def test_no_message_shows_the_key() -> None:
    """Nor the hashes."""
    assert "secret" not in repr(GONE)

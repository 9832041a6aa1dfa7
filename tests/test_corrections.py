"""Exceptions exported for correction, and the file of corrected rows that comes back; without Spark."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.contract import load_contract
from spark_jobs.corrections import bronze_rows, check, read_corrections, taken_up
from spark_jobs.errors import UsageError
from spark_jobs.exception_export import csv_of
from state.landing import Delivery
from state.ledger import DayState, Status

TICKETS = load_contract("tickets")
FIRST, SECOND = "a1" * 32, "b2" * 32
ONE, TWO = date(2026, 3, 1), date(2026, 3, 2)
MORNING = datetime(2026, 3, 3, 6, tzinfo=UTC)
HEADER = ",".join(["exception_id", *TICKETS.source_names])


def exception(name: str = FIRST, **known: Any) -> dict[str, Any]:
    """What is known of an exception: open, of the first of March."""
    usual = {"exception_id": name, "dataset": "tickets", "status": "open", "resolved_by": None, "_logical_date": ONE}
    told = {
        "reject_reasons": ["unknown_priority"],
        "raw_record": "{}",
        "_delivery": "d" * 12,
        "_file_modified": MORNING,
    }
    return usual | told | known


def state(day: date = ONE, **known: Any) -> DayState:
    """A day whose delivery is in Silver."""
    return replace(DayState("tickets", day, Status.SUCCEEDED, loaded=("d" * 12,)), **known)


def row(name: str, **cells: str) -> str:
    """A row of a file, empty but for these cells."""
    return ",".join([name, *(cells.get(column, "") for column in TICKETS.source_names)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "corrected.csv"


def test_an_export_has_the_id_what_is_told_and_every_field_delivered() -> None:
    """Of the contract first, then what it doesn't know; a null is an empty cell, and quotes and line breaks stay."""
    raw = {"ticket_id": "T1", "category": 'a "b",\nc', "priority": None, "old_column": "kept", "_extra": {"notes": "n"}}
    text = csv_of([exception(raw_record=json.dumps(raw), reject_reasons=["x", "y"])], TICKETS)

    (found,) = csv.DictReader(StringIO(text, newline=""))
    assert list(found) == [
        "exception_id", "logical_date", "reject_reason", *TICKETS.source_names, "old_column", "notes",
    ]  # fmt: skip
    assert {name: value for name, value in found.items() if value} == {
        "exception_id": FIRST, "logical_date": "2026-03-01", "reject_reason": "x, y", "ticket_id": "T1",
        "category": 'a "b",\nc', "old_column": "kept", "notes": "n",
    }  # fmt: skip


def test_a_malformed_record_is_exported_as_its_text_beside_empty_fields() -> None:
    """The column is there only where it is needed."""
    malformed = exception(SECOND, raw_record='T3,"never closed', reject_reasons=["malformed_record"])
    whole = exception(raw_record='{"ticket_id": "T1"}')

    first, second = csv.DictReader(StringIO(csv_of([whole, malformed], TICKETS), newline=""))
    assert (first["malformed_text"], first["ticket_id"]) == ("", "T1")
    assert (second["malformed_text"], second["ticket_id"]) == ('T3,"never closed', "")
    assert "malformed_text" not in csv_of([whole], TICKETS)


def test_a_delivered_column_that_is_called_like_one_that_tells_is_shown_instead() -> None:
    """Two columns of one name couldn't be read back."""
    text = csv_of([exception(raw_record='{"ticket_id": "T1", "_extra": {"logical_date": "Friday"}}')], TICKETS)

    header, record = csv.reader(StringIO(text, newline=""))
    assert header.count("logical_date") == 1
    assert record[header.index("logical_date")] == "Friday"


def test_an_exported_file_is_read_back_as_rows_of_bronze(file: Path) -> None:
    """Under their days and numbers; what only tells is left out, the exception's id is kept with the record."""
    rows = [
        exception(raw_record='{"ticket_id": "T1", "priority": "Hgih"}'),
        exception(SECOND, raw_record='T3,"never', reject_reasons=["malformed_record"], _logical_date=TWO),
    ]
    file.write_text(csv_of(rows, TICKETS).replace("Hgih", "High"))
    known = {FIRST: rows[0], SECOND: rows[1]}

    found = read_corrections(str(file), TICKETS)
    table = bronze_rows(found, known, TICKETS, {ONE: state(), TWO: state(TWO)}, run_id="r", load_time=MORNING)

    assert found.names == (FIRST, SECOND)
    assert [
        (r["_logical_date"], r["_row_number"], r["_extra"], r["ticket_id"], r["priority"], r["_source_file"])
        for r in table.to_pylist()
    ] == [
        (ONE, 1, [("exception_id", FIRST)], "T1", "High", str(file)),
        (TWO, 2, [("exception_id", SECOND)], "", "", str(file)),
    ]
    assert set(table["_delivery"].to_pylist()) == {found.delivery}


def test_headers_are_matched_as_those_of_a_delivery(file: Path) -> None:
    """Whatever separators and case they have."""
    header = HEADER.replace("ticket_id", "Ticket ID").replace("exception_id", "EXCEPTION id")
    file.write_text(f"{header}\n{row(FIRST.upper(), ticket_id='T1')}\n")

    found = read_corrections(str(file), TICKETS)

    assert found.names == (FIRST,)
    assert "ticket_id" in found.header.columns
    assert "exception_id" not in found.header.columns


def test_corrected_rows_are_younger_than_what_they_correct(file: Path) -> None:
    """Than the exception's file and the day's delivery as it lies in the landing, though theirs claims otherwise."""
    file.write_text(f"{HEADER}\n{row(FIRST, ticket_id='T1')}\n")
    os.utime(file, (0, 0))
    noon = MORNING.replace(hour=12)
    corrections = read_corrections(str(file), TICKETS)

    for deliveries, expected in ((), MORNING), ((Delivery("x", 1, "c" * 64, noon),), noon):
        states = {ONE: state(deliveries=deliveries)}
        table = bronze_rows(corrections, {FIRST: exception()}, TICKETS, states, run_id="r", load_time=MORNING)
        assert table["_file_modified"].to_pylist() == [expected.replace(microsecond=1)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEADER}\n{row('')}\n", "record 1: no exception_id"),
        (f"{HEADER}\n{row(FIRST)}\n\n{row(FIRST)}\n", "record 2: record 1 corrects the same exception; found: 'a1a1"),
        (f"{HEADER}\n{row(FIRST)}\na,b\n", "record 2: the record can't be read; found: 'a,b'"),
        (",".join(TICKETS.source_names), "no column says which exception a row corrects"),
        (HEADER.replace(",priority", ""), "a corrected row is a whole record: column priority is missing"),
        (HEADER + ",Ticket-ID", "two headers end at the name 'ticket_id'"),
        ("", "the file has no header"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_meant_is_refused_with_record_and_value(file: Path, text: str, told: str) -> None:
    """As wrong usage, before the lake is asked."""
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_corrections(str(file), TICKETS)
    assert told in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    """With its path."""
    with pytest.raises(UsageError, match=r"can't be read.*nowhere\.csv"):
        read_corrections("nowhere.csv", TICKETS)


@pytest.mark.parametrize(
    ("known", "states", "told"),
    [
        ({}, {ONE: state()}, "record 1: there is no exception of this id; found: 'a1a1"),
        (
            {FIRST: exception(status="resolved", resolved_by="replay/r1")},
            {ONE: state()},
            "record 1: the exception isn't open but resolved by replay/r1",
        ),
        ({FIRST: exception(status="superseded")}, {ONE: state()}, "record 1: the exception isn't open but superseded;"),
        ({FIRST: exception()}, {}, "record 1: the delivery of 2026-03-01 isn't in Silver"),
        ({FIRST: exception(_delivery="e" * 12)}, {ONE: state()}, "run --date 2026-03-01 --dataset tickets"),
    ],
)
def test_a_row_that_cannot_be_taken_up_refuses_the_file(
    file: Path, known: dict[str, Any], states: dict[date, DayState], told: str
) -> None:
    """Naming it."""
    file.write_text(f"{HEADER}\n{row(FIRST)}\n")
    with pytest.raises(UsageError) as refused:
        check(read_corrections(str(file), TICKETS), known, states, taken_up=False)
    assert told in str(refused.value)


def test_of_a_file_that_was_taken_up_before_what_is_resolved_is_passed_over(file: Path) -> None:
    """A replay that died, run again; the ledger knows the file on each of its days."""
    file.write_text(f"{HEADER}\n{row(FIRST)}\n")
    found = read_corrections(str(file), TICKETS)
    kept = {ONE: state(replayed=(found.delivery,)), TWO: state(TWO)}

    assert taken_up(found, {ONE}, kept)
    assert not taken_up(found, {ONE, TWO}, kept)
    assert not taken_up(found, set(), kept)
    check(found, {FIRST: exception(status="resolved")}, kept, taken_up=True)

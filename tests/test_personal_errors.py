"""What errors and log events quote of a delivery: of records with personal data nothing. No Spark."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from spark_jobs.batch import Batch
from spark_jobs.contract import Contract, load_contract
from spark_jobs.corrections import read_corrections
from spark_jobs.drift import look_at_headers
from spark_jobs.errors import OpslakeError, SourceError, UsageError
from spark_jobs.exception_export import ID
from spark_jobs.land.exports import open_export
from spark_jobs.sources import header_of
from spark_jobs.sources.csv import CsvOptions, read_csv
from spark_jobs.sources.headers import HeaderMap
from spark_jobs.sources.json import JsonOptions, read_json
from spark_jobs.sources.record import File
from state.due import Due
from state.landing import Delivery

DAY = date(2024, 5, 1)
CUSTOMERS, CALLS, TICKETS = (load_contract(name) for name in ("customers", "call_logs", "tickets"))
ANN = "c1,Ann Lee,f,1990-02-03,2020-01-01,ann@x.org,1 Elm Street"


class Files:
    """Landing files and their headers."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def header(self, file: File) -> HeaderMap | None:
        """As it stands in the file."""
        return header_of(self.contract, file.path)


def told(contract: Contract, path: Path, text: str) -> tuple[OpslakeError, list[object]]:
    """The error of a day's file, and what was logged."""
    path.write_text(text)
    delivery = Delivery(str(path), 1, "c" * 64, datetime(2024, 5, 2, tzinfo=UTC))
    batch = Batch(contract, (Due(contract.dataset, DAY, "load", "new", (delivery,), 1),), {})
    with capture_logs() as events:
        found = look_at_headers(batch, Files(contract))
    return (found | batch.failures)[DAY], [event.get("new_columns") for event in events]


def test_a_file_without_a_header_doesnt_show_its_first_record(tmp_path: Path) -> None:
    """Neither in the error nor in the log, where it may be of a person; what is missing is named."""
    error, logged = told(CUSTOMERS, tmp_path / "day.csv", f"{ANN}\n")
    assert str(error).startswith(f"{tmp_path}/day.csv: required column customer_id is missing; correct the delivery")
    assert logged == [{}]
    error, logged = told(CALLS, tmp_path / "calls.csv", "17,c1\n")
    assert "c1" not in str(error)


def test_a_header_that_lacks_a_column_is_shown(tmp_path: Path) -> None:
    """One name that the contract knows makes it a header; where nobody is told of any first line is shown."""
    error, logged = told(CUSTOMERS, tmp_path / "day.csv", "Kunde,Name\n1,Ann\n")
    assert "found: 'Kunde, Name'" in str(error)
    assert logged == [{"kunde": 1}]
    error, logged = told(TICKETS, tmp_path / "day.csv", "17,x\n")
    assert "found: '17, x'" in str(error)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"{ANN}\n{ANN}\n", "no column says which exception a row corrects"),
        (f"{ID},{ANN}\n", "a corrected row is a whole record"),
        (f"{ID},{','.join(CUSTOMERS.source_names)}\n,{ANN}\n", "record 1: no exception_id"),
        (f"{ID},{','.join(CUSTOMERS.source_names)}\nabc,{ANN},1\n", "record 1: the record can't be read"),
    ],
)
def test_a_file_of_corrections_is_refused_without_its_records(tmp_path: Path, text: str, what: str) -> None:
    """What it says goes to the terminal and to the list of runs."""
    path = tmp_path / "corrected.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_corrections(str(path), CUSTOMERS)
    assert what in str(refused.value)
    assert not set(ANN.split(",")) & set(str(refused.value).replace("'", ",").replace(", ", ",").split(","))


def test_an_export_that_lacks_its_day_is_refused_without_its_first_record() -> None:
    """As a delivery is."""
    with pytest.raises(UsageError) as refused:
        open_export(io.BytesIO(f"{ANN}\n".encode()), CUSTOMERS, "signup_date", "all.csv")
    assert "Ann" not in str(refused.value)


def test_readers_say_where_a_file_is_broken_and_not_what_stands_there() -> None:
    """They don't know whose records these are."""
    with pytest.raises(SourceError, match=r"day\.csv, line 1: the header can't be read") as header:
        read_csv(io.BytesIO(b'c1,"Ann Lee\n'), CsvOptions(), "day.csv")
    with pytest.raises(SourceError, match=r"day\.json, line 1, column 2: the array doesn't end") as array:
        list(read_json(io.BytesIO(b'[{"name": "Ann Lee"'), JsonOptions(), "day.json"))
    with pytest.raises(SourceError, match="the column 'name' has no indexes") as columns:
        list(read_json(io.BytesIO(b'{"name": "Ann Lee"}'), JsonOptions("columns"), "day.json"))
    assert [e for e in (header, array, columns) if "Ann" in str(e.value)] == []

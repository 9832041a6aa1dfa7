"""Exports of other kinds than plain CSV: what a day's file holds is read as the same records."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from spark_jobs.contract import load_contract
from spark_jobs.errors import SourceError
from spark_jobs.land import split

DAY_1, DAY_2 = "2024-01-01", "2024-01-02"


def _days(path: Path, format: str = "csv", **options: Any) -> dict[str, bytes]:  # noqa: A002  (a contract's word)
    """The files of the export's days, with the contract of tickets read in another way."""
    contract = replace(load_contract("tickets"), format=format, options=options)
    found = split(str(path), contract, "created_at", zone=ZoneInfo("UTC"), work=path.parent / "work")
    assert {part.size for part in found.parts} == {(found.folder / part.day).stat().st_size for part in found.parts}
    return {part.day: (found.folder / part.day).read_bytes() for part in found.parts}


def test_a_gzipped_export_with_a_byte_order_mark_and_mixed_line_ends(tmp_path: Path) -> None:
    """Each record keeps its own line end, and the last gets one; blank lines are no records."""
    path = tmp_path / "export.csv.gz"
    text = "\ufeffTicket ID,Created At\r\nT1,2024-01-01 01:00:00\r\n\nT2,2024-01-02 01:00:00\nT3,2024-01-01 02:00:00"
    path.write_bytes(gzip.compress(text.encode()))
    assert _days(path) == {
        DAY_1: b"Ticket ID,Created At\nT1,2024-01-01 01:00:00\r\nT3,2024-01-01 02:00:00\n",
        DAY_2: b"Ticket ID,Created At\nT2,2024-01-02 01:00:00\n",
    }


def test_an_export_in_another_encoding_becomes_utf_8_that_says_so(tmp_path: Path) -> None:
    """Files carry a byte order mark, which goes before the encoding that the contract declares."""
    path = tmp_path / "export.csv"
    path.write_bytes("ticket_id;created_at;subject\nT1;2024-01-01 01:00:00;caf\u00e9\n".encode("cp1252"))
    assert _days(path, delimiter=";", encoding="cp1252") == {
        DAY_1: "\ufeffticket_id;created_at;subject\nT1;2024-01-01 01:00:00;caf\u00e9\n".encode()
    }


def test_lines_of_json_keep_their_text(tmp_path: Path) -> None:
    """Numbers stay as they were written; a line that is no object has no day."""
    path = tmp_path / "export.json"
    one, two, three = (
        '{"ticket_id": "T1", "created_at": "2024-01-01 01:00:00", "sla_hours": 8.00}',
        '{"created_at":"2024-01-02 01:00:00","ticket_id":"T2\u2028"}',
        '{"ticket_id": "T3", "created_at": "2024-01-01T02:00:00Z"}',
    )
    path.write_text(f"{one}\n\n{two}\n{{broken\n{three}", encoding="utf-8")
    assert _days(path, "json") == {
        DAY_1: f"{one}\n{three}\n".encode(),
        DAY_2: f"{two}\n".encode(),
        "undated": b"{broken\n",
    }


@pytest.mark.parametrize("declared", ["auto", "array"])
def test_an_array_of_json_becomes_lines_or_arrays_as_the_contract_declares(tmp_path: Path, declared: str) -> None:
    """An element that is spread over lines stands on one."""
    path = tmp_path / "export.json"
    path.write_text(
        '[{"ticket_id": "T1",\n "created_at": "2024-01-01 01:00:00"},'
        ' {"ticket_id": "T2", "created_at": "2024-01-02 01:00:00"}, {"ticket_id": "T3", "created_at": "2024-01-01"}]',
        encoding="utf-8",
    )
    one, three = (
        '{"ticket_id": "T1",  "created_at": "2024-01-01 01:00:00"}',
        '{"ticket_id": "T3", "created_at": "2024-01-01"}',
    )
    expected = f"[\n{one},\n{three}\n]\n" if declared == "array" else f"{one}\n{three}\n"
    assert _days(path, "json", layout=declared)[DAY_1].decode() == expected


def test_an_export_that_breaks_off_lands_nothing(tmp_path: Path) -> None:
    """A damaged gzip stream is an error, however much of it could be read; so is a file that isn't there."""
    path = tmp_path / "export.csv.gz"
    whole = gzip.compress(b"ticket_id,created_at\n" + b"T1,2024-01-01 01:00:00\n" * 1000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="gzip stream is damaged"):
        _days(path)
    with pytest.raises(SourceError, match="can't be read"):
        _days(tmp_path / "none.csv")

"""How the independent calculation reads bytes, instants and figures."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.records import Record, read_records
from tests.oracle.values import half_up, instant


def parsed(folder: Path, content: bytes, name: str = "a.csv") -> list[Record]:
    """The records of a file with these bytes, of the columns a and b."""
    path = folder / name
    path.write_bytes(content)
    return read_records(path, ("a", "b"), ("a",))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (b"\xef\xbb\xbfA,_b \r\n1,2\r3,4\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (b'a,b\n"x\r\ny,""z""",2\n', [{"a": 'x\r\ny,"z"', "b": "2"}]),
        (b"a,b\n1\n1,2,3\n1,\n", [None, None, {"a": "1", "b": ""}]),
        (b"a,b\n\xff,1\n3,4\n", [None, {"a": "3", "b": "4"}]),
        (b'a,b\n1,"open\n3,4\n', [None]),
        (b'a,b\n1,"open\n3,"shut"\n5,6\n', [None, {"a": "5", "b": "6"}]),
    ],
    ids=["blank-line", "bom-and-mixed-line-ends", "quotes", "field-count", "bytes", "open-quote", "quote-shut-late"],
)
def test_records_are_read_one_by_one(tmp_path: Path, content: bytes, expected: list[dict[str, str] | None]) -> None:
    """Each well-formed record gives its cells, each malformed one None, and those after it are read."""
    records = parsed(tmp_path, content)
    assert [record.cells for record in records] == expected
    assert [record.number for record in records] == list(range(1, len(expected) + 1))


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    """The name's ending says that a file is compressed."""
    assert [record.cells for record in parsed(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.csv.gz")] == [
        {"a": "1", "b": "2"}
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/1/24 8:05", datetime(2024, 3, 1, 8, 5, tzinfo=UTC)),
        ("2024-03-01 08:05:09", datetime(2024, 3, 1, 8, 5, 9, tzinfo=UTC)),
        ("2024-03-01T08:05:09.25+02:00", datetime(2024, 3, 1, 6, 5, 9, 250_000, tzinfo=UTC)),
        ("2024-03-01T08:05Z", datetime(2024, 3, 1, 8, 5, tzinfo=UTC)),
        ("2024-02-30 08:00:00", None),
        ("3/1/2024 8:05", None),
        ("2024-03-01 24:00:00", None),
        ("yesterday", None),
    ],
)
def test_instants_are_read_in_the_listed_formats_only(text: str, expected: datetime | None) -> None:
    """Dates that don't exist and formats that aren't listed are unreadable."""
    assert instant(text, ZoneInfo("UTC")) == expected


def test_repeated_and_skipped_hours_follow_the_earlier_offset() -> None:
    """Berlin 2024: 02:30 on 27 October comes twice, 02:30 on 31 March never, and becomes 03:30 summer time."""
    berlin = ZoneInfo("Europe/Berlin")
    assert instant("2024-10-27 02:30:00", berlin) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert instant("2024-03-31 02:30:00", berlin) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Fraction(1, 20_000), "0.0001"),
        (Fraction(-1, 20_000), "-0.0001"),
        (Fraction(1, 3), "0.3333"),
        (Fraction(2, 3), "0.6667"),
        (Fraction(0), "0.0000"),
    ],
)
def test_rounding_is_half_up_on_the_exact_figure(figure: Fraction, expected: str) -> None:
    """A tie goes away from zero, and four decimals are always there."""
    assert str(half_up(figure)) == expected

"""Any table that Python's writer can write is read back equal, and a bad line among its records costs only itself."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.sources.csv import csv_options, read_csv

VALUES = st.text(
    st.one_of(st.sampled_from("\r\n\",;'\\\t #\0\ufeff\x85\u2028é😀"), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
BAD_LINES = st.sampled_from([b"x", b'"x"y,,,,,,,', b"\xff" + b",1" * 9, b",,,,,,,,,,,", b'"a\r\nb"c', b'"" "\x80'])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of the same number of values, which hold every mark of CSV."""
    width = draw(st.integers(2, 5))
    return draw(st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=8))


def written(row: list[str], line_end: str, delimiter: str = ",", quote: str = '"') -> bytes:
    """One record as Python's writer writes it."""
    # a carriage return alone ends a line too, which not every version of the writer knows
    text = io.StringIO(newline="")
    several = any("\r" in value or "\n" in value for value in row)
    writer = csv.writer(
        text,
        lineterminator=line_end,
        delimiter=delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_ALL if several else csv.QUOTE_MINIMAL,
    )
    writer.writerow(row)
    return text.getvalue().encode()


@settings(max_examples=150, deadline=None)
@given(table=tables(), data=st.data(), delimiter=st.sampled_from(",;\t|"), quote=st.sampled_from("\"'"))
def test_what_was_written_is_read_back_with_the_right_numbers(
    table: list[list[str]], data: st.DataObject, delimiter: str, quote: str
) -> None:
    """Each record may end in another line end than the one before it, and empty lines may stand between them."""
    width = len(table[0]) if table else 2
    header = [f"column {index}" for index in range(width)]
    lines = [written(header, data.draw(LINE_ENDS), delimiter, quote)]
    for row in table:
        lines.append(written(row, data.draw(LINE_ENDS), delimiter, quote))
        lines.append(data.draw(st.sampled_from([b"", b"\n", b"\r\n\r\n"])))
    options = csv_options({"delimiter": delimiter, "quote": quote})
    names, rows = read_csv(io.BytesIO(b"".join(lines)), options, "any.csv")
    assert names == tuple(header)
    assert list(rows) == [(number, row, None) for number, row in enumerate(table, start=1)]


@settings(max_examples=100, deadline=None)
@given(table=tables().filter(bool), bad=BAD_LINES, data=st.data())
def test_a_bad_line_between_records_rejects_exactly_itself(
    table: list[list[str]], bad: bytes, data: st.DataObject
) -> None:
    """Every record around it keeps its values, and its place in the count."""
    at = data.draw(st.integers(0, len(table)))
    lines = [written(row, data.draw(LINE_ENDS)) for row in table]
    lines.insert(at, bad + b"\n")
    header = ",".join(f"c{index}" for index in range(len(table[0]))).encode() + b"\n"
    _, rows = read_csv(io.BytesIO(header + b"".join(lines)), csv_options({}), "any.csv")
    found = list(rows)
    assert [number for number, _, _ in found] == list(range(1, len(table) + 2))
    assert [values for _, values, _ in found] == [*table[:at], None, *table[at:]]
    assert found[at][2] == bad.decode(errors="backslashreplace")

"""CSV records: what is read, what is set aside with its text, and what makes a whole file unreadable."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest

from spark_jobs.errors import ContractError, SourceError
from spark_jobs.sources.csv import csv_options, read_csv
from spark_jobs.sources.record import Row


def read(data: bytes | str, **options: Any) -> tuple[tuple[str, ...], list[Row]]:
    """The header and all records of a file's content."""
    content = data.encode() if isinstance(data, str) else data
    header, rows = read_csv(io.BytesIO(content), csv_options(options), "day.csv")
    return header, list(rows)


def rows_of(data: bytes | str, **options: Any) -> list[Row]:
    """All records of a file's content."""
    return read(data, **options)[1]


def test_records_are_numbered_from_one_after_the_header() -> None:
    """The header is no record; values are text exactly as delivered, blanks too."""
    assert read("id, name \n1, Ann \n2,\n") == (("id", " name "), [(1, ["1", " Ann "], None), (2, ["2", ""], None)])


def test_the_last_line_needs_no_line_end() -> None:
    """A file that stops after the last value, or after a closing quote, has lost nothing."""
    assert rows_of("a,b\n1,2") == [(1, ["1", "2"], None)]
    assert rows_of('a,b\n1,"2"') == [(1, ["1", "2"], None)]


def test_line_ends_may_be_mixed_in_one_file() -> None:
    r"""\n, \r\n and \r each end a physical line, whatever the first line used."""
    assert rows_of("a,b\r\n1,2\n3,4\r5,6\r\n") == [
        (1, ["1", "2"], None),
        (2, ["3", "4"], None),
        (3, ["5", "6"], None),
    ]


def test_quoted_line_breaks_stay_in_the_value_as_delivered() -> None:
    """No line end inside quotes is normalised, and the record counts once."""
    assert rows_of('a,b\n1,"x\r\ny\rz\n"\r\n2,w\n') == [(1, ["1", "x\r\ny\rz\n"], None), (2, ["2", "w"], None)]


def test_characters_that_only_look_like_line_ends_end_no_line() -> None:
    """Vertical tab, form feed, NEL and the Unicode separators are text."""
    text = "x\x0b\x0c\x1c\x85\u2028\u2029y"
    assert rows_of(f"a,b\n1,{text}\n") == [(1, ["1", text], None)]


def test_empty_lines_are_neither_records_nor_counted() -> None:
    """Also before the header and at the end, and with blanks on them; of a single column these may be the value."""
    assert read("\n\r\na,b\n\n1,2\r\n\r\n\r3,4\n\n") == (("a", "b"), [(1, ["1", "2"], None), (2, ["3", "4"], None)])
    assert rows_of("a,b\n  \n1,2\n\t\r\n") == [(1, ["1", "2"], None)]
    assert rows_of("a\n \n") == [(1, [" "], None)]


def test_an_empty_line_inside_quotes_is_part_of_the_value() -> None:
    """Only a line on which a record could begin is skipped."""
    assert rows_of('a,b\n1,"\n\n"\n') == [(1, ["1", "\n\n"], None)]


def test_a_quoted_empty_value_alone_is_a_record() -> None:
    """In a file of one column an empty line is nothing, a pair of quotes is a value."""
    assert rows_of('a\n""\n\nx\n') == [(1, [""], None), (2, ["x"], None)]


def test_doubled_quotes_delimiters_and_quotes_inside_a_plain_value_are_text() -> None:
    """A quote means something only at the beginning of a value."""
    assert rows_of('a,b\n"say ""hi"", now",5\'3" tall\n') == [(1, ['say "hi", now', "5'3\" tall"], None)]


@pytest.mark.parametrize("line", ["1", "1,2,3", "1,2,", ",,,", '" "'])
def test_too_few_or_too_many_fields_reject_exactly_that_record(line: str) -> None:
    """The record keeps its number and its text; the ones around it load."""
    assert rows_of(f"a,b\n0,0\n{line}\n9,9\n") == [(1, ["0", "0"], None), (2, None, line), (3, ["9", "9"], None)]


def test_a_rejected_record_of_several_lines_keeps_its_exact_text() -> None:
    """Quotes and inner line ends as delivered, without the record's own line end."""
    assert rows_of('a,b\n1,"x\r\ny",""z\r\n2,w\n') == [(1, None, '1,"x\r\ny",""z'), (2, ["2", "w"], None)]


def test_text_after_a_closing_quote_is_malformed() -> None:
    """It isn't glued to the value."""
    assert rows_of('a,b\n1,"x"y\n2,"z" \n3,ok\n') == [(1, None, '1,"x"y'), (2, None, '2,"z" '), (3, ["3", "ok"], None)]


def test_an_open_quote_swallows_up_to_the_next_one_and_the_text_says_so() -> None:
    """What stood between the open quote and the next quote is in the rejected text; the next physical line is read."""
    data = 'a,b\n1,"open\n2,x\n3,"y"\n4,z\n'
    assert rows_of(data) == [(1, None, '1,"open\n2,x\n3,"y"'), (2, ["4", "z"], None)]


def test_a_quote_that_is_open_at_the_end_of_the_file_takes_all_the_rest() -> None:
    """The last record holds everything that the quote swallowed."""
    assert rows_of('a,b\n1,x\n2,"open\n3,y\r\n4,z') == [(1, ["1", "x"], None), (2, None, '2,"open\n3,y\r\n4,z')]
    assert rows_of('a,b\n1,"') == [(1, None, '1,"')]


def test_undecodable_bytes_reject_their_record_and_show_as_escapes() -> None:
    """The record before and the one after load; the text is valid UTF-8."""
    data = b"a,b\n1,caf\xc3\xa9\n2,caf\xe9\n3,\xff\xfe\n4,x\n"
    assert rows_of(data) == [
        (1, ["1", "café"], None),
        (2, None, "2,caf\\xe9"),
        (3, None, "3,\\xff\\xfe"),
        (4, ["4", "x"], None),
    ]


def test_an_undecodable_byte_in_a_quoted_line_rejects_the_whole_record_only() -> None:
    """Damage on the first of two lines doesn't leak into the next record."""
    assert rows_of(b'a,b\n1,"\x80\n\xc3\xa4"\n2,x\n') == [(1, None, '1,"\\x80\n\u00e4"'), (2, ["2", "x"], None)]


def test_encoded_surrogates_are_undecodable() -> None:
    """CESU bytes never become text that can't be stored."""
    assert rows_of(b"a,b\n1,\xed\xa0\x80\n") == [(1, None, "1,\\xed\\xa0\\x80")]


def test_nul_is_kept_as_a_character() -> None:
    """It is valid UTF-8 and can be stored, so the record isn't lost for it."""
    assert rows_of("a,b\n1,x\0y\n\0,\0\n") == [(1, ["1", "x\0y"], None), (2, ["\0", "\0"], None)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding: str) -> None:
    """It also outranks the declared encoding."""
    assert read("id,b\n1,ü€😀\n".encode(encoding), encoding="cp1252") == (("id", "b"), [(1, ["1", "ü€😀"], None)])


def test_big_endian_utf_16_is_known_by_its_mark() -> None:
    """The mark gives the byte order too."""
    assert rows_of(b"\xfe\xff" + "a\nü\n".encode("utf-16-be")) == [(1, ["ü"], None)]


def test_half_a_utf_16_pair_rejects_its_record() -> None:
    """Its bytes are shown, and the records after it load."""
    data = "a\nx".encode("utf-16") + b"\x00\xd8" + "\ny\n".encode("utf-16-le")
    number, values, text = rows_of(data)[0]
    assert (number, values, text) == (1, None, "x\\x00\\xd8")
    assert rows_of(data)[1:] == [(2, ["y"], None)]


def test_a_declared_encoding_is_used() -> None:
    """Latin and multi-byte encodings read as what they are."""
    assert rows_of("a\nMünchen €\n".encode("cp1252"), encoding="cp1252") == [(1, ["München €"], None)]
    assert rows_of("a\n日本\n".encode("shift_jis"), encoding="shift_jis") == [(1, ["日本"], None)]


def test_gzip_is_known_by_its_first_bytes() -> None:
    """Whatever the file is called, in several members and with a mark inside."""
    data = gzip.compress("\ufeffa,b\n1".encode()) + gzip.compress(b",2\n")
    assert read(data) == (("a", "b"), [(1, ["1", "2"], None)])


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:-8] + b"\0\0\0\0\0\0\0\0"])
def test_a_damaged_gzip_stream_is_an_error_of_the_source(damage: Any) -> None:
    """Cut off or changed: what was read isn't to be trusted as the whole delivery."""
    data = damage(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    with pytest.raises(SourceError, match=r"day\.csv: the gzip stream is damaged"):
        rows_of(data)


def test_huge_values_are_read() -> None:
    """A value may be far longer than the limit of Python's csv module."""
    huge = "x" * 3_000_000
    assert rows_of(f'a,b\n1,"{huge}"\n') == [(1, ["1", huge], None)]


def test_other_delimiters_quotes_escapes_and_comments() -> None:
    """Each mark of the options has its meaning, and the default ones lose theirs."""
    assert rows_of("a;b\n1,5;'x;y'\n", delimiter=";", quote="'") == [(1, ["1,5", "x;y"], None)]
    assert rows_of('a\tb\n"1\t2\n', delimiter="\\t", quote=None) == [(1, ['"1', "2"], None)]
    assert rows_of('a,b\n"x\\"y",\\,\n', escape="\\") == [(1, ['x"y', ","], None)]
    assert rows_of("# made by x\na,b\n#,skip\n1,2\n3,#\n", comment="#") == [
        (1, ["1", "2"], None),
        (2, ["3", "#"], None),
    ]


def test_an_escape_at_the_very_end_loses_nothing() -> None:
    """The unfinished record is rejected with its text; an escaped line end goes on with the next line."""
    assert rows_of("a,b\n1,x\\\n2\n3,\\", escape="\\") == [(1, ["1", "x\n2"], None), (2, None, "3,\\")]


def test_a_comment_mark_inside_quotes_is_text() -> None:
    """Only a line on which a record begins can be a comment."""
    assert rows_of('a,b\n1,"x\n#y"\n', comment="#") == [(1, ["1", "x\n#y"], None)]


def test_a_quote_declared_as_its_own_escape_is_the_doubled_quote() -> None:
    """Contracts written for other readers say it so."""
    assert rows_of('a\n"x""y"\n', escape='"') == [(1, ['x"y'], None)]


@pytest.mark.parametrize("data", [b"", b"\n\r\n\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b",,\n1,2,3\n", b'""\n'])
def test_a_file_without_a_header_is_an_error_with_its_position(data: bytes) -> None:
    """Empty, empty lines only, a lone mark, or names that are all blank."""
    with pytest.raises(SourceError, match=r"day\.csv, line \d: the file has no header"):
        rows_of(data)


def test_an_empty_gzip_file_has_no_header() -> None:
    """Zero bytes inside are as empty as zero bytes outside."""
    with pytest.raises(SourceError, match="has no header"):
        rows_of(gzip.compress(b""))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'\na,"b\n1,2\n', "unexpected end of data"),
        (b'\n"a"x,b\n1,2\n', "expected after"),
        (b"\na,\xff\n1,2\n", "bytes that can't be decoded"),
    ],
)
def test_a_header_that_cannot_be_read_is_an_error_with_its_line(data: bytes, problem: str) -> None:
    """The line where the header begins, and what is wrong with it."""
    with pytest.raises(SourceError, match=rf"day\.csv, line 2: the header can't be read: .*{problem}"):
        rows_of(data)


def test_a_header_may_quote_line_breaks() -> None:
    """A name is a value like any other."""
    assert read('"a\nb",c\n1,2\n') == (("a\nb", "c"), [(1, ["1", "2"], None)])


def test_a_file_with_a_header_only_has_no_records() -> None:
    """That is a delivery of nothing, not an error."""
    assert read("a,b") == (("a", "b"), [])


def test_records_are_read_while_they_are_asked_for() -> None:
    """A reader that stops early hasn't read the file to its end."""
    stream = io.BytesIO(b"a,b\n" + b"1,2\n" * 2_000_000)
    _, rows = read_csv(stream, csv_options({}), "day.csv")
    next(rows)
    assert stream.tell() < 2_000_000


def test_the_stream_of_the_caller_stays_open() -> None:
    """Who opened it closes it."""
    stream = io.BytesIO(b"a\n1\n")
    _, rows = read_csv(stream, csv_options({}), "day.csv")
    assert list(rows)
    del rows
    assert not stream.closed


def test_a_stream_that_gives_a_byte_at_a_time_reads_the_same() -> None:
    """Stores may return less than was asked for."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1, size or 0))

    _, rows = read_csv(Slow(gzip.compress("a,b\r\n1,ü\r\n".encode())), csv_options({}), "day.csv")
    assert list(rows) == [(1, ["1", "ü"], None)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimeter": ";"}, "did you mean 'delimiter'"),
        ({"delimiter": ";;"}, "not a single character"),
        ({"delimiter": None}, "a delimiter is needed"),
        ({"quote": "\n"}, "not a single character"),
        ({"delimiter": '"'}, "one character has two meanings"),
        ({"encoding": "utf8000"}, "unknown text encoding"),
        ({"encoding": "base64"}, "unknown text encoding"),
        ({"encoding": 8}, "unknown text encoding"),
    ],
)
def test_an_option_that_cannot_be_meant_is_an_error_of_the_contract(options: dict[str, Any], message: str) -> None:
    """With the place that the caller names."""
    with pytest.raises(ContractError, match=rf"tickets\.odcs\.yaml.*{message}"):
        csv_options(options, where="tickets.odcs.yaml, options")

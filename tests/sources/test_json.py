"""JSON records: lines and arrays give the same text values, and a bad element costs only itself."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import ContractError, SourceError
from spark_jobs.sources import elements
from spark_jobs.sources.json import json_options, read_json
from spark_jobs.sources.record import ObjectRow


def read(data: bytes | str, **options: Any) -> list[ObjectRow]:
    """All records of a file's content."""
    content = data.encode() if isinstance(data, str) else data
    return list(read_json(io.BytesIO(content), json_options(options), "day.json"))


def in_both_layouts(element: str) -> tuple[ObjectRow, ObjectRow]:
    """The element read between two good ones, as a line and as an element of an array."""
    lines = read(f'{{"a":1}}\n{element}\n{{"a":3}}\n')
    array = read(f'[{{"a":1}}, {element} ,{{"a":3}}]')
    for rows in (lines, array):
        assert [rows[0], *rows[2:]] == [(1, {"a": "1"}, None), (3, {"a": "3"}, None)]
    return lines[1], array[1]


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ('{"a": 1.50, "b": -0, "c": 1E+400}', {"a": "1.50", "b": "-0", "c": "1E+400"}),
        ('{"a": 12345678901234567890123}', {"a": "12345678901234567890123"}),
        ('{"a": true, "b": false, "c": null}', {"a": "true", "b": "false", "c": None}),
        ('{"a": "", "b": " x "}', {"a": "", "b": " x "}),
        ('{"a": {"x": [1.0, "1", null, true, {}], "y": "é\\n"}}', {"a": '{"x":[1.0,"1",null,true,{}],"y":"é\\n"}'}),
        ('{"a": []}', {"a": "[]"}),
        ('{"a": "\\ud83d\\ude00\\u0041"}', {"a": "😀A"}),
        ('{"a": "],[}{\\"", "b": "\\\\"}', {"a": '],[}{"', "b": "\\"}),
        ("{}", {}),
    ],
)
def test_values_are_text_as_delivered(element: str, values: dict[str, str | None]) -> None:
    """Numbers keep their literal, also inside nested values; null is nothing; nested values are compact JSON."""
    assert in_both_layouts(element) == ((2, values, None), (2, values, None))


@pytest.mark.parametrize(
    "element",
    [
        "7",
        "null",
        '"text"',
        "[1, 2]",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": NaN}',
        '{"a": [-Infinity]}',
        '{"a": nope}',
        "{'a': 1}",
        '{"a": 01}',
        '{"a": 1} {"b": 2}',
        '{"a" 1}',
        '{"a": "tab\there"}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": "\\x"}',
        '{"a": 1}}',
        "x",
        '{"a":' * 3000 + "1" + "}" * 3000,
    ],
)
def test_an_element_that_is_no_object_is_malformed_with_its_text(element: str) -> None:
    """The elements before and after it load, in both layouts."""
    assert in_both_layouts(element) == ((2, None, element), (2, None, element))


def test_undecodable_bytes_reject_their_element() -> None:
    """Their text is valid UTF-8."""
    bad = b'{"a":"\xff"}'
    expected: list[ObjectRow] = [(1, None, '{"a":"\\xff"}'), (2, {"a": "é"}, None)]
    assert read(bad + b'\n{"a":"\xc3\xa9"}') == expected
    assert read(b"[" + bad + b',{"a":"\xc3\xa9"}]') == expected


def test_blank_lines_are_no_records() -> None:
    """Lines may end in any way."""
    assert read('\n \t\r\n{"a":1}\r\n\r\n{"a":2}\r{"a":3}') == [(n, {"a": str(n)}, None) for n in (1, 2, 3)]


def test_a_line_separator_of_unicode_is_text() -> None:
    """It may stand inside a JSON string."""
    assert read('{"a":"x\u2028y\x85"}\n') == [(1, {"a": "x\u2028y\x85"}, None)]


def test_an_array_may_be_spread_over_lines() -> None:
    """Each element counts once, wherever it breaks."""
    assert read('\n[\n  {\n "a": 1\n },\r\n {"a":\n2}\n]\n') == [(1, {"a": "1"}, None), (2, {"a": "2"}, None)]


@pytest.mark.parametrize("data", ["[]", " [ \n ] "])
def test_an_array_of_nothing_has_no_records(data: str) -> None:
    """That is a delivery of nothing."""
    assert read(data) == []


def test_an_empty_element_is_malformed() -> None:
    """A comma too many is a record that isn't there, not a reason to lose the others."""
    assert read('[{"a":1},,{"a":3},]') == [
        (1, {"a": "1"}, None),
        (2, None, ""),
        (3, {"a": "3"}, None),
        (4, None, ""),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[{"a":1},\n  {"a":2}', r"line 2, column 3: the array doesn't end"),
        ('[{"a":1},\n  {"a":"2}]', r"line 2, column 3: the array doesn't end"),
        ("[", r"line 1, column 2: the array doesn't end"),
        ('[{"a":1}]\n]', r"line 2, column 1: there is text after the end"),
        ('[{"a":1}] [{"a":1}]', r"line 1, column 11: there is text after the end"),
    ],
)
def test_an_array_that_cannot_be_parsed_is_an_error_with_its_position(data: str, message: str) -> None:
    """The delivery as a whole can't be trusted."""
    with pytest.raises(SourceError, match=rf"day\.json, {message}"):
        read(data)


def test_a_declared_array_must_be_one() -> None:
    """Lines in its place aren't read as something else."""
    with pytest.raises(SourceError, match=r"day\.json, line 2, column 1: the text isn't an array"):
        read('\n{"a":1}\n', layout="array")


def test_an_empty_file_is_an_error_unless_lines_are_declared() -> None:
    """An upload that broke off looks the same as a day without lines, so the contract has to allow for it."""
    for data in ("", " \n", b"\xef\xbb\xbf"):
        with pytest.raises(SourceError, match=r"day\.json, line 1: the file is empty"):
            read(data)
    assert read("", layout="lines") == []


def test_marks_encodings_and_gzip_are_those_of_csv() -> None:
    """The bytes under both formats are opened in one place."""
    expected = [(1, {"a": "ü"}, None)]
    assert read('[{"a":"ü"}]'.encode("utf-16")) == expected
    assert read('\ufeff{"a":"ü"}') == expected
    assert read('{"a":"ü"}'.encode("cp1252"), encoding="cp1252") == expected
    assert read(gzip.compress('{"a":"ü"}'.encode())) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [({"layuot": "array"}, "did you mean 'layout'"), ({"layout": "arrray"}, "did you mean 'array'")],
)
def test_an_unknown_option_or_layout_is_an_error_of_the_contract(options: dict[str, Any], message: str) -> None:
    """With what was probably meant."""
    with pytest.raises(ContractError, match=message):
        json_options(options)


def test_a_long_array_is_read_while_it_is_asked_for() -> None:
    """The first element is there before the rest was read."""
    stream = io.BytesIO(b"[" + b'{"a":1},' * 1_000_000 + b"{}]")
    rows = read_json(stream, json_options({}), "day.json")
    assert next(rows) == (1, {"a": "1"}, None)
    assert stream.tell() < 2_000_000


ELEMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
BAD = st.sampled_from(["{nope}", '{"a":1}}', "}", "{} {}", '{"a":[1,,]}', "nul", "-"])


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(ELEMENTS.map(lambda value: json.dumps(value, ensure_ascii=False)) | BAD, min_size=1, max_size=6),
    size=st.integers(1, 7),
)
def test_an_array_cut_into_any_pieces_gives_its_elements(parts: list[str], size: int) -> None:
    """Where a block of the file ends has no influence; each element's text is what was delivered."""
    text = "[" + " ,\n".join(parts) + "]"
    pieces = iter([text[at : at + size] for at in range(0, len(text), size)])
    found = list(elements.array_elements(pieces, json.JSONDecoder().raw_decode, "any.json"))
    assert [part for _, part in found] == parts

"""JSON documents of columns: one object of values by index for each column."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from spark_jobs.errors import SourceError
from spark_jobs.sources import Layout
from spark_jobs.sources.json import json_options, read_batches, read_header, read_json
from spark_jobs.sources.record import ObjectRow

COLUMNS = {"layout": "columns"}


def read(data: bytes | str) -> list[ObjectRow]:
    """All records of a document."""
    content = data.encode() if isinstance(data, str) else data
    return list(read_json(io.BytesIO(content), json_options(COLUMNS), "day.json"))


def test_records_stand_in_the_numeric_order_of_their_indexes() -> None:
    """Index 10 comes after 9, wherever it stands in the document; numbers of records count from 1."""
    assert read('{"id": {"10": "k", "9": "j", "0": "a"}, "size": {"0": 1.50, "9": null, "10": true}}') == [
        (1, {"id": "a", "size": "1.50"}, None),
        (2, {"id": "j", "size": None}, None),
        (3, {"id": "k", "size": "true"}, None),
    ]


def test_a_column_that_lacks_an_index_gives_null_there() -> None:
    """Whichever column it is, the first too: the indexes of all columns count."""
    assert read('{"id": {"0": "a"}, "size": {"1": "x"}, "none": {}}') == [
        (1, {"id": "a", "size": None, "none": None}, None),
        (2, {"id": None, "size": "x", "none": None}, None),
    ]


def test_a_document_without_indexes_or_columns_has_no_records() -> None:
    """An empty day is written either way."""
    assert (read("{}"), read('{"id": {}, "size": {}}')) == ([], [])


def test_a_value_that_cant_be_decoded_costs_only_its_record() -> None:
    """The record is malformed, with its values as JSON; the others load."""
    rows = read(b'{"id": {"0": "a\xff", "1": "b"}, "size": {"0": 1, "1": 2}}')
    assert rows == [(1, None, '{"id":"a\\xff","size":1}'), (2, {"id": "b", "size": "2"}, None)]


@pytest.mark.parametrize(
    ("value", "told"),
    [(b'["a\xff"]', '["a\\xff"]'), (b'{"n\xff": 1}', '{"n\\xff":1}'), (rb'{"n": "\ud83d"}', '{"n":"\\ud83d"}')],
)
def test_so_does_one_inside_a_nested_value(value: bytes, told: str) -> None:
    """Also half of a pair that is written as an escape; a whole pair is a character."""
    rows = read(b'{"id": {"0": "a", "1": "b"}, "more": {"0": %b, "1": ["\\ud83d\\ude00"]}}' % value)
    assert rows == [(1, None, f'{{"id":"a","more":{told}}}'), (2, {"id": "b", "more": '["\U0001f600"]'}, None)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": {"0": "a"}', "day.json, line 1, column 18: the document isn't JSON"),
        ('{"id":\n {"0": NaN}}', "NaN is no JSON"),
        ('[{"id": "a"}]', "isn't one of columns"),
        ('{"id": ["a"]}', "the column 'id' has no indexes"),
        ('{"id": {"first": "a"}}', "an index of the column 'id' is no number; found: 'first'"),
        ('{"id": {"1": "a", "01": "b"}}', "an index of the column 'id' stands twice"),
        ('{"id": {"0": "a"}, "id": {"0": "b"}}', "a name occurs twice"),
        ("", "line 1, column 1"),
    ],
)
def test_what_is_no_document_of_columns_fails_as_a_whole(text: str, told: str) -> None:
    """With the position, or the column and what was found."""
    with pytest.raises(SourceError) as caught:
        read(text)
    assert told in str(caught.value)


def test_the_columns_of_a_document_are_its_header() -> None:
    """So that a missing column is noticed before a record is read; lines and arrays have none."""
    document = io.BytesIO(b'{"id": {"0": "a"}, "Size (cm)": {}}')
    assert read_header(document, COLUMNS, "day.json") == ("id", "Size (cm)")
    assert read_header(io.BytesIO(b"[]"), {}, "day.json") is None


def test_columns_are_matched_with_the_contracts_like_any_header() -> None:
    """Without case and separators; what the contract doesn't know is kept beside."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    lineage: dict[str, Any] = {
        "_source_file": "day.json", "_file_modified": at, "_delivery": "d1", "_logical_date": date(2026, 3, 2),
        "_load_time": at, "_run_id": "r1",
    }  # fmt: skip
    layout = Layout("json", COLUMNS, ("complaint_id",), keep_source_row_id=False)
    (batch,) = read_batches(
        io.BytesIO(b'{"ComplaINT id": {"0": 7}, "Mood": {"0": "bad"}}'), layout, "day.json", lineage
    )
    (row,) = batch.to_pylist()
    assert (row["complaint_id"], row["_extra"], row["_row_number"]) == ("7", [("mood", "bad")], 1)

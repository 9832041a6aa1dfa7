"""Arrow batches of Bronze's columns, from rows with one header and from records that carry their own names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from spark_jobs.errors import SourceError
from spark_jobs.sources import batches
from spark_jobs.sources.batches import bronze_schema, object_batches, record_batches
from spark_jobs.sources.headers import match_headers
from spark_jobs.sources.record import Row

LINEAGE = {
    "_source_file": "/landing/tickets/day.csv",
    "_file_modified": datetime(2024, 1, 6, 3, 4, 5, 678901, tzinfo=UTC),
    "_delivery": "0123456789ab",
    "_logical_date": date(2024, 1, 5),
    "_load_time": datetime(2024, 1, 6, 4, tzinfo=UTC),
    "_run_id": "r1",
}


def from_rows(rows: list[Row], header: list[str], known: tuple[str, ...]) -> list[dict[str, Any]]:
    """The batches of rows with one header, as dicts."""
    found = list(record_batches(rows, match_headers(header, known), known, LINEAGE))
    return [row for batch in found for row in batch.to_pylist()]


def from_objects(rows: list[Any], known: tuple[str, ...], **options: Any) -> list[dict[str, Any]]:
    """The batches of records with names of their own, as dicts."""
    return [row for batch in object_batches(rows, known, LINEAGE, **options) for row in batch.to_pylist()]


def test_a_record_has_the_contracts_columns_then_what_describes_it() -> None:
    """Known values by the contract's name, a missing column null, the header as delivered, lineage repeated."""
    rows = from_rows([(7, ["9", "T1"], None)], ["Prio-rity", "Ticket ID"], ("ticket_id", "priority", "status"))
    assert rows == [
        {
            "ticket_id": "T1",
            "priority": "9",
            "status": None,
            "_extra": None,
            "_corrupt_record": None,
            "_header": '["Prio-rity", "Ticket ID"]',
            "_row_number": 7,
            **LINEAGE,
        }
    ]


def test_the_schema_is_the_same_whatever_was_delivered() -> None:
    """Spark is promised these types, so a batch of nulls only must have them too."""
    known = ("a", "b")
    rows: list[Row] = [(1, None, "broken")]
    (batch,) = record_batches(rows, match_headers(["x"], known), known, {**LINEAGE, "_file_modified": None})
    assert batch.schema == bronze_schema(known)
    assert batch.schema.field("_file_modified").type == pa.timestamp("us", tz="UTC")
    assert batch.schema.field("_logical_date").type == pa.date32()
    assert batch.schema.field("_extra").type == pa.map_(pa.string(), pa.string())
    batch.validate(full=True)


def test_unknown_columns_go_into_a_map_and_a_dropped_index_nowhere() -> None:
    """By their folded names, in the delivered order."""
    rows = from_rows(
        [(1, ["0", "x", "T1", ""], None), (2, ["1", "y", "T2", "é"], None)],
        ["", "newField", "id", "Other One"],
        ("id",),
    )
    assert [row["_extra"] for row in rows] == [
        [("new_field", "x"), ("other_one", "")],
        [("new_field", "y"), ("other_one", "é")],
    ]
    assert [row["id"] for row in rows] == ["T1", "T2"]


def test_a_malformed_record_has_its_text_and_nothing_else() -> None:
    """Its neighbours keep their values and their unknown columns."""
    rows = from_rows(
        [(1, ["a", "b"], None), (2, None, ""), (3, None, "x,"), (4, ["c", "d"], None)], ["id", "new"], ("id",)
    )
    assert [row["id"] for row in rows] == ["a", None, None, "c"]
    assert [row["_extra"] for row in rows] == [[("new", "b")], None, None, [("new", "d")]]
    assert [row["_corrupt_record"] for row in rows] == [None, "", "x,", None]
    assert [row["_row_number"] for row in rows] == [1, 2, 3, 4]


def test_a_batch_holds_at_most_twenty_thousand_records() -> None:
    """They come in their order, and none is lost at a border."""
    rows: list[Row] = [(n, [str(n)], None) for n in range(1, 45_502)]
    found = list(record_batches(rows, match_headers(["a"], ("a",)), ("a",), LINEAGE))
    assert [batch.num_rows for batch in found] == [20_000, 20_000, 5_501]
    assert [int(value) for batch in found for value in batch["a"].to_pylist()] == list(range(1, 45_502))
    assert [value for batch in found for value in batch["_row_number"].to_pylist()] == list(range(1, 45_502))


def test_long_values_make_smaller_batches() -> None:
    """A task's memory is bounded by bytes too, not only by records."""
    rows: Iterator[Row] = ((n, ["x" * 1_000_000], None) for n in range(1, 201))
    sizes = [batch.nbytes for batch in record_batches(rows, match_headers(["a"], ("a",)), ("a",), LINEAGE)]
    assert len(sizes) > 1
    assert max(sizes) < 1.5 * batches.BATCH_BYTES


def test_no_records_make_no_batch() -> None:
    """A file with a header only adds nothing."""
    assert from_rows([], ["a"], ("a",)) == []
    assert from_objects([], ("a",)) == []


def test_objects_are_matched_each_by_its_own_names() -> None:
    """Names may differ from record to record; the header is the union of all, sorted."""
    rows = from_objects(
        [
            (1, {"Ticket ID": "T1", "status": None}, None),
            (2, {"ticket_id": "T2", "newField": None, "index": "5"}, None),
            (3, None, "{"),
            (4, {}, None),
        ],
        ("ticket_id", "status"),
    )
    assert [row["ticket_id"] for row in rows] == ["T1", "T2", None, None]
    assert [row["_extra"] for row in rows] == [None, [("new_field", None)], None, None]
    assert [row["_corrupt_record"] for row in rows] == [None, None, "{", None]
    assert {row["_header"] for row in rows} == {'["Ticket ID", "index", "newField", "status", "ticket_id"]'}


def test_an_objects_index_is_kept_when_asked_for() -> None:
    """As with files that have a header."""
    (row,) = from_objects([(1, {"index": "5", "a": "x"}, None)], ("a",), keep_source_row_id=True)
    assert row["_extra"] == [("source_row_id", "5")]


def test_two_names_of_one_object_that_end_at_the_same_column_are_an_error() -> None:
    """The file and the record are named."""
    with pytest.raises(SourceError, match=r"day\.csv, record 3: two headers end at the name 'id': 'ID' and 'id'"):
        from_objects([(3, {"ID": "1", "id": "2"}, None)], ("id",))

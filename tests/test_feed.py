"""Which of the changed rows of an input change anything for a table that reads some of its columns."""

from __future__ import annotations

import pyarrow as pa

from spark_jobs.feed import _differing

READS = ("day", "priority")


def images(*rows: tuple[str, str, str | None, str]) -> pa.Table:
    """A change feed of (change type, day, priority, agent)."""
    return pa.table(dict(zip(("_change_type", "day", "priority", "agent"), zip(*rows, strict=True), strict=True)))


def moved(*rows: tuple[str, str, str | None, str]) -> list[tuple[str, str | None]]:
    """The (day, priority) that are told to have changed."""
    return sorted((row["day"], row["priority"]) for row in _differing(images(*rows), READS).to_pylist())


def test_a_row_that_changed_elsewhere_moves_nothing() -> None:
    """Another agent, the same day and priority."""
    assert moved(("update_preimage", "d1", "Low", "A1"), ("update_postimage", "d1", "Low", "A2")) == []


def test_a_row_that_changed_in_a_column_that_is_read_moves_its_old_and_its_new_place() -> None:
    """Null is a value like others."""
    found = moved(("update_preimage", "d1", None, "A1"), ("update_postimage", "d2", "Low", "A1"))
    assert found == [("d1", None), ("d2", "Low")]


def test_new_and_deleted_rows_count() -> None:
    """Each alone on its side."""
    assert moved(("insert", "d1", "Low", "A1"), ("delete", "d2", "Low", "A1")) == [("d1", "Low"), ("d2", "Low")]


def test_a_row_that_is_again_as_it_was_after_two_versions_moves_nothing() -> None:
    """There and back again."""
    there = [("update_preimage", "d1", "Low", "A1"), ("update_postimage", "d1", "High", "A1")]
    back = [("update_preimage", "d1", "High", "A1"), ("update_postimage", "d1", "Low", "A1")]
    assert moved(*there, *back) == []


def test_two_rows_that_change_places_are_no_change_and_one_of_two_alike_is() -> None:
    """The number of rows that look alike is what counts."""
    swapped = [("update_preimage", "d1", "Low", "A1"), ("update_postimage", "d1", "High", "A1")]
    swapped += [("update_preimage", "d1", "High", "A2"), ("update_postimage", "d1", "Low", "A2")]
    assert moved(*swapped) == []
    assert moved(("insert", "d1", "Low", "A1"), ("insert", "d1", "Low", "A2")) == [("d1", "Low")]

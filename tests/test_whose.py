"""Whose a record is, where it doesn't say so in the contract's own column."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.whose import Customers, in_exceptions, is_theirs, names_them, personal_values
from tests.test_forgotten import OWNED, PERSONS

THEM = Customers(OWNED, frozenset({"C-1"}), frozenset({"ann@example.org"}), frozenset({"al", "1980-02-03"}))
BRONZE = {"parcel_id": None, "owner": None, "mail": None, "old_owner": None, "_corrupt_record": None, "_header": "[]"}
DDL = ", ".join(f"{name} string" for name in BRONZE) + ", _extra map<string,string>"
EXCEPTION = "raw_record string, reject_reasons array<string>"


def test_records_of_bronze(spark: SparkSession) -> None:
    """Theirs by an id in any column, others' are not; what only names them is found beside. Blanks don't matter."""
    cases: list[tuple[dict[str, Any], bool, bool]] = [
        ({"owner": " C-1 "}, True, False),
        ({"owner": "C-10", "mail": "ann@example.org"}, False, False),
        ({"owner": "-", "mail": "Ann@example.org "}, True, False),
        ({"old_owner": "C-1"}, True, True),
        ({"owner": "C-2", "old_owner": "C-1"}, False, True),
        ({"_extra": {"owner": "C-1"}}, True, True),
        ({"_extra": {"who": " C-1"}}, True, True),
        ({"owner": "C-2", "_extra": {"a": None, "who": "C-1"}}, False, True),
        ({"_extra": {"who": "ann@example.org"}}, False, True),
        ({"owner": "C-2", "_extra": {"who": "C-10"}}, False, False),
        ({"owner": "C-2", "_header": '["C-1", "x"]'}, False, True),
        ({"_corrupt_record": "call c-1."}, False, True),
        ({"_corrupt_record": "C-10,al,1980-02-03"}, False, False),
    ]
    rows = spark.createDataFrame([{"_extra": None, **BRONZE, **row} for row, _, _ in cases], DDL)
    found = rows.select(is_theirs(THEM, rows), names_them(THEM, rows)).collect()
    assert [tuple(row) for row in found] == [(theirs, named) for _, theirs, named in cases]


def test_exceptions(spark: SparkSession) -> None:
    """The same of what they keep as JSON; short texts and birth dates count where every record is a person."""
    among_persons = Customers(PERSONS, THEM.ids, THEM.texts, THEM.values)
    assert judged(
        spark,
        THEM,
        {"owner": "C-1"},
        {"owner": None, "_extra": {"owner": " C-1"}},
        {"_extra": {"mail": "ann@example.org"}},
        {"owner": "C-2", "old_owner": "C-1"},
        {"owner": "C-2", "_extra": {"who": "C-1"}},
        {"owner": "C-2", "_extra": None},
        "9,Al,1980-02-03",
        '{"owner": "C-1", "owner": "C-1"',
    ) == [(True, False), (True, True), (True, True), *[(False, True)] * 2, *[(False, False)] * 2, (False, True)]
    found = judged(spark, among_persons, "9,Al,half", "9,half,1980-02-03", "9,Alan")
    assert found == [(False, True), (False, True), (False, False)]


def judged(spark: SparkSession, whom: Customers, *records: Any) -> list[tuple[bool, bool]]:
    """Of each rejected record, a text where it is malformed, whether it is theirs and whether it names them."""
    rows = [(r, ["malformed_record"]) if isinstance(r, str) else (json.dumps(r), ["missing_size"]) for r in records]
    return [tuple(row) for row in spark.createDataFrame(rows, EXCEPTION).select(*in_exceptions(whom)).collect()]


def test_personal_values_are_told_apart(spark: SparkSession) -> None:
    """A long text is the customer's wherever it stands, a short one only among persons.

    One letter says nothing, nor does a null token.
    """
    mails = (" Ann@x.y", "Al", "f", "Unknown", None)
    rows = spark.createDataFrame([{**BRONZE, "owner": "C-1", "mail": mail} for mail in mails], DDL)
    them = Customers(replace(OWNED, null_tokens=("unknown",)), frozenset({"C-1"}))
    assert personal_values(them, None, rows) == {(True, "ann@x.y"), (False, "al")}

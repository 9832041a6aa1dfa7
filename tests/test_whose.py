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
    cases: list[tuple[Customers, Any, bool, bool]] = [
        (THEM, {"owner": "C-1"}, True, False),
        (THEM, {"owner": None, "_extra": {"owner": " C-1"}}, True, True),
        (THEM, {"_extra": {"mail": "ann@example.org"}}, True, True),
        (THEM, {"owner": "C-2", "old_owner": "C-1"}, False, True),
        (THEM, {"owner": "C-2", "_extra": {"who": "C-1"}}, False, True),
        (THEM, {"owner": "C-2", "_extra": None}, False, False),
        (THEM, "9,Al,1980-02-03", False, False),
        (THEM, '{"owner": "C-1", "owner": "C-1"', False, True),
        (Customers(PERSONS, THEM.ids, THEM.texts, THEM.values), "9,Al,half", False, True),
        (Customers(PERSONS, THEM.ids, THEM.texts, THEM.values), "9,half,1980-02-03", False, True),
        (Customers(PERSONS, THEM.ids, THEM.texts, THEM.values), "9,Alan", False, False),
    ]
    for whom, raw, theirs, named in cases:
        text, reason = (raw, "malformed_record") if isinstance(raw, str) else (json.dumps(raw), "missing_size")
        row = spark.createDataFrame([(text, [reason])], EXCEPTION).select(*in_exceptions(whom)).collect()[0]
        assert tuple(row) == (theirs, named), raw


def test_personal_values_are_told_apart(spark: SparkSession) -> None:
    """A long text is the customer's wherever it stands, a short one only among persons.

    One letter says nothing, nor does a null token.
    """
    mails = (" Ann@x.y", "Al", "f", "Unknown", None)
    rows = spark.createDataFrame([{**BRONZE, "owner": "C-1", "mail": mail} for mail in mails], DDL)
    them = Customers(replace(OWNED, null_tokens=("unknown",)), frozenset({"C-1"}))
    assert personal_values(them, None, rows) == {(True, "ann@x.y"), (False, "al")}

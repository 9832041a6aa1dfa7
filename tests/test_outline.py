"""The outline of a datetime pattern lets through whatever Spark reads by the pattern."""

from __future__ import annotations

import re

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contract.patterns import iso_form, outline

TEXTS = [
    "3/9/24 7:05", "03/09/24 07:05", "3/9/2024 7:05", "2024-03-09 07:05:06", "2024-03-09T07:05:06Z", "9 Mar 2024",
    "9-mar-24", "March 9, 2024", "2024/069", "20240309", "2024-03-09 07:05:06.123 +05:30", "7:05 PM 9.3.2024",
    "2024-03-09T07:05:06.5", "2024-03-09", "+12024-03-09", "-2024-03-09", "9.3.2024", "9.3.2024 um 7 uhr",
    "9.3.2024 um 7 Uhr", "2024-03-09 07:05 Europe/Paris", "2024-03-09 07:05 GMT+8", "AD 2024-03-09", "3|9|24 (7:05)",
    "", "n/a", "3/9/24", "2024-03-09 07:05:06\n",
]  # fmt: skip
READ = {
    "M/d/yy H:mm": 2,
    "MM/dd/yy HH:mm": 1,
    "yyyy-MM-dd HH:mm:ss": 1,
    "d MMM yyyy": 1,
    "d-MMM-yy": 1,
    "MMMM d, yyyy": 1,
    "yyyy/DDD": 1,
    "yyyyMMdd": 1,
    "yyyy-MM-dd HH:mm:ss.SSS XXX": 1,
    "yyyy-MM-dd'T'HH:mm:ss[.S]['Z']": 2,
    "h:mm a d.M.yyyy": 1,
    "d.M.yyyy['  um 'H' Uhr']": 1,
    "d.M.yyyy' um 'H' Uhr'": 2,
    "yyyy-MM-dd HH:mm VV": 1,
    "yyyy-MM-dd HH:mm O": 1,
    "G yyyy-MM-dd": 1,
    "M|d|yy (H:mm)": 1,
    "y-MM-dd": 2,
}
"""How many of the texts Spark reads, as counted once: a pattern that reads none would prove nothing."""


@pytest.mark.spark
def test_no_text_that_spark_reads_is_kept_from_it(spark: SparkSession) -> None:
    """By patterns of digits, words, quoted text, options, offsets and marks that mean something in an expression."""
    texts = spark.createDataFrame([(text,) for text in TEXTS], "text string")
    read = [F.to_timestamp("text", pattern).isNotNull().alias(pattern) for pattern in READ]
    fits = [F.col("text").rlike(outline(pattern)).alias(f"fits {pattern}") for pattern in READ]
    rows = [row.asDict() for row in texts.select("text", *read, *fits).collect()]

    kept = [(pattern, row["text"]) for row in rows for pattern in READ if row[pattern] and not row[f"fits {pattern}"]]

    assert kept == []
    assert {pattern: sum(row[pattern] for row in rows) for pattern in READ} == READ


ISO_TEXTS = [
    "2024-03-09", "2024-02-30", "2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "1582-10-10",
    "2024-13-01", "2024-00-10", "2024-3-9", "2024-03-09 07:05", "2024-03-09 24:00", "2024-03-09 07:60",
    "2024-03-09 07:05:06", "2024-03-09 23:59:60", "2024-03-09T07:05:06", "1883-11-18 12:03:58", "2024-03-09 07:05:06.1",
    "2024-03-09T07:05", "\uff12024-03-09", "2024-03-09Z", "12024-03-09", "",
]  # fmt: skip
ISO_READ = {"yyyy-MM-dd": 6, "yyyy-MM-dd HH:mm": 1, "yyyy-MM-dd HH:mm:ss": 2, "yyyy-MM-dd'T'HH:mm:ss": 1}


@pytest.mark.spark
def test_a_cast_reads_iso_dates_and_times_as_their_patterns_do(spark: SparkSession) -> None:
    """The same texts and the same instants; what a pattern refuses is refused, and no other pattern is cast."""
    texts = spark.createDataFrame([(text,) for text in ISO_TEXTS], "text string")
    by_pattern = [F.unix_micros(F.to_timestamp("text", pattern)).alias(f"read {pattern}") for pattern in ISO_READ]
    fits = {pattern: F.col("text").rlike(str(iso_form(pattern))) for pattern in ISO_READ}
    by_cast = [F.unix_micros(F.when(fits[p], F.col("text")).cast("timestamp")).alias(p) for p in ISO_READ]
    rows = [row.asDict() for row in texts.select("text", *by_pattern, *by_cast).collect()]

    other = [(pattern, row["text"]) for row in rows for pattern in ISO_READ if row[pattern] != row[f"read {pattern}"]]

    assert other == []
    assert {pattern: sum(row[pattern] is not None for row in rows) for pattern in ISO_READ} == ISO_READ
    assert [iso_form(pattern) for pattern in ("yyyy-MM-dd HH", "y-MM-dd", "dd-MM-yyyy", "yyyy-MM-dd HH:mm:ssX")] == [
        None
    ] * 4


def test_it_refuses_texts_with_other_marks() -> None:
    """Or it would save nothing."""
    assert not re.match(outline("M/d/yy H:mm"), "2024-03-09T07:05:06Z")
    assert not re.match(outline("yyyy-MM-dd HH:mm:ss"), "2024-03-09T07:05:06Z")
    assert not re.match(outline("yyyy.MM.dd"), "2024-03-09")

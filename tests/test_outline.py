"""The outline of a datetime pattern lets through whatever Spark reads by the pattern."""

from __future__ import annotations

import re

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contract.patterns import outline

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


def test_it_refuses_texts_with_other_marks() -> None:
    """Or it would save nothing."""
    assert not re.match(outline("M/d/yy H:mm"), "2024-03-09T07:05:06Z")
    assert not re.match(outline("yyyy-MM-dd HH:mm:ss"), "2024-03-09T07:05:06Z")
    assert not re.match(outline("yyyy.MM.dd"), "2024-03-09")

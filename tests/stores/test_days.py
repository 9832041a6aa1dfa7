"""The day of a text by a contract's formats: as Spark reads them, without Spark."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contract import Column, Contract
from spark_jobs.errors import UsageError
from spark_jobs.land.days import column_of, day_reader
from spark_jobs.rules import _parse

FORMATS = (
    "M/d/yy H:mm", "yyyy-MM-dd HH:mm:ss", "ISO8601", "dd-MMM-yyyy hh:mm a", "yyyyMMdd'T'HHmmss", "d.M.yyyy[ HH:mm]",
    "MMMM d, yyyy h:mm:ss a",
)  # fmt: skip
TEXTS = {
    "3/1/24 9:05": date(2024, 3, 1),
    "03/01/24 09:05": date(2024, 3, 1),
    "3/1/2024 9:05": None,
    "2024-03-01 23:59:59": date(2024, 3, 1),
    "2024-03-01": date(2024, 3, 1),
    "2024-03-01T23:30:00-02:00": date(2024, 3, 2),
    "2024-03-01T00:30:00+05:30": date(2024, 2, 29),
    "2024-03-01 10:00:00.123456Z": date(2024, 3, 1),
    "  2024-03-01 10:00\u00a0": date(2024, 3, 1),
    "01-Mar-2024 12:30 am": date(2024, 3, 1),
    "01-Mar-2024 13:30 PM": None,
    "20240301T101500": date(2024, 3, 1),
    "1.3.2024 10:15": date(2024, 3, 1),
    "1.3.2024": date(2024, 3, 1),
    "March 1, 2024 9:05:00 PM": date(2024, 3, 1),
    "2024-02-30 10:00:00": None,
    "2023-02-29 10:00:00": None,
    "2024-03-01 25:00:00": None,
    "13/1/24 9:05": None,
    "yesterday": None,
    "": None,
}
CREATED = Column("created_at", "timestamp", sources=("opened",), formats=FORMATS)


def _contract(*columns: Column, zone: str = "UTC") -> Contract:
    return Contract("tickets", "1", columns, ("id",), zone=zone)


@pytest.mark.parametrize(("text", "day"), TEXTS.items())
def test_a_text_names_its_day_or_none(text: str, day: date | None) -> None:
    """The first format that reads it counts; days and hours that there aren't are none."""
    assert day_reader(_contract(CREATED), CREATED, ZoneInfo("UTC"))(text) == day


def test_spark_reads_the_same_days(spark: SparkSession) -> None:
    """What lands on a day is what the run takes for that day."""
    frame = spark.createDataFrame([(text,) for text in TEXTS], "text string")
    trimmed = F.btrim("text", F.lit(" \u00a0"))
    found = frame.select("text", F.to_date(_parse(trimmed, CREATED, "UTC", is_text=True)).alias("day"))
    assert {row["text"]: row["day"] for row in found.collect()} == TEXTS


def test_an_instant_without_an_offset_is_one_of_the_contracts_zone() -> None:
    """Ten at night in New York is the next morning in India."""
    read = day_reader(_contract(CREATED, zone="America/New_York"), CREATED, ZoneInfo("Asia/Kolkata"))
    assert read("2024-03-01 22:00:00") == date(2024, 3, 2)
    assert read("2024-03-01 22:00:00Z") == date(2024, 3, 2)
    assert read("2024-03-01 10:00:00Z") == date(2024, 3, 1)


def test_a_date_is_the_day_itself_in_any_zone() -> None:
    """No zone moves it."""
    hired = Column("hired_on", "date", sources=("hired_on",), formats=("d/M/yyyy",))
    read = day_reader(_contract(hired, zone="America/New_York"), hired, ZoneInfo("Asia/Kolkata"))
    assert read("1/3/2024") == date(2024, 3, 1)


def test_the_column_is_named_as_in_the_delivery_or_as_in_silver() -> None:
    """Both lead to the delivered one; derived and text columns name no day."""
    contract = _contract(CREATED, Column("title", "string", sources=("title",)))
    assert column_of(contract, "created_at") == column_of(contract, "opened") == ("opened", CREATED)
    with pytest.raises(UsageError, match="allowed: created_at"):
        column_of(contract, "title")


def test_a_format_that_only_spark_reads_is_refused() -> None:
    """It isn't passed over, for its records would seem to have no day."""
    odd = Column("created_at", "timestamp", sources=("created_at",), formats=("yyyy-DDD HH:mm",))
    with pytest.raises(UsageError, match="yyyy-DDD"):
        day_reader(_contract(odd), odd, ZoneInfo("UTC"))

"""Spark SQL text that several Gold tables share: exact ratios, whole seconds, business time, the horizon's cut.

Text and not Columns: an expression is parsed in one call, where a Column costs a call to the JVM per operator, and an
aggregate may stand inside (`ratio("count_if(late)", "count(*)")`), which saves a projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

PRIORITIES = ("Low", "Medium", "High", "Critical")
UNASSIGNED = "-1"
LINEAGE = (
    "_version_at", "_source_file", "_file_modified", "_row_number", "_delivery", "_logical_date", "_load_time",
    "_ingested_at", "_run_id",
)  # fmt: skip

LATE = "resolved_at > sla_due_at"  # null, so not counted, while unresolved
HIGH_PRIORITY = "priority IN ('High', 'Critical')"
DAY_OF_WEEK = "weekday(created_date) + 1"  # created_date is the business date; 1 = Monday


def columns(*expressions: str) -> list[Column]:
    """The expressions, each `… AS name`, as Columns for `agg`."""
    return [F.expr(expression) for expression in expressions]


def day(of: date) -> str:
    """A date literal."""
    return f"DATE'{of.isoformat()}'"


def up_to(column: str, horizon: date) -> str:
    """True for rows whose date isn't past the horizon; null dates are out."""
    return f"{column} <= {day(horizon)}"


def literals(values: Sequence[str]) -> str:
    """An array of string literals."""
    return f"array({', '.join(repr(value) for value in values)})"


def ratio(numerator: str, denominator: str) -> str:
    """Two whole numbers' quotient as decimal(18,4), half up; null when the denominator is 0 or either is null.

    Exact although it is rounded twice (to 20 decimals by the division, to 4 by the cast): a quotient that isn't a tie
    lies at least 1 / (20,000 x denominator) away from one, so for every denominator up to 5e15.
    """
    return f"CAST(CAST({numerator} AS DECIMAL(18)) / CAST({denominator} AS DECIMAL(19)) AS DECIMAL(18,4))"


def percentage(part: str, whole: str) -> str:
    """How many of a hundred, decimal(5,2), half up; null when the whole is 0. Exact as `ratio` is."""
    return f"CAST(CAST(100L * {part} AS DECIMAL(18)) / CAST({whole} AS DECIMAL(19)) AS DECIMAL(5,2))"


def hours(seconds: str, count: str = "1") -> str:
    """Whole seconds, summed over `count` things, as hours per thing: decimal(18,4), half up."""
    return ratio(seconds, f"3600L * {count}")


def seconds_between(start: str, end: str) -> str:
    """Whole seconds from `start` to a later `end` as bigint, a fraction cut off; null when either is null."""
    return f"((unix_micros({end}) - unix_micros({start})) DIV 1000000)"


RESOLUTION_SECONDS = seconds_between("created_at", "resolved_at")


def business_hour(instant: str, zone: str) -> str:
    """The hour of day, 0 to 23, of a UTC instant in the business time zone."""
    return f"hour(from_utc_timestamp({instant}, '{zone}'))"


def end_of(horizon: date, zone: str) -> str:
    """The instant at which the business day `horizon` ends."""
    return f"to_utc_timestamp(CAST({day(horizon)} + INTERVAL 1 DAY AS TIMESTAMP), '{zone}')"

"""Tickets by arithmetic: row n of a history follows from n alone, so that ten million cost minutes and are equal.

Five years of days; what a ticket becomes is drawn from hashes of its number. The last 14 days hold at least
`RECENT_AT_LEAST` tickets however small the history is, because the delivery changes 900 of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import silver_table
from spark_jobs.contract import Contract

FIRST_DAY = date(2020, 1, 1)
DAYS = 1_826
DELIVERY_DAY = FIRST_DAY + timedelta(days=DAYS)
RECENT_DAYS = 14
RECENT_AT_LEAST = 1_500
AGENTS = 50
CATEGORIES = 20
PRIORITIES = {"Low": 34, "Medium": 42, "High": 18, "Critical": 6}
LONGEST_DAYS = 45
"""No ticket takes longer, so that what is open lies near the end of the history."""


@dataclass(frozen=True)
class Span:
    """Which tickets: numbers `first` to `first + count - 1`, and the expression that gives a number's day."""

    first: int
    count: int
    day: str
    known_until: date
    """What had happened when this day began is known: a later resolution isn't."""


def history(tickets: int) -> Span:
    """All tickets of a history; numbers rise with time. ValueError when there are too few for the delivery."""
    if tickets < 2 * RECENT_AT_LEAST:
        raise ValueError(f"a history has at least {2 * RECENT_AT_LEAST} tickets, not {tickets}")
    recent = max(RECENT_AT_LEAST, tickets * RECENT_DAYS // DAYS)
    older, older_days = tickets - recent, DAYS - RECENT_DAYS
    return Span(
        0,
        tickets,
        f"if(id < {older}, id * {older_days} DIV {older}, {older_days} + (id - {older}) * {RECENT_DAYS} DIV {recent})",
        DELIVERY_DAY,
    )


def new_ones(tickets: int, count: int) -> Span:
    """The tickets that are created on the delivery's day."""
    return Span(tickets, count, str(DAYS), DELIVERY_DAY + timedelta(days=1))


def draw(salt: int, bound: int) -> str:
    """A number from 0 to bound - 1 that follows from the ticket's."""
    return f"int(pmod(xxhash64(id, {salt}), {bound}))"


def instant(day: date) -> int:
    """The day's beginning in seconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def silver_rows(spark: SparkSession, contract: Contract, span: Span) -> DataFrame:
    """The tickets as typed rows in the shape of Silver, generated columns aside; derived ones by the contract."""
    rows = spark.range(span.first, span.first + span.count).selectExpr(*_drawn(span))
    rows = rows.selectExpr("*", *_lived(span)).selectExpr("*", *_ended())
    for column in contract.stored:
        if column.derived:
            derived = F.expr(str(column.transform)).cast(column.type)
            rows = rows.withColumn(column.name, derived)
    rows = rows.selectExpr("*", *_lineage())
    return rows.select(*(F.col(f.name).cast(f.dataType).alias(f.name) for f in silver_table.schema(contract).fields))


def _drawn(span: Span) -> list[str]:
    """What a ticket is from its beginning; two draws for the second of the day make noon its busiest time."""
    agent = f"format_string('A%02d', int({AGENTS} * sqrt({draw(8, 10_000)} / 10000D)))"  # some have much more to do
    second = f"({draw(1, 86_400)} + {draw(2, 86_400)}) DIV 2"
    return [
        "id",
        "format_string('T%08d', id) AS ticket_id",
        f"timestamp_seconds({instant(FIRST_DAY)} + ({span.day}) * 86400 + {second}) AS created_at",
        f"element_at({_weighted(PRIORITIES)}, {draw(3, 100)} + 1) AS priority",
        f"element_at(array('Free', 'Standard', 'Premium', 'Enterprise'), {draw(4, 4)} + 1) AS customer_tier",
        f"element_at(array('Email', 'Chat', 'Phone', 'Web', 'Social'), {draw(5, 5)} + 1) AS channel",
        f"format_string('Category %02d', {draw(6, CATEGORIES)}) AS category",
        f"if({draw(7, 20)} = 0, '-1', {agent}) AS agent_id",
        "'UTC' AS business_timezone",
    ]


def _weighted(weights: dict[str, int]) -> str:
    """An array of 100 names in proportion to their weights, which add up to 100."""
    parts = ", ".join(f"array_repeat('{name}', {weight})" for name, weight in weights.items())
    return f"concat({parts})"


def _lived(span: Span) -> list[str]:
    """How long it takes: an exponential time whose median depends on the priority, or still going on."""
    median = "element_at(map('Low', 40D, 'Medium', 17D, 'High', 6D, 'Critical', 2.2D), priority)"
    took = f"least(-ln(({draw(9, 1_000_000)} + 1) / 1000001D) / ln(2D) * {median} * 3600, {LONGEST_DAYS} * 86400)"
    end = f"timestamp_seconds(unix_seconds(created_at) + 60 + bigint({took}))"
    hours = "element_at(map('Low', 72, 'Medium', 24, 'High', 8, 'Critical', 4), priority)"
    factor = "element_at(map('Free', 2D, 'Standard', 1D, 'Premium', 0.75D, 'Enterprise', 0.5D), customer_tier)"
    return [
        f"if({end} < timestamp_seconds({instant(span.known_until)}), {end}, null) AS resolved_at",
        f"CAST({hours} * {factor} AS DECIMAL(9,2)) AS sla_hours",
    ]


def _ended() -> list[str]:
    still = f"element_at(array('Open', 'Open', 'In Progress', 'Pending'), {draw(10, 4)} + 1)"
    over = f"if({draw(11, 10)} < 3, 'Closed', 'Resolved')"
    return [
        f"if(resolved_at IS NULL, {still}, {over}) AS status",
        "coalesce(resolved_at, created_at) AS updated_at",
        "resolved_at > created_at + sla_hours * INTERVAL 1 HOUR AS sla_breached_reported",
    ]


def _lineage() -> list[str]:
    """The delivery of the day on which the ticket was changed last."""
    day = "to_date(updated_at)"
    landed = f"timestamp_seconds(unix_seconds(CAST({day} AS TIMESTAMP)) + 30 * 3600)"
    return [
        "updated_at AS _version_at",
        f"concat('tickets/', date_format({day}, 'yyyy/MM/yyyy-MM-dd'), '.csv') AS _source_file",
        f"{landed} AS _file_modified",
        "id % 10000 + 1 AS _row_number",
        f"substring(sha2(concat(CAST({day} AS STRING), '\\n'), 256), 1, 12) AS _delivery",
        f"{day} AS _logical_date",
        f"{landed} AS _load_time",
        f"{landed} AS _ingested_at",
        "'history' AS _run_id",
    ]

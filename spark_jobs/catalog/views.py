"""Views over the state and exception tables, in the words of BigQuery or Athena.

A view's text names each table through `names`, so that it reads whatever the catalogue calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from spark_jobs.catalog.survey import LakeTable, Survey
from spark_jobs.contract import Contract

Kind = Literal["string", "date", "bigint", "double", "boolean", "timestamp"]
Names = Callable[[LakeTable], str]
SETTLED = "('SUCCEEDED', 'SKIPPED')"


@dataclass(frozen=True)
class Dialect:
    """The few things that BigQuery and Athena say in different words; patterns take their parts by name."""

    name: Literal["bigquery", "athena"]
    later: str
    """`day` and `days` days."""
    days_between: str
    """From `first` to `last`."""
    deadline: str
    """`hours` after the end of the business day `day` in `zone`, as an instant."""
    instant: str
    """An instant as a view may show it."""
    each: str
    """A row per element of the list `values`, called `one`."""
    number: str
    """The type of a ratio."""
    text_list: str
    """The distinct texts of the group, in order."""


BIGQUERY = Dialect(
    "bigquery",
    later="DATE_ADD({day}, INTERVAL {days} DAY)",
    days_between="DATE_DIFF({last}, {first}, DAY)",
    deadline="TIMESTAMP_ADD(TIMESTAMP(DATE_ADD({day}, INTERVAL 1 DAY), '{zone}'), INTERVAL {hours} HOUR)",
    instant="{instant}",
    each="CROSS JOIN UNNEST({values}) AS {one}",
    number="FLOAT64",
    text_list="STRING_AGG(DISTINCT {text}, ', ' ORDER BY {text})",
)
ATHENA = Dialect(
    "athena",
    later="DATE_ADD('day', {days}, {day})",
    days_between="DATE_DIFF('day', {first}, {last})",
    deadline="WITH_TIMEZONE(CAST({day} AS TIMESTAMP) + INTERVAL '1' DAY, '{zone}') + {hours} * INTERVAL '1' HOUR",
    # a view's columns are kept in Hive's types, which know no instant with a zone
    instant="CAST({instant} AT TIME ZONE 'UTC' AS TIMESTAMP)",
    each="CROSS JOIN UNNEST({values}) AS listed ({one})",
    number="DOUBLE",
    text_list="ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT {text}) FILTER (WHERE {text} IS NOT NULL)), ', ')",
)


@dataclass(frozen=True)
class View:
    """A view: its columns by name, the tables that it reads, and its text."""

    name: str
    about: str
    columns: Mapping[str, Kind]
    reads: tuple[LakeTable, ...]
    sql: str

    @property
    def is_for_analysts(self) -> bool:
        """Whether everything that it reads may be read by people who may see no personal data."""
        return all(table.is_for_analysts for table in self.reads)


@dataclass(frozen=True)
class Views:
    """The views that the lake's tables allow for, and the names of those that wait for a table."""

    made: tuple[View, ...]
    waiting: tuple[str, ...]


def views_of(survey: Survey, contracts: Mapping[str, Contract], zone: str, dialect: Dialect, names: Names) -> Views:
    """Every view, for one catalogue; `zone` is the business time zone."""
    ledger, exceptions = survey.table("state", "ingestion_state"), tuple(survey.of("exception"))
    made: list[View] = []
    waiting: list[str] = []
    if ledger is None:
        waiting += ["ingestion_days", "ingestion_by_day", "ingestion_gaps"]
    else:
        days = _ingestion_days(names(ledger), contracts, zone, dialect)
        made += [
            View("ingestion_days", ABOUT["ingestion_days"], DAYS, (ledger,), days),
            View("ingestion_by_day", ABOUT["ingestion_by_day"], BY_DAY, (ledger,), _by_day(days, dialect)),
            View("ingestion_gaps", ABOUT["ingestion_gaps"], GAPS, (ledger,), _gaps(names(ledger), dialect)),
        ]
    if exceptions:
        sql = _reasons([names(table) for table in exceptions], dialect)
        made.append(View("exception_reasons_daily", ABOUT["exception_reasons_daily"], REASONS, exceptions, sql))
    else:
        waiting.append("exception_reasons_daily")
    return Views(tuple(made), tuple(waiting))


ABOUT = {
    "ingestion_days": "One row per dataset and day of the ledger: figures, reject rate, and whether it is or was late.",
    "ingestion_by_day": "One row per day over all datasets: rejected rows and late datasets.",
    "ingestion_gaps": "One row per dataset and stretch of days that aren't settled, up to the ledger's last day.",
    "exception_reasons_daily": "One row per dataset, delivery's day, reject reason and status: how many records.",
}
DAYS: Mapping[str, Kind] = {
    "dataset": "string",
    "ops_date": "date",
    "status": "string",
    "attempt": "bigint",
    "rows_read": "bigint",
    "rows_ingested": "bigint",
    "rows_rejected": "bigint",
    "rejected_rate": "double",
    "deadline": "timestamp",
    "ingested_at": "timestamp",
    "is_overdue": "boolean",
    "came_late": "boolean",
    "error_class": "string",
}
BY_DAY: Mapping[str, Kind] = {
    "ops_date": "date",
    "datasets": "bigint",
    "rows_read": "bigint",
    "rows_rejected": "bigint",
    "rejected_rate": "double",
    "late_datasets": "bigint",
    "late_names": "string",
    "datasets_that_came_late": "bigint",
}
GAPS: Mapping[str, Kind] = {"dataset": "string", "first_day": "date", "last_day": "date", "open_days": "bigint"}
REASONS: Mapping[str, Kind] = {
    "dataset": "string",
    "ops_date": "date",
    "reason": "string",
    "status": "string",
    "records": "bigint",
}


def _ingestion_days(ledger: str, contracts: Mapping[str, Contract], zone: str, dialect: Dialect) -> str:
    """The ledger with each day's deadline; datasets without a contract have none and are never late."""
    hours = " UNION ALL\n    ".join(
        f"SELECT '{name}' AS dataset, {contract.sla_hours} AS sla_hours" for name, contract in sorted(contracts.items())
    )
    deadline = dialect.deadline.format(day="ledger.logical_date", hours="latency.sla_hours", zone=zone)
    return f"""SELECT
  days.dataset,
  days.ops_date,
  days.status,
  days.attempt,
  days.rows_read,
  days.rows_ingested,
  days.rows_rejected,
  CAST(days.rows_rejected AS {dialect.number}) / NULLIF(days.rows_read, 0) AS rejected_rate,
  {dialect.instant.format(instant="days.deadline")} AS deadline,
  {dialect.instant.format(instant="days.ingestion_timestamp")} AS ingested_at,
  days.status NOT IN {SETTLED} AND COALESCE(days.deadline < CURRENT_TIMESTAMP, FALSE) AS is_overdue,
  COALESCE(days.ingestion_timestamp > days.deadline, FALSE) AS came_late,
  days.error_class
FROM (
  SELECT
    ledger.dataset,
    ledger.logical_date AS ops_date,
    ledger.status,
    ledger.attempt,
    ledger.rows_read,
    ledger.rows_ingested,
    ledger.rows_rejected,
    ledger.ingestion_timestamp,
    ledger.error_class,
    {deadline} AS deadline
  FROM {ledger} AS ledger
  LEFT JOIN (
    {hours}
  ) AS latency ON latency.dataset = ledger.dataset
) AS days"""


def _by_day(days: str, dialect: Dialect) -> str:
    names = dialect.text_list.format(text="CASE WHEN is_overdue THEN dataset END")
    return f"""SELECT
  ops_date,
  COUNT(*) AS datasets,
  SUM(rows_read) AS rows_read,
  SUM(rows_rejected) AS rows_rejected,
  CAST(SUM(rows_rejected) AS {dialect.number}) / NULLIF(SUM(rows_read), 0) AS rejected_rate,
  SUM(CASE WHEN is_overdue THEN 1 ELSE 0 END) AS late_datasets,
  {names} AS late_names,
  SUM(CASE WHEN came_late THEN 1 ELSE 0 END) AS datasets_that_came_late
FROM (
{days}
) AS by_dataset
GROUP BY ops_date"""


def _gaps(ledger: str, dialect: Dialect) -> str:
    """Between two settled days, or the ledger's ends, that don't follow on each other lies a gap."""
    before = dialect.later.format(day="MIN(logical_date)", days="-1")
    after = dialect.later.format(day="MAX(logical_date)", days="1")
    between = dialect.days_between.format(first="previous_day", last="settled_day")
    return f"""SELECT
  dataset,
  {dialect.later.format(day="previous_day", days="1")} AS first_day,
  {dialect.later.format(day="settled_day", days="-1")} AS last_day,
  {between} - 1 AS open_days
FROM (
  SELECT
    dataset,
    settled_day,
    LAG(settled_day) OVER (PARTITION BY dataset ORDER BY settled_day) AS previous_day
  FROM (
    SELECT dataset, logical_date AS settled_day FROM {ledger} WHERE status IN {SETTLED}
    UNION ALL
    SELECT dataset, {before} AS settled_day FROM {ledger} GROUP BY dataset
    UNION ALL
    SELECT dataset, {after} AS settled_day FROM {ledger} GROUP BY dataset
  ) AS edges
) AS steps
WHERE {between} > 1"""


def _reasons(exceptions: list[str], dialect: Dialect) -> str:
    """A record with two reasons counts for both."""
    each = dialect.each.format(values="rejected.reject_reasons", one="reason")
    parts = "\n  UNION ALL\n".join(
        f"  SELECT rejected.dataset, rejected._logical_date AS ops_date, reason, rejected.status\n"
        f"  FROM {table} AS rejected\n"
        f"  {each}"
        for table in exceptions
    )
    return f"""SELECT dataset, ops_date, reason, status, COUNT(*) AS records
FROM (
{parts}
) AS reasons
GROUP BY dataset, ops_date, reason, status"""

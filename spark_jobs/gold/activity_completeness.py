"""`activity_completeness`: which half hours of a day anybody's telephone told something of."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import from_date, table
from spark_jobs.gold.measures import day, up_to


@table(grain=["ops_date"], slices=from_date("ops_date", moved_by={"agent_activity_intervals": ["ops_date"]}))
def activity_completeness(agent_activity_intervals: DataFrame, *, horizon: date, zone: str) -> DataFrame:
    """One row per calendar day from the first one with an interval to the horizon.

    Expected are as many half hours as the business day is long: 48, but 46, 47, 49 or 50 where the clocks change.
    `missing_intervals` are the labels of those without a row of any extension, in the order of the day.
    """
    told = (
        agent_activity_intervals.where(up_to("ops_date", horizon))
        .groupBy("ops_date")
        .agg(F.expr("collect_set(unix_seconds(interval_start)) AS told"))
        .coalesce(1)
    )
    # each day with a row spreads itself up to the next one, so that neither a calendar nor a join is needed
    reaching = told.selectExpr(
        "ops_date AS told_date",
        "told",
        f"date_sub(lead(ops_date, 1, {day(horizon + timedelta(days=1))}) OVER (ORDER BY ops_date), 1) AS last_date",
    )
    days = reaching.selectExpr("*", "explode(sequence(told_date, last_date)) AS ops_date").selectExpr(
        "ops_date",
        "if(ops_date = told_date, told, array()) AS told",
        f"unix_seconds({_start_of('ops_date', zone)}) AS started",
        f"unix_seconds({_start_of('date_add(ops_date, 1)', zone)}) AS ended",
    )
    # a zone that moved across the date line has a day without any length
    expected = days.selectExpr("ops_date", "told", "filter(sequence(started, ended, 1800L), at -> at < ended) AS due")
    compared = expected.selectExpr("ops_date", "size(due) AS due", "array_except(due, told) AS missing")
    label = f"date_format(from_utc_timestamp(timestamp_seconds(at), '{zone}'), 'HH:mm')"
    return compared.selectExpr(
        "ops_date",
        "due AS intervals_expected",
        "due - size(missing) AS intervals_present",
        f"transform(missing, at -> {label}) AS missing_intervals",
        "size(missing) = 0 AS is_complete",
    )


def _start_of(date_column: str, zone: str) -> str:
    """The instant at which a business day begins."""
    return f"to_utc_timestamp(CAST({date_column} AS TIMESTAMP), '{zone}')"

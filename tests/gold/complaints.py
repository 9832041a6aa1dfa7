"""Silver frames of complaints, from what a test says of each."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.silver_table import schema
from tests.gold.frames import typed

DATASETS = ("call_logs", "web_complaints", "social_complaints")
KEYS = dict(zip(DATASETS, ("call_id", "request_id", "complaint_id"), strict=True))
Said = dict[str, str | None]


def silver(spark: SparkSession, dataset: str, *rows: Said) -> DataFrame:
    """Rows of a dataset's Silver table; columns that a row doesn't name are null."""
    types = {field.name: field.dataType.simpleString() for field in schema(load_contracts(None)[dataset]).fields}
    return typed(spark, types, [tuple(row.get(name) for name in types) for row in rows])


def channels(spark: SparkSession, *said: Said) -> list[DataFrame]:
    """Calls, web forms and social posts; a complaint says by `of` which it is, by default a call.

    It says `at` and perhaps `until`; its dates are in UTC, its delivery is of the day of its request.
    """
    rows: dict[str, list[Said]] = {dataset: [] for dataset in DATASETS}
    for number, one in enumerate(said, start=1):
        dataset = one.get("of") or "call_logs"
        rows[dataset].append(_row(dataset, str(number), one))
    return [silver(spark, dataset, *rows[dataset]) for dataset in DATASETS]


def _row(dataset: str, number: str, said: Said) -> Said:
    start, end = f"{said['at']}", said.get("until")
    day, last = start[:10], end[:10] if end else None
    is_call = dataset == "call_logs"
    return {
        KEYS[dataset]: number,
        "customer_id": "c1",
        "agent_id": "a1",
        "complaint_category": "Billing",
        "resolution_status": "Backlog",
        "call_start_time" if is_call else "requested_at": start,
        "call_end_time" if is_call else "resolved_at": end,
        "call_end_date" if is_call else "resolution_date": last,
        "request_date": day,
        "_logical_date": day,
        **said,
    }

"""Build a lake as the engine leaves it after five years of days, and the landing that belongs to it.

Silver is written in the engine's schema and by its own layout, Gold by the engine itself; Bronze and the exception
path get their real number of partitions with few rows in them, for their files are what a daily run meets.
A program of its own: `python -m benchmarks.history TICKETS`, with the lake and the landing from the environment.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from benchmarks import generated, naive_tables
from benchmarks.delivery import write_delivery
from spark_jobs import bronze, rejects, silver, silver_table, sources
from spark_jobs.contract import Contract, load_contracts
from spark_jobs.lake import Fence, Lake, columns_of, create
from spark_jobs.pipeline import Pipeline
from spark_jobs.session import build_session
from spark_jobs.settings import Settings, load_settings
from state.landing import Delivery
from state.lease import acquire
from state.ledger import DayState, Figures, Ledger, Status

DATASET = "tickets"
REJECTED = "id % 200 = 0"  # 0.5 % of the records


def build(settings: Settings, tickets: int) -> None:
    """Build everything into an empty lake root and landing root; steps and their seconds are printed."""
    contract = load_contracts(None)[DATASET]
    lake = Lake(settings.lake)
    with _step("session"):
        spark = build_session(size="large", driver_memory=settings.driver_memory)
    rows = generated.silver_rows(spark, contract, generated.history(tickets))
    with acquire(settings.lake, run_id="history", command="benchmarks", lease_seconds=3600) as lease:
        fence = Fence(lease)
        with _step("silver"):
            _write_silver(spark, lake, contract, rows, tickets, settings.rows_per_file, fence)
        with _step("bronze"):
            _write_bronze(spark, lake, contract)
        with _step("exceptions"):
            _write_exceptions(spark, lake, tickets)
    with _step("landing and ledger"):
        Ledger(settings.lake).put(*_days(settings.landing, tickets, lake.version("silver", DATASET)))
    with _step("gold"):
        publish(settings)
    held = lake.read(spark, "silver", DATASET)
    with _step("naive tables"):
        naive_tables.prepare(held, settings.lake)
    with _step("delivery"):
        write_delivery(spark, contract, held, tickets, delivery_path(settings.landing))


def publish(settings: Settings) -> None:
    """Bring Gold up to the definitions in force, where it isn't; RuntimeError when that fails."""
    pipeline = Pipeline(settings, "benchmarks", session=lambda *_: build_session(size="large", driver_memory="4g"))
    if pipeline.publisher().pending():
        report = pipeline.publish()
        if report.exit_code:
            raise RuntimeError(f"Gold wasn't published: {[t for t in report.tables if t.status == 'failed']}")


def delivery_path(landing: str) -> Path:
    """Where the delivery of the measured day lies."""
    return Path(landing) / f"{DATASET}/{generated.DELIVERY_DAY:%Y/%m/%Y-%m-%d}.csv"


def _write_silver(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    rows: DataFrame,
    tickets: int,
    rows_per_file: int,
    fence: Fence,
) -> None:
    silver_table.ensure(spark, lake, contract, business_timezone="UTC")
    # The engine's own layout without its look for repeated keys, which would sort ten million rows for nothing.
    laid_out = silver._laid_out(rows, contract, tickets, rows_per_file)
    writer = laid_out.write.format("delta").mode("append").option("maxRecordsPerFile", rows_per_file)
    writer.option("userMetadata", fence.metadata()).save(lake.path("silver", DATASET))


def _write_bronze(spark: SparkSession, lake: Lake, contract: Contract) -> None:
    """One record a day, in the partition of its day and delivery."""
    shape = columns_of(sources.schema(contract.source_names))
    path = lake.path("bronze", DATASET)
    create(spark, path, shape, partition_by=bronze.PARTITIONS, stats=["_row_number"])
    known = {"_row_number": "1", "_logical_date": "day", "_delivery": "substring(sha2(concat(day, '\\n'), 256), 1, 12)"}
    days = spark.range(generated.DAYS).selectExpr(f"date_add(DATE'{generated.FIRST_DAY}', int(id)) AS day")
    _fill(days, shape, known).write.format("delta").mode("append").save(path)


def _write_exceptions(spark: SparkSession, lake: Lake, tickets: int) -> None:
    """Rejected records: six of ten resolved, three open, one a duplicate; none of a key that ever comes again."""
    shape = columns_of(rejects.SCHEMA)
    path = lake.path("exception", DATASET)
    create(spark, path, shape, partition_by=["_logical_date"], stats=["record_key", "status"])
    lot = generated.draw(30, 10)
    known = {
        "exception_id": "sha2(string(id), 256)",
        "dataset": f"'{DATASET}'",
        "record_key": "format_string('R%08d', id)",
        "reject_reasons": "array('unknown_priority')",
        "reject_reason": "'unknown_priority'",
        "raw_record": "to_json(map('ticket_id', format_string('R%08d', id), 'priority', 'Urgent'))",
        "status": f"CASE WHEN {lot} < 6 THEN 'resolved' WHEN {lot} < 9 THEN 'open' ELSE 'informational' END",
        "_version_at": "timestamp(day)",
        "_delivery": "substring(sha2(concat(day, '\\n'), 256), 1, 12)",
        "_row_number": "id % 10000 + 1",
        "_logical_date": "day",
    }
    day = f"date_add(DATE'{generated.FIRST_DAY}', int(({generated.history(tickets).day})))"
    rows = spark.range(tickets).where(REJECTED).selectExpr("id", f"{day} AS day")
    _fill(rows, shape, known).repartition(F.col("_logical_date")).write.format("delta").mode("append").save(path)


def _fill(rows: DataFrame, shape: StructType, known: dict[str, str]) -> DataFrame:
    """Rows of a shape from expressions; columns without one are null."""
    columns = [F.expr(known.get(f.name, "null")).cast(f.dataType).alias(f.name) for f in shape.fields]
    return rows.select(*columns)


def _days(landing: str, tickets: int, silver_version: int | None) -> Iterator[DayState]:
    """A SUCCEEDED day for each file that was delivered; the files are there, as they would be, but hold one line."""
    for number in range(generated.DAYS):
        day = generated.FIRST_DAY + timedelta(days=number)
        delivery = _placeholder(Path(landing) / f"{DATASET}/{day:%Y/%m/%Y-%m-%d}.csv", day)
        count = tickets // generated.DAYS
        yield DayState(
            dataset=DATASET,
            logical_date=day,
            status=Status.SUCCEEDED,
            attempt=1,
            run_id="history",
            figures=Figures(read=count, inserted=count),
            deliveries=(delivery,),
            loaded=(delivery.delivery,),
            silver_version=silver_version,
            ingestion_timestamp=delivery.modified,
        )


def _placeholder(path: Path, day: date) -> Delivery:
    content = f"{day}\n".encode()
    modified = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=30)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (modified.timestamp(), modified.timestamp()))
    return Delivery(str(path), len(content), hashlib.sha256(content).hexdigest(), modified)


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        publish(load_settings())
    else:
        build(load_settings(), int(sys.argv[1]))

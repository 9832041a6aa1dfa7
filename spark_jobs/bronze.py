"""Bronze: deliveries as they came, text and lineage, partitioned by logical date and delivery."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial

import pyarrow as pa
from deltalake.transaction import AddAction
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze_files, direct
from spark_jobs.bronze_files import PARTITIONS, WRITTEN, Written, write_files, write_in_task
from spark_jobs.contract import Contract
from spark_jobs.forgotten import Forgotten, cleaner
from spark_jobs.lake import STATISTICS, Fence, Lake, columns_of, days_sql
from spark_jobs.sources import Opened, schema
from spark_jobs.sources.batches import bronze_schema
from spark_jobs.sources.record import File
from state.landing import Delivery


def present(lake: Lake, dataset: str) -> set[tuple[date, str]]:
    """The (logical date, delivery) pairs that Bronze holds rows of."""
    table = lake.look("bronze", dataset)
    if table is None:
        return set()
    return {(date.fromisoformat(p["_logical_date"]), p["_delivery"]) for p in table.partitions()}


def write(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    source: Opened,
    files: Iterable[File],
    fence: Fence,
    *,
    load_time: datetime,
    driver_bytes: int,
    forgotten: Forgotten | None = None,
) -> None:
    """Append the deliveries that aren't there yet, in one commit; none when all are. Who is `forgotten` isn't kept.

    Of no more than `driver_bytes` together the driver reads them, else Spark's tasks.
    """
    there = present(lake, contract.dataset)
    new = [f for f in files if (f.logical_date, f.delivery) not in there]
    if not new:
        return
    days = sorted({f"{f.logical_date}" for f in new})
    facts = {"dataset": contract.dataset, "days": [days[0], days[-1]]}
    table, run_id = lake.path("bronze", contract.dataset), fence.lease.run_id
    clean = cleaner(contract, forgotten)
    if source.is_small(new, driver_bytes):
        rows = source.here(new, run_id=run_id, load_time=load_time)
        written = list(write_files(rows.to_batches(), table=table, clean=clean))
    else:
        write_there = partial(write_in_task, table=table, clean=clean)
        try:
            told = source.there(spark, new, write_there, WRITTEN, run_id=run_id, load_time=load_time).collect()
        except Exception as error:
            explained = source.explained(error)
            if explained is None:
                raise
            raise explained from None  # what Spark's error shows of its plan is nobody's business
        written = [Written(**row.asDict()) for row in told]
    _commit(lake, contract, written, fence, facts)


def write_rows(
    lake: Lake, contract: Contract, rows: pa.Table, fence: Fence, *, forgotten: Forgotten | None = None
) -> None:
    """Append records that are on the driver, those of deliveries that aren't there yet, in one commit."""
    there = {f"{day}/{delivery}" for day, delivery in present(lake, contract.dataset)}
    pairs = zip(rows["_logical_date"].to_pylist(), rows["_delivery"].to_pylist(), strict=True)
    new = rows.filter(pa.array([f"{day}/{delivery}" not in there for day, delivery in pairs], pa.bool_()))
    days = sorted({f"{day}" for day in new["_logical_date"].to_pylist()})
    table, clean = lake.path("bronze", contract.dataset), cleaner(contract, forgotten)
    written = list(write_files(new.to_batches(), table=table, clean=clean))
    _commit(lake, contract, written, fence, {"dataset": contract.dataset, "days": [*days[:1], *days[-1:]]})


def _commit(
    lake: Lake, contract: Contract, written: Sequence[Written], fence: Fence, facts: Mapping[str, object]
) -> None:
    if not written:
        return
    direct.commit_files(
        lake,
        "bronze",
        contract.dataset,
        [_action(file) for file in written],
        bronze_schema(contract.source_names),
        fence,
        facts=facts,
        partition_by=PARTITIONS,
        properties={STATISTICS: bronze_files.STATISTICS},
    )


def _action(file: Written) -> AddAction:
    statistics = {
        "numRecords": file.records,
        "minValues": {bronze_files.STATISTICS: file.first},
        "maxValues": {bronze_files.STATISTICS: file.last},
        "nullCount": {bronze_files.STATISTICS: 0},
    }
    values = dict(zip(PARTITIONS, (str(file.logical_date), file.delivery), strict=True))
    return AddAction(file.path, file.size, values, time.time_ns() // 1_000_000, True, json.dumps(statistics))


def read(spark: SparkSession, lake: Lake, contract: Contract, deliveries: Mapping[date, Iterable[str]]) -> DataFrame:
    """The rows of the named deliveries; none where no delivery of the dataset had any."""
    if lake.version("bronze", contract.dataset) is None:
        return spark.createDataFrame([], columns_of(schema(contract.source_names)))
    wanted = sorted({d for ids in deliveries.values() for d in ids})
    pairs = {(day, d) for day, ids in deliveries.items() for d in ids}
    named = ", ".join(f"'{delivery}'" for delivery in wanted)
    where = f"{days_sql('_logical_date', deliveries)} AND _delivery IN ({named})"
    rows = lake.read_files(spark, "bronze", contract.dataset, where)
    if len(pairs) == len(wanted):  # an id stands for one day only: the two filters together name the pairs
        return rows
    exact = [F.concat_ws("/", F.lit(str(day)), F.lit(d)) for day, d in sorted(pairs)]
    return rows.where(F.concat_ws("/", F.col("_logical_date").cast("string"), "_delivery").isin(*exact))


def redated(rows: DataFrame, files: Iterable[tuple[str, Delivery]]) -> DataFrame:
    """The rows with the modification times that these files, each with its delivery's id, have in the landing now."""
    times = {f"{delivery}/{file.path}": file.modified for delivery, file in files}
    if not times:
        return rows
    known = F.create_map(*(F.lit(each) for pair in times.items() for each in pair))
    now = known[F.concat_ws("/", "_delivery", "_source_file")]
    return rows.withColumn("_file_modified", F.coalesce(now, F.col("_file_modified")))

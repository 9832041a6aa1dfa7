"""Bronze: deliveries as they came, text and lineage, partitioned by logical date and delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import direct
from spark_jobs.contract import Contract
from spark_jobs.forgotten import Forgotten, frame_without_forgotten, without_forgotten
from spark_jobs.lake import Fence, Lake, columns_of, create, days_sql
from spark_jobs.sources import Opened, schema
from spark_jobs.sources.record import File
from state.landing import Delivery

PARTITIONS = ("_logical_date", "_delivery")
STATISTICS = ("_row_number",)


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
    run_id = fence.lease.run_id
    if source.is_small(new, driver_bytes):
        read = source.here(new, run_id=run_id, load_time=load_time)
        _append_here(lake, contract, without_forgotten(read, contract, forgotten), fence, facts)
        return
    path = lake.path("bronze", contract.dataset)
    if lake.version("bronze", contract.dataset) is None:
        shape = columns_of(schema(contract.source_names))
        create(spark, path, shape, partition_by=PARTITIONS, stats=STATISTICS)
    options = {"mergeSchema": "true", **fence.append_options(**facts)}
    try:
        rows = source.frame(spark, new, run_id=run_id, load_time=load_time)
        rows = frame_without_forgotten(rows, contract, forgotten)
        rows.write.format("delta").mode("append").options(**options).save(path)
    except Exception as error:
        told = source.explained(error)
        if told is None:
            raise
        raise told from None  # what Spark's error shows of its plan is nobody's business


def write_rows(
    lake: Lake, contract: Contract, rows: pa.Table, fence: Fence, *, forgotten: Forgotten | None = None
) -> None:
    """Append records that are on the driver, those of deliveries that aren't there yet, in one commit."""
    there = {f"{day}/{delivery}" for day, delivery in present(lake, contract.dataset)}
    pairs = zip(rows["_logical_date"].to_pylist(), rows["_delivery"].to_pylist(), strict=True)
    new = rows.filter(pa.array([f"{day}/{delivery}" not in there for day, delivery in pairs], pa.bool_()))
    days = sorted({f"{day}" for day in new["_logical_date"].to_pylist()})
    new = without_forgotten(new, contract, forgotten)
    _append_here(lake, contract, new, fence, {"dataset": contract.dataset, "days": [*days[:1], *days[-1:]]})


def _append_here(lake: Lake, contract: Contract, rows: pa.Table, fence: Fence, facts: Mapping[str, object]) -> None:
    if not rows.num_rows:
        return
    direct.commit(
        lake,
        "bronze",
        contract.dataset,
        lake.look("bronze", contract.dataset),
        rows,
        fence,
        facts=facts,
        append=True,
        partition_by=PARTITIONS,
        properties={"delta.dataSkippingStatsColumns": ",".join(STATISTICS)},
    )


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

"""Build the class-data archive: the classes that a small Delta job loads, parsed once and mapped in at every start.

Best effort: without the archive everything works, only slower. Run by `make setup`, with the environment's python.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spark_jobs.java import find_java
from spark_jobs.session import build_session, class_archive, delta_jars, new_session

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

DUMP_SECONDS = 180


def main() -> int:
    """Run the workload in a JVM that dumps its classes at exit; 0 even where that failed, for nothing depends on it.

    With `--if-missing` an archive that is newer than the jars is left as it is.
    """
    archive = class_archive(find_java())
    if "--if-missing" in sys.argv and archive.is_file() and archive.stat().st_mtime > _newest(delta_jars()):
        return 0
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    partial = archive.with_suffix(f".{os.getpid()}.partial")
    try:
        with tempfile.TemporaryDirectory() as folder:
            flags = [f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
            spark = build_session(app="class-archive", jvm_flags=flags)
            _workload(spark, Path(folder))
            _stop_and_wait(spark)
        partial.rename(archive)
    except Exception as error:
        print(f"no class-data archive ({type(error).__name__}: {error}); runs start a little slower", file=sys.stderr)
        partial.unlink(missing_ok=True)
    else:
        print(f"class-data archive: {archive.stat().st_size >> 20} MiB in {archive}")
    return 0


def _newest(files: Iterable[Path]) -> float:
    return max((file.stat().st_mtime for file in files), default=0.0)


def _stop_and_wait(spark: SparkSession) -> None:
    """Stop Spark and wait for the JVM itself: it writes the archive after Python's side is already done."""
    gateway = spark.sparkContext._gateway
    spark.stop()
    assert gateway is not None
    process = gateway.proc
    gateway.shutdown()
    process.stdin.close()
    process.wait(timeout=DUMP_SECONDS)


def _workload(spark: SparkSession, folder: Path) -> None:
    """What a run does, in small: read text, validate, append, merge, replace slices, read the change feed."""
    landing, silver, gold = folder / "day.csv", str(folder / "silver"), str(folder / "gold")
    landing.write_text("id,at,n\n" + "".join(f"{i},2024-01-{i % 28 + 1:02d} 10:00:00,{i}\n" for i in range(200)))
    rows = _typed(spark, landing)
    _create(spark, silver)
    rows.write.format("delta").mode("append").option("userMetadata", "{}").save(silver)
    _merge(new_session(spark), silver, rows)
    _gold(spark, silver, gold)
    _gold(spark, silver, gold)


def _typed(spark: SparkSession, landing: Path) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        yield from batches

    text = spark.read.option("header", True).option("multiLine", True).csv(str(landing))
    text = text.withColumn("_n", F.monotonically_increasing_id())
    text = text.mapInArrow(parse, "id string, at string, n string, _n bigint")
    newest = Window.partitionBy("id").orderBy(F.col("_n").desc())
    reasons = F.array_compact(F.array(F.when(F.col("n").isNull(), F.lit("missing_n"))))
    rows = text.withColumn("rank", F.row_number().over(newest)).withColumn("reasons", reasons)
    rows = rows.where("rank = 1 and size(reasons) = 0").select(
        "id",
        F.to_timestamp("at", "yyyy-MM-dd HH:mm:ss").alias("at"),
        F.col("n").cast("decimal(18,4)").alias("n"),
        F.to_json(F.struct("id", "at")).alias("raw"),
        F.sha2(F.concat_ws("|", "id", "at"), 256).alias("hash"),
        F.to_date(F.from_utc_timestamp(F.to_timestamp("at"), "Europe/Berlin")).alias("day"),
    )
    rows = rows.localCheckpoint()
    rows.agg(F.count("*"), F.countDistinct("day"), F.collect_set("day")).collect()
    return rows


def _create(spark: SparkSession, path: str) -> None:
    from delta.tables import DeltaTable
    from pyspark.sql.types import IntegerType

    table = DeltaTable.createIfNotExists(spark).location(path)
    for name in ("id", "raw", "hash"):
        table = table.addColumn(name, "string")
    table = table.addColumn("at", "timestamp").addColumn("n", "decimal(18,4)").addColumn("day", "date")
    table = table.addColumn("year", IntegerType(), generatedAlwaysAs="year(day)")
    table.property("delta.enableChangeDataFeed", "true").partitionedBy("year").execute()


def _merge(spark: SparkSession, path: str, rows: DataFrame) -> None:
    from delta.tables import DeltaTable

    changed = rows.selectExpr("id || '0' as id", "at", "n + 1 as n", "raw", "hash", "day").localCheckpoint()
    values: dict[str, str | Column] = {name: f"s.{name}" for name in changed.columns}
    target = DeltaTable.forPath(spark, path).alias("t")
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", "{}")
    condition = "t.id = s.id and (t.day between date'2024-01-01' and date'2024-02-01')"
    merge = target.merge(changed.alias("s"), condition).whenMatchedUpdate(set=values)
    merge.whenNotMatchedInsert(values=values).execute()


def _gold(spark: SparkSession, silver: str, gold: str) -> None:
    from delta.tables import DeltaTable
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    feed = spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 0).load(silver)
    feed.groupBy("day").count().orderBy("day").collect()
    table = spark.read.format("delta").load(silver)
    daily = table.groupBy("day").agg(F.count("*").alias("c"), F.percentile("n", 0.5).alias("p"), F.avg("n").alias("a"))
    daily = daily.select("day", "c", F.round("p", 4).cast("decimal(18,4)").alias("p"), F.col("a").cast("double"))
    other = daily.select("day", F.lag("c").over(Window.orderBy("day")).alias("before"))
    daily = daily.join(other, "day", "left").withColumn("w", F.xxhash64("day", "c"))
    writer = daily.where("day >= date'2024-01-01'").write.format("delta").mode("overwrite")
    if DeltaTable.isDeltaTable(spark, gold):
        writer = writer.option("replaceWhere", "day >= '2024-01-01'")
        spark.read.format("delta").load(gold).unionByName(daily).groupBy("day").agg(F.sum("w")).collect()
    writer.save(gold)


if __name__ == "__main__":
    sys.exit(main())

"""A clean delivery as plain Spark reads it: for peers, which validate nothing."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import silver_table
from spark_jobs.contract import load_contracts


def read_delivery(spark: SparkSession, *paths: str) -> DataFrame:
    """Every column as text; quoted line breaks are read right."""
    return spark.read.csv(list(paths), header=True, multiLine=True, escape='"')


def typed(raw: DataFrame, day: str, delivery: str) -> DataFrame:
    """Casts, the contract's derived columns, and lineage: the shape of Silver."""
    contract = load_contracts(None)["tickets"]
    rows = raw.withColumnRenamed("sla_breached", "sla_breached_reported").withColumn("business_timezone", F.lit("UTC"))
    for column in contract.stored:
        value = F.expr(str(column.transform)) if column.derived else F.col(column.name)
        value = value if column.default is None else F.coalesce(value, F.lit(column.default))
        rows = rows.withColumn(column.name, value.cast(column.type))
    lineage = {
        "_version_at": F.col("updated_at"),
        "_source_file": F.lit(delivery),
        "_row_number": F.monotonically_increasing_id() + 1,
        "_delivery": F.lit("peer"),
        "_logical_date": F.lit(day),
        "_load_time": F.current_timestamp(),
        "_ingested_at": F.current_timestamp(),
        "_run_id": F.lit("peer"),
    }
    fields = silver_table.schema(contract).fields
    named = {f.name: lineage.get(f.name, F.lit(None)) if f.name[0] == "_" else F.col(f.name) for f in fields}
    return rows.select(*(named[f.name].cast(f.dataType).alias(f.name) for f in fields))

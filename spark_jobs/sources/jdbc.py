"""Queries of a database as one frame, a partition each, in the shape of Bronze."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from spark_jobs.sources.record import File

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

CONNECTIONS = 16
"""At most so many queries for all tables: a query may be a union of many small tables."""


def read_queries(
    spark: SparkSession, queries: Sequence[tuple[int, str]], options: Mapping[str, str], *, columns: int
) -> DataFrame:
    """The rows of `(rows, SQL)` queries of one shape, together in at most CONNECTIONS partitions of about one size.

    No rows, of that shape, where there is no query.
    """
    if not queries:
        shape = ", ".join(["f int", "n bigint", *(f"c{i} string" for i in range(columns)), "x string"])
        return spark.createDataFrame([], shape)
    shares: list[list[str]] = [[] for _ in range(min(len(queries), CONNECTIONS))]
    load = [0] * len(shares)
    for rows, query in sorted(queries, key=lambda one: -one[0]):
        lightest = load.index(min(load))
        shares[lightest].append(query)
        load[lightest] += rows
    reader = spark.read.format("jdbc").options(**options)
    # parentheses, not a bare union: a query may end in a WHERE of its own
    frames = [reader.option("dbtable", f"({' UNION ALL '.join(map('({})'.format, s))}) AS rows").load() for s in shares]
    return reduce(lambda one, other: one.unionByName(other), frames)


def in_bronze(
    rows: DataFrame,
    known: Sequence[str],
    files: Sequence[File],
    headers: Sequence[Sequence[str]],
    *,
    run_id: str,
    load_time: datetime,
) -> DataFrame:
    """The rows with the contract's names and lineage; `f` is the place of their table among `files`."""
    from pyspark.sql import functions as F

    def of_file(values: Sequence[object]) -> Column:
        if len(values) == 1:
            return F.lit(values[0])
        return F.element_at(F.array(*map(F.lit, values)), F.col("f") + 1)

    return rows.select(
        *(F.col(f"c{i}").alias(name) for i, name in enumerate(known)),
        F.from_json("x", "map<string,string>").alias("_extra"),
        F.lit(None).cast("string").alias("_corrupt_record"),
        of_file([json.dumps(list(names), ensure_ascii=False) for names in headers]).alias("_header"),
        F.col("n").cast("bigint").alias("_row_number"),
        of_file([file.path for file in files]).alias("_source_file"),
        of_file([file.modified for file in files]).cast("timestamp").alias("_file_modified"),
        of_file([file.delivery for file in files]).alias("_delivery"),
        of_file([file.logical_date for file in files]).cast("date").alias("_logical_date"),
        F.lit(load_time).cast("timestamp").alias("_load_time"),
        F.lit(run_id).alias("_run_id"),
    )

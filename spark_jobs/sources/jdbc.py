"""Queries of a database as one frame, a partition each, in the shape of Bronze."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from spark_jobs.sources.batches import bronze_schema, maps

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

CONNECTIONS = 16
"""At most so many queries for all tables: a query may be a union of many small tables."""


def read_queries(
    spark: SparkSession, queries: Sequence[tuple[int, str]], options: Mapping[str, str], *, columns: int, others: int
) -> DataFrame:
    """The rows of `(rows, SQL)` queries of one shape, together in at most CONNECTIONS partitions of about one size.

    No rows, of that shape, where there is no query.
    """
    if not queries:
        texts = [*(f"c{i} string" for i in range(columns)), *(f"x{i} string" for i in range(others))]
        shape = ", ".join(["f int", "n bigint", *texts])
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


class Delivered(NamedTuple):
    """What the rows of one table share: the header, the names of columns that the contract doesn't know, lineage."""

    names: tuple[str, ...]
    extra: tuple[str, ...]
    lineage: Mapping[str, Any]


def bronze_batches(
    batches: Iterable[pa.RecordBatch], *, tables: Sequence[Delivered], known: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of `read_queries` in the shape of Bronze, in a task; `f` is the place of their table among `tables`.

    Maps and what a table's rows share are made here, for on its way from Spark each map costs as much as 20 texts.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in batches:
        for place in pc.unique(batch["f"]).to_pylist():
            own = batch.filter(pc.equal(batch["f"], place))
            table = tables[place]
            shared = {"_header": json.dumps(list(table.names), ensure_ascii=False), **table.lineage}
            columns = {
                **{name: own[f"c{i}"] for i, name in enumerate(known)},
                "_extra": _maps([own[f"x{i}"] for i in range(len(table.extra))], table.extra, len(own)),
                "_row_number": own["n"],
            }
            shape = bronze_schema(known)
            arrays = [
                columns[f.name] if f.name in columns else pa.repeat(pa.scalar(shared.get(f.name), f.type), len(own))
                for f in shape
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=shape)


def _maps(values: Sequence[pa.Array], names: Sequence[str], rows: int) -> pa.Array:
    """A map from the names to each row's values; nulls where there are no names."""
    import pyarrow as pa

    if not names:
        return pa.nulls(rows, pa.map_(pa.string(), pa.string()))
    by_row = pa.array([at * rows + row for row in range(rows) for at in range(len(names))], pa.int64())
    return maps(names, pa.concat_arrays(values).take(by_row))

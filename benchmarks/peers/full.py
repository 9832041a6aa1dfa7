"""Full recomputation in Spark: MERGE without bounds into Silver, then every Gold table overwritten from Silver.

The same Gold functions as the engine's; no validation, no Bronze, no checks, no state. `full.py LAKE DELIVERY DATE`.
"""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession

from benchmarks.peers.reading import read_delivery, typed
from benchmarks.peers.session import session, size_of
from spark_jobs.gold import registry


def main(lake: str, delivery: str, day: str) -> None:
    """Run the day."""
    spark = session(size_of(delivery))
    merge(spark, f"{lake}/silver/tickets", typed(read_delivery(spark, delivery), day, delivery))
    recompute(spark, lake, date.fromisoformat(day))


def merge(spark: SparkSession, path: str, rows: DataFrame) -> None:
    """One MERGE by key alone; an older version doesn't win."""
    columns: dict[str, str | Column] = {f"`{c}`": f"s.`{c}`" for c in rows.columns}
    target = DeltaTable.forPath(spark, path).alias("t").merge(rows.alias("s"), "t.ticket_id = s.ticket_id")
    target.whenMatchedUpdate("s._version_at >= t._version_at", set=columns).whenNotMatchedInsert(
        values=columns
    ).execute()


def recompute(spark: SparkSession, lake: str, horizon: date) -> None:
    """Every Gold table of tickets by its function, inputs before the tables that read them."""
    tables = registry()
    of_tickets: set[str] = set()
    for name, table in tables.items():
        if not set(table.inputs) <= {"tickets", *of_tickets}:
            continue
        of_tickets.add(name)
        paths = [f"{lake}/gold/{i}" if i in tables else f"{lake}/silver/{i}" for i in table.inputs]
        frames = [spark.read.format("delta").load(path) for path in paths]
        options: dict[str, Any] = {"horizon": horizon, "zone": "UTC"}
        result = table.function(*frames, **{option: options[option] for option in table.options})
        result.write.format("delta").mode("overwrite").save(f"{lake}/gold/{name}")


if __name__ == "__main__":
    main(*sys.argv[1:])

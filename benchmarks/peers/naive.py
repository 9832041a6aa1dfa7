"""The job that teams write first: append the day, append its aggregates, rescan all facts for the backlog.

Eight commits, six tables besides the raw and the fact rows. No validation, no keys: a changed ticket is a second fact
and counts twice, and the days that it belonged to are never corrected. `naive.py LAKE DELIVERY DATE`.
"""

from __future__ import annotations

import sys

from pyspark.sql import DataFrame

from benchmarks.naive_tables import BACKLOG, aggregates, backlog
from benchmarks.peers.reading import read_delivery, typed
from benchmarks.peers.session import session, size_of


def main(lake: str, delivery: str, day: str) -> None:
    """Run the day."""
    spark = session(size_of(delivery))
    raw = read_delivery(spark, delivery)
    append(raw, f"{lake}/naive/raw")
    facts = f"{lake}/silver/tickets"
    rows = typed(raw, day, delivery).cache()
    append(rows, facts)
    for name, frame in aggregates(rows).items():
        append(frame, f"{lake}/naive/{name}")
    append(backlog(spark.read.format("delta").load(facts), day), f"{lake}/naive/{BACKLOG}")


def append(rows: DataFrame, path: str) -> None:
    """One commit of one file."""
    rows.coalesce(1).write.format("delta").mode("append").save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The floor: a session, and as many bare commits of the same rows as the engine's run makes, one after the other.

`floor.py prepare LAKE BEFORE OUT` keeps the rows of a run's commits as Parquet (BEFORE: JSON of the versions before
it); `floor.py run OUT TARGET` appends each to a table of its own name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from benchmarks import commits
from benchmarks.peers.session import session


def prepare(lake: str, before: str, out: str) -> None:
    """For each commit so many rows as it meant, out of the files that it added."""
    spark = session()
    for number, commit in enumerate(commits.since(Path(lake), json.loads(before))):
        rows = rows_of(spark, Path(lake), commit)
        rows.coalesce(1).write.parquet(f"{out}/{number:02d}-{commit.layer}-{commit.table}")


def rows_of(spark: SparkSession, lake: Path, commit: commits.Commit) -> DataFrame:
    """The commit's rows; one that added no file has one empty row, for there is no commit of nothing."""
    table = str(lake / commit.layer / commit.table)
    if not commit.added:
        return spark.range(1)
    files = [f"{table}/{name}" for name in commit.added]
    return spark.read.option("basePath", table).parquet(*files).limit(commit.rows)


def run(rows: str, target: str) -> None:
    """Append each kept set of rows to the table that it belongs to."""
    spark = session()
    for folder in sorted(Path(rows).iterdir()):
        name = folder.name[3:]
        spark.read.parquet(str(folder)).write.format("delta").mode("append").save(f"{target}/{name}")


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(*sys.argv[2:])
    else:
        run(*sys.argv[2:])

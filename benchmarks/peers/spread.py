"""Agent events spread to half hours by the Gold function, and the plain group-by that this is held against.

`spread.py prepare NUMBER FOLDER` writes events as Silver holds them; `spread.py ours FOLDER` and `spread.py plain
FOLDER` compute every row and keep none. Each says how long that took without the session's start.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.peers.session import session
from spark_jobs.gold.agent_activity_intervals import agent_activity_intervals

EXTENSIONS = 500
STEP_SECONDS = 1_200
"""Between two events of an extension, on average: a million events are 28 days around the clock."""
START = 1_704_067_200  # 2024-01-01 in UTC


def generated(spark: SparkSession, number: int) -> DataFrame:
    """So many events, always the same: of each extension one in every 20 minutes, of which half begin work."""
    turn, dice = f"id DIV {EXTENSIONS}", "pmod(xxhash64(id), 1000003)"
    return spark.range(number).selectExpr(
        f"CAST(2000 + id % {EXTENSIONS} AS STRING) AS extension",
        f"timestamp_seconds({START} + {STEP_SECONDS} * ({turn}) + {dice} % {STEP_SECONDS}) AS done_on",
        f"elt(1 + {dice} % 4, 'ONLINE', 'OFFLINE', 'REMVCEON', 'REMVCEOFF') AS action",
        "'' AS details",
        f"to_date(timestamp_seconds({START} + {STEP_SECONDS} * ({turn}) + {dice} % {STEP_SECONDS})) AS ops_date",
        f"CAST(1 + {dice} % 4 AS INT) AS action_rank",
        f"{dice} % 4 IN (0, 2) AS is_productive",
    )


def ours(spark: SparkSession, events: DataFrame) -> DataFrame:
    """Productive time by extension and half hour."""
    known = spark.createDataFrame([], "agent_id string, extension string")
    return agent_activity_intervals(events, known, horizon=date(2030, 1, 1), zone="UTC", max_state_hours=12)


def plain(_: SparkSession, events: DataFrame) -> DataFrame:
    """Events by extension and the half hour in which they lie."""
    half_hour = F.expr("unix_seconds(done_on) DIV 1800").alias("at")
    return events.groupBy("extension", half_hour).agg(F.expr("count(*) AS events"))


def main(side: str, folder: str) -> None:
    """Compute one side."""
    spark = session(sum(path.stat().st_size for path in Path(folder).glob("*.parquet")))
    began = time.monotonic()
    {"ours": ours, "plain": plain}[side](spark, spark.read.parquet(folder)).write.format("noop").mode(
        "overwrite"
    ).save()
    print(f"computed in {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        generated(session(), int(sys.argv[2])).write.parquet(sys.argv[3])
    else:
        main(*sys.argv[1:])

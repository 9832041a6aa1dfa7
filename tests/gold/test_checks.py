"""What the rows of a slice must satisfy: over Spark's rows and over the driver's."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from spark_jobs import checks, direct
from spark_jobs.gold import Accepted, GoldTable, NotNull, table, whole


@table(
    grain=["id"],
    slices=whole(),
    checks=[NotNull("agent"), NotNull("customer", "warn"), Accepted("status", ("Open",)), NotNull("status", "warn")],
)
def facts(tickets: DataFrame) -> DataFrame:
    """Any table."""
    return tickets


def test_nulls_and_unlisted_values_are_told_by_the_severity_of_their_checks(spark: SparkSession) -> None:
    """A null is no value outside a list; what the table holds already isn't asked again."""
    declared: GoldTable = facts.gold  # type: ignore[attr-defined]
    names = ["id", "agent", "customer", "status"]
    new = [("1", "a", None, "Open"), ("2", None, None, "Lost"), ("3", "a", "c", None)]
    old = [("4", None, None, "Gone")]
    frames = [
        spark.createDataFrame(rows, "id string, agent string, customer string, status string") for rows in (new, old)
    ]
    arrows = [
        pa.table({n: pa.array(v, pa.string()) for n, v in zip(names, zip(*rows, strict=True), strict=True)})
        for rows in (new, old)
    ]

    for found in (
        checks.compare(declared, frames[0], frames[1], slice_column=None),
        direct.compare(declared, arrows[0], arrows[1], None),
    ):
        assert found.errors == ("facts: 1 rows whose agent is null", "facts: 1 rows whose status isn't one of Open")
        assert found.warnings == ("facts: 2 rows whose customer is null", "facts: 1 rows whose status is null")

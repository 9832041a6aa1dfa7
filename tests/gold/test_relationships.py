"""What a row names must exist elsewhere: over Spark's rows and over the driver's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from spark_jobs.checks import orphans
from spark_jobs.direct import strangers
from spark_jobs.gold import Relationship, registry

CHECK = Relationship("customer_id", "dim_customers", "id")


@pytest.mark.parametrize(
    ("held", "lost"),
    [(["c1", "c3"], 2), (["c1", "c2", "c3"], 0), ([], 4), (None, 4)],
    ids=["some", "all", "none", "no table"],
)
def test_rows_that_name_what_is_not_there_are_counted(
    spark: SparkSession, tmp_path: Path, held: list[str] | None, lost: int
) -> None:
    """Null names nothing; two rows that name one stranger are two."""
    names = ["c1", "c2", None, "c2", "c3"]
    there = None
    if held is not None:
        write_deltalake(str(tmp_path / "dim"), pa.table({"id": pa.array(held, pa.string())}))
        there = DeltaTable(str(tmp_path / "dim"))
    frame = spark.createDataFrame([(name,) for name in names], "customer_id string")
    referenced = spark.createDataFrame([(name,) for name in held], "id string") if held is not None else None

    assert strangers(pa.table({"customer_id": pa.array(names, pa.string())}), "customer_id", there, "id") == lost
    assert orphans(frame, CHECK, referenced) == lost


def test_a_table_follows_those_that_its_checks_look_into() -> None:
    """Every fact of complaints comes after its dimensions, though it reads none of them."""
    order = list(registry())
    for name in ("fct_call_complaints", "fct_web_complaints", "fct_social_complaints", "fct_unified_complaints"):
        looked_into = {c.table for c in registry()[name].checks if isinstance(c, Relationship)}
        assert looked_into == {"dim_customers", "dim_complaint_agents", "dim_complaint_categories"}
        assert max(order.index(other) for other in looked_into) < order.index(name)

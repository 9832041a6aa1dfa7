"""What contracts classify isn't in Gold."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from pyspark.sql import SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.gold import registry
from spark_jobs.publication import statistics
from spark_jobs.silver_table import schema


def test_no_gold_table_has_a_column_that_a_contract_of_its_datasets_classifies(spark: SparkSession) -> None:
    """By name, over the Silver tables that it reads itself; computed from tables without rows."""
    contracts = load_contracts(None)
    frames = {name: spark.createDataFrame([], schema(contract)) for name, contract in contracts.items()}
    personal = {name: {c.name for c in contract.columns if c.is_personal} for name, contract in contracts.items()}
    assert "agent_name" in personal["agents_master"]
    known: dict[str, object] = {"horizon": date(2024, 5, 1), "year": 2024, "zone": "UTC"}
    for contract in contracts.values():
        known |= contract.thresholds
    shown = {}
    for table in registry().values():
        options = {name: known[name] for name in table.options}
        frames[table.name] = table.function(*(frames[name] for name in table.inputs), **options)
        classified = set().union(*(personal.get(name, set()) for name in table.inputs))
        shown[table.name] = classified & set(frames[table.name].columns)
    assert {name: columns for name, columns in shown.items() if columns} == {}


def test_a_table_with_a_personal_column_has_statistics_of_the_others_that_delta_takes() -> None:
    """Where nothing is personal Delta chooses by itself."""
    types = {"name": pa.string(), "day": pa.date32(), "late": pa.bool_(), "of": pa.list_(pa.int32()), "n": pa.int64()}
    assert statistics(pa.schema(types), {"name", "email"}) == ["day", "n"]
    assert statistics(pa.schema(types), {"email"}) is None

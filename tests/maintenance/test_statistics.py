"""What a table's log may say of its columns, and how it unlearns the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from spark_jobs.contract import Contract
from spark_jobs.lake import STATISTICS, Fence, Lake
from spark_jobs.lookup import select
from spark_jobs.maintenance.statistics import agreed, restate
from state.lease import acquire
from tests.contract_texts import parcels, parsed

ROWS = [
    {"parcel_id": "p1", "to_name": "ann", "sent": date(2024, 5, 1), "lost": None, "shelf": "a b=1"},
    {"parcel_id": "p2", "to_name": "zed", "sent": date(2024, 5, 2), "lost": True, "shelf": None},
]
SCHEMA = pa.schema(
    {"parcel_id": pa.string(), "to_name": pa.string(), "sent": pa.date32(), "lost": pa.bool_(), "shelf": pa.string()}
)
PERSONAL = "      - name: to_name\n        physicalType: string\n        classification: personal\n"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with the Gold table `parcels_sent`, of two files whose folders have odd names."""
    rows = pa.Table.from_pylist(ROWS, SCHEMA)
    write_deltalake(tmp_path / "gold/parcels_sent", rows, partition_by=["shelf"])
    return Lake(str(tmp_path))


@pytest.fixture
def contracts() -> Mapping[str, Contract]:
    """A contract that classifies a column which Gold has, too."""
    before = "      - name: changed_at\n"
    return {"parcels": parsed(parcels((before, PERSONAL + before)))}


@pytest.fixture
def fence(tmp_path: Path) -> Iterator[Fence]:
    """The lake is held."""
    with acquire(str(tmp_path), run_id="m", command="maintain", lease_seconds=60) as lease:
        yield Fence(lease)


def table(lake: Lake) -> DeltaTable:
    """The table as it is now."""
    return DeltaTable(lake.path("gold", "parcels_sent"))


def bounds(lake: Lake) -> list[dict[str, object]]:
    """The least values that the last entry with files gives."""
    logs = sorted(Path(lake.path("gold", "parcels_sent"), "_delta_log").glob("*.json"), reverse=True)
    for log in logs:
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        found = [json.loads(entry["add"]["stats"])["minValues"] for entry in entries if "add" in entry]
        if found:
            return sorted(found, key=lambda least: str(least["parcel_id"]))
    return []


def test_a_table_forgets_what_a_contract_classifies_and_keeps_the_rest(
    lake: Lake, contracts: Mapping[str, Contract], fence: Fence, spark: SparkSession
) -> None:
    """Bounds of other columns, files, rows and the reader version stay; the second time there is nothing to do."""
    before = select(table(lake), "SELECT * FROM t ORDER BY parcel_id")
    columns = agreed(contracts, "gold", "parcels_sent", table(lake))
    assert columns == ["parcel_id", "sent"]
    assert agreed({}, "gold", "parcels_sent", table(lake)) is None
    files = sorted(table(lake).file_uris())
    assert restate(lake, "gold", "parcels_sent", fence, columns, lambda: spark) == 2
    assert bounds(lake) == [{"parcel_id": "p1", "sent": "2024-05-01"}, {"parcel_id": "p2", "sent": "2024-05-02"}]
    assert sorted(table(lake).file_uris()) == files
    assert select(table(lake), "SELECT * FROM t ORDER BY parcel_id") == before
    assert (table(lake).protocol().min_reader_version, table(lake).metadata().configuration[STATISTICS]) == (
        1,
        "parcel_id,sent",
    )
    assert agreed(contracts, "gold", "parcels_sent", table(lake)) is None
    assert lake.changed("gold", "parcels_sent", 0, table(lake).version()) is False
    write_deltalake(table(lake), pa.Table.from_pylist(ROWS[:1], SCHEMA), mode="append")
    assert bounds(lake) == [{"parcel_id": "p1", "sent": "2024-05-01"}]


def test_killed_before_the_property_is_set_it_is_done_the_next_time(
    lake: Lake, contracts: Mapping[str, Contract], fence: Fence, spark: SparkSession
) -> None:
    """A run that comes in between writes statistics as the table still knows it: they go, too."""

    def die() -> SparkSession:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restate(lake, "gold", "parcels_sent", fence, ["parcel_id"], die)
    write_deltalake(table(lake), pa.Table.from_pylist(ROWS[1:], SCHEMA), mode="append")
    columns = agreed(contracts, "gold", "parcels_sent", table(lake))
    assert columns is not None
    assert restate(lake, "gold", "parcels_sent", fence, columns, lambda: spark) == 1
    assert bounds(lake) == [{"parcel_id": "p2", "sent": "2024-05-02"}]
    assert agreed(contracts, "gold", "parcels_sent", table(lake)) is None

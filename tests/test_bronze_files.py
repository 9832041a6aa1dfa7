"""Bronze's files and the commits that add them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from spark_jobs import bronze, bronze_files
from spark_jobs.bronze_files import write_files
from spark_jobs.contract import Contract
from spark_jobs.lake import Fence, Lake
from spark_jobs.sources.batches import bronze_schema
from state.lease import acquire
from tests.contract_texts import parcels, parsed

PARCELS = parsed(parcels())
WIDER = parsed(
    parcels(
        ("      - name: changed_at\n", "      - {name: sender, physicalType: string}\n      - name: changed_at\n"),
    )
)
AT = datetime(2024, 1, 3, tzinfo=UTC)


def rows(contract: Contract, delivery: str, day: int, *records: dict[str, Any]) -> pa.Table:
    """Records of one delivery in the shape of Bronze, numbered from 1."""
    place = {"_delivery": delivery, "_logical_date": date(2024, 1, day), "_source_file": "f", "_load_time": AT}
    numbered = [{**place, "_row_number": number, **record} for number, record in enumerate(records, start=1)]
    return pa.Table.from_pylist(numbered, bronze_schema(contract.source_names))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty one."""
    return Lake(str(tmp_path))


@pytest.fixture
def fence(lake: Lake) -> Iterator[Fence]:
    """Of a run that has the lake."""
    with acquire(lake.root, run_id="r", command="test", lease_seconds=60) as lease:
        yield Fence(lease)


def test_a_delivery_has_files_of_its_own_and_the_log_knows_its_rows(lake: Lake, fence: Fence) -> None:
    """One for each run of its records; who reads Bronze gets the records as they were."""
    first, second = (
        rows(PARCELS, "a", 1, {"parcel_id": "1"}, {"parcel_id": "2"}),
        rows(PARCELS, "b", 2, {"parcel_id": "3"}),
    )
    bronze.write_rows(lake, PARCELS, pa.concat_tables([first.slice(0, 1), second, first.slice(1)]), fence)

    table = DeltaTable(lake.path("bronze", "parcels"))
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    told = {(a["partition._delivery"], a["min._row_number"], a["max._row_number"], a["num_records"]) for a in actions}
    read = sorted((r["parcel_id"], r["_delivery"], r["_logical_date"]) for r in table.to_pyarrow_table().to_pylist())
    assert told == {("a", 1, 1, 1), ("b", 1, 1, 1), ("a", 2, 2, 1)}
    assert read == [("1", "a", date(2024, 1, 1)), ("2", "a", date(2024, 1, 1)), ("3", "b", date(2024, 1, 2))]


def test_a_column_that_the_contract_has_gained_is_added_to_the_table(lake: Lake, fence: Fence) -> None:
    """Earlier records have none."""
    bronze.write_rows(lake, PARCELS, rows(PARCELS, "a", 1, {"parcel_id": "1"}), fence)
    bronze.write_rows(lake, WIDER, rows(WIDER, "b", 2, {"parcel_id": "2", "sender": "S"}), fence)
    bronze.write_rows(lake, PARCELS, rows(PARCELS, "c", 3, {"parcel_id": "3"}), fence)

    read = DeltaTable(lake.path("bronze", "parcels")).to_pyarrow_table().to_pylist()
    assert sorted((row["parcel_id"], row["sender"]) for row in read) == [("1", None), ("2", "S"), ("3", None)]


def test_what_bronze_has_already_is_not_added_again(lake: Lake, fence: Fence) -> None:
    """Nor is a commit made for it, or for nothing."""
    delivered = rows(PARCELS, "a", 1, {"parcel_id": "1"})
    bronze.write_rows(lake, PARCELS, delivered, fence)
    bronze.write_rows(lake, PARCELS, delivered, fence)
    bronze.write_rows(lake, PARCELS, delivered.slice(0, 0), fence)

    assert lake.version("bronze", "parcels") == 0


def test_a_large_delivery_is_one_file_of_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the record numbers have statistics, as in the log: texts may be personal."""
    monkeypatch.setattr(bronze_files, "GROUP_ROWS", 2)
    delivered = rows(PARCELS, "a", 1, *({"parcel_id": f"{n}"} for n in range(5)))
    [file] = write_files(delivered.to_batches(max_chunksize=1), table=str(tmp_path), clean=None)

    footer = pq.ParquetFile(tmp_path / file.path).metadata
    columns = [footer.row_group(0).column(at) for at in range(footer.num_columns)]
    assert [footer.row_group(at).num_rows for at in range(footer.num_row_groups)] == [2, 2, 1]
    assert [c.path_in_schema for c in columns if c.is_stats_set] == ["_row_number"]
    assert (file.records, file.first, file.last, file.size) == (5, 1, 5, (tmp_path / file.path).stat().st_size)


def test_the_commit_says_whose_it_is(lake: Lake, fence: Fence) -> None:
    """As every commit of a run."""
    bronze.write_rows(lake, PARCELS, rows(PARCELS, "a", 1, {"parcel_id": "1"}), fence)
    bronze.write_rows(lake, PARCELS, rows(PARCELS, "b", 2, {"parcel_id": "2"}), fence)

    told = [json.loads(str(e["userMetadata"])) for e in DeltaTable(lake.path("bronze", "parcels")).history()]
    assert [(note["run_id"], note["days"]) for note in told] == [
        ("r", ["2024-01-02", "2024-01-02"]),
        ("r", ["2024-01-01", "2024-01-01"]),
    ]

"""A column that is classified after its table was made: its values go from the log, and the rows stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.contract import load_contracts
from spark_jobs.lake import STATISTICS
from spark_jobs.maintenance import Maintained, forecast, maintain
from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from tests.e2e.processes import contents, few_tables, put

VISITS = """
kind: DataContract
apiVersion: v3.1.0
id: visits
name: visits
version: 1.0.0
status: active
customProperties:
  - {property: path, value: visits/%Y/%m/%Y-%m-%d.csv}
  - {property: eventDateColumn, value: seen_on}
  - {property: maxRejectRatio, value: 0.9}
schema:
  - name: visits
    properties:
      - {name: name, physicalType: string, required: true, primaryKey: true}
      - {name: seen_on, physicalType: date, required: true}
      - {name: born, physicalType: date}
"""
HEADER = "name,seen_on,born"
PERSONAL = ("ann example", "zed zebra", "1980-02-03", "1999-12-31", "1975-06-07", "a bad one")


@pytest.fixture(autouse=True)
def _gold() -> Iterator[None]:
    with few_tables(()):
        yield


def pipe(folder: Path, day: int, spark: SparkSession | None, **options: int) -> Pipeline:
    """A run of the day after, over the one dataset."""
    contracts = folder / "contracts"
    given = {"lake": str(folder / "lake"), "landing": str(folder / "landing"), "contracts": str(contracts)}
    settings = Settings(**given, today=date(2024, 5, day + 1), **options)  # type: ignore[arg-type]

    def session(*_: object) -> SparkSession:
        assert spark is not None, "nothing here needs Spark"
        return spark

    return Pipeline(
        settings, "opslake test", session=session, contracts={"visits": load_contracts(contracts)["visits"]}
    )


def classify(folder: Path, text: str) -> None:
    """Put the contract."""
    (folder / "contracts").mkdir(exist_ok=True)
    (folder / "contracts" / "visits.odcs.yaml").write_text(text, encoding="utf-8")


def logged(lake: Path) -> dict[str, set[str]]:
    """Per personal value the kinds of files of the log that hold it: entries, checkpoints, Spark's own summaries."""
    found: dict[str, set[str]] = {value: set() for value in PERSONAL}
    entries = [path for path in lake.glob("*/*/_delta_log/**/*") if path.is_file() and path.name[0] != "."]
    assert {path.suffix for path in entries} >= {".json", ".parquet"}
    for path in entries:
        text = repr(pq.read_table(path).to_pydict()) if path.suffix == ".parquet" else path.read_text(encoding="utf-8")
        text = re.sub(r"datetime\.date\((\d+), (\d+), (\d+)\)", lambda m: f"{date(*map(int, m.groups()))}", text)
        for value in found:
            found[value] |= {f"{path.parts[-4]} {path.suffix}"} if value in text else set()
    return {value: places for value, places in found.items() if places}


def cared(folder: Path, spark: SparkSession | None, *, purge: bool) -> Maintained:
    """Maintenance."""
    return maintain(pipe(folder, 3, spark), purge_history=purge)


def test_a_column_that_is_classified_later_leaves_the_log_with_a_purge(spark: SparkSession, tmp_path: Path) -> None:
    """Key and birth date: in entries and checkpoints before, in none after, nor of what is loaded then.

    Files, rows and the other statistics are what they were, and other readers can read the table.
    """
    lake, landing = tmp_path / "lake", tmp_path / "landing"
    classify(tmp_path, VISITS)
    put(
        landing,
        "visits",
        1,
        HEADER,
        ["ann example,2024-05-01,1975-06-07", "zed zebra,2024-05-01,1980-02-03", "a bad one,,"],
        1,
    )
    assert pipe(tmp_path, 1, spark).run(Choice()).exit_code == 0
    put(landing, "visits", 2, HEADER, ["ann example,2024-05-02,1999-12-31", "b,2024-04-30,"], 2)
    assert pipe(tmp_path, 2, spark, driver_rows=0).run(Choice()).exit_code == 0  # tombstones of Spark's
    for table in ("silver", "exception"):
        DeltaTable(str(lake / table / "visits")).create_checkpoint()
    before = logged(lake)
    assert before == {
        **{value: {"silver .json", "silver .parquet", "silver .crc"} for value in PERSONAL[:4]},
        "1975-06-07": {"silver .json"},  # of a file that was replaced
        "a bad one": {"exception .json", "exception .parquet"},
    }

    classify(tmp_path, re.sub(r"name: (name|born), ", r"name: \1, classification: personal, ", VISITS))
    rows, files = contents(lake), sorted(DeltaTable(str(lake / "silver/visits")).file_uris())
    assert forecast(pipe(tmp_path, 3, None)).figures["restated"] == 3
    assert cared(tmp_path, spark, purge=False).figures["restated"] == 3
    table = DeltaTable(str(lake / "silver/visits"))
    assert sorted(table.file_uris()) == files
    assert table.metadata().configuration[STATISTICS] == "seen_on,_logical_date"
    assert cared(tmp_path, None, purge=True).figures["restated"] == 0
    assert logged(lake) == {}
    assert contents(lake) == rows
    assert (table.protocol().min_reader_version, spark.read.format("delta").load(table.table_uri).count()) == (1, 3)
    bounds = table.get_add_actions(flatten=True)
    assert {str(value) for value in bounds["max.seen_on"].to_pylist()} == {"2024-05-02", "2024-04-30"}

    put(landing, "visits", 3, HEADER, ["another one,2024-05-03,1999-12-31", "a bad one,,"], 3)
    assert pipe(tmp_path, 3, spark).run(Choice()).exit_code == 0
    assert logged(lake) == {}

"""A public export whose headers and meanings differ from ours, mapped by a contract alone (docs/own-export.md)."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import SparkSession

from spark_jobs.pipeline import Pipeline, Report
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings

PROJECT = Path(__file__).parents[2]
EXPORT = PROJECT.parent / "shared" / "data" / "customer_support_tickets.csv"
CONTRACT = PROJECT / "docs" / "examples" / "customer_support_tickets.odcs.yaml"
DAY = date(2023, 6, 3)

pytestmark = pytest.mark.skipif(not EXPORT.is_file(), reason=f"the public export isn't at {EXPORT}")


@pytest.fixture(scope="module")
def loaded(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The export, delivered as one day and loaded by the documented contract."""
    folder = tmp_path_factory.mktemp("export")
    contracts, landing = folder / "contracts", folder / "landing" / "tickets" / "2023" / "06"
    contracts.mkdir()
    landing.mkdir(parents=True)
    shutil.copy(CONTRACT, contracts / CONTRACT.name)
    shutil.copy(EXPORT, landing / f"{DAY}.csv")
    settings = Settings(
        lake=str(folder / "lake"), landing=str(folder / "landing"), contracts=str(contracts), today=date(2023, 6, 4)
    )
    report = Pipeline(settings, "test", session=lambda _settings, _bytes: spark).run(Choice(start=DAY, end=DAY))
    return folder / "lake", report


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query over the table at `path`, read without Spark."""
    batches = QueryBuilder().register("t", DeltaTable(str(path))).execute(sql)
    return [row for b in batches for row in zip(*(b.column(n).to_pylist() for n in b.schema.names), strict=True)]


def export_rows() -> list[dict[str, str]]:
    """The export as Python's own csv module reads it."""
    with EXPORT.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_record_of_the_export_is_accounted_for(loaded: tuple[Path, Report]) -> None:
    """8,469 records over 29,807 lines: half of them load, the others are rejected, none is lost."""
    figures = loaded[1].figures
    assert (figures["read"], figures["inserted"], figures["rejected"]) == (8469, 4285, 4184)
    assert figures["updated"] == figures["unchanged"] == figures["stale"] == figures["duplicates"] == 0
    assert loaded[1].exit_code == 0


def test_bad_records_are_set_aside_with_their_reasons(loaded: tuple[Path, Report]) -> None:
    """Unanswered tickets have no creation, and some claim to be resolved before they were answered; nothing else."""
    sql = "SELECT reject_reason, count(*) AS n FROM t GROUP BY reject_reason"
    assert dict(query(loaded[0] / "exception" / "tickets", sql)) == {  # type: ignore[arg-type]
        "missing_created_at": 2819,
        "resolved_before_created": 1365,
    }


def test_silver_holds_what_the_contract_maps(loaded: tuple[Path, Report]) -> None:
    """Renames, value maps and the hours of SLA by priority, against a plain reading of the file."""
    statuses = {"Pending Customer Response": "Pending"}
    hours = {"Critical": 4, "High": 8, "Medium": 24, "Low": 72}
    when = "%m/%d/%y %H:%M"
    expected: Counter[tuple[object, ...]] = Counter()
    for row in export_rows():
        created, resolved = row["First Response Time"], row["Time to Resolution"]
        if not created or (resolved and datetime.strptime(resolved, when) < datetime.strptime(created, when)):
            continue
        status = statuses.get(row["Ticket Status"], row["Ticket Status"])
        expected[row["Ticket Priority"], status, row["Ticket Type"], float(hours[row["Ticket Priority"]])] += 1
    sql = "SELECT priority, status, category, CAST(sla_hours AS DOUBLE), count(*) FROM t GROUP BY 1, 2, 3, 4"
    found = {row[:4]: row[4] for row in query(loaded[0] / "silver" / "tickets", sql)}
    assert found == dict(expected)


def test_a_quoted_line_break_comes_back_as_it_was_delivered(loaded: tuple[Path, Report]) -> None:
    """Descriptions span lines; Bronze has them under the file's own header, character by character."""
    described = {row["Ticket ID"]: row["Ticket Description"] for row in export_rows()}
    sql = "SELECT ticket_id, _extra FROM t WHERE _row_number IN (1, 777, 8469)"
    for key, extra in query(loaded[0] / "bronze" / "tickets", sql):
        assert dict(extra)["ticket_description"] == described[str(key)]  # type: ignore[call-overload]


def test_gold_follows_from_the_export_unchanged(loaded: tuple[Path, Report]) -> None:
    """The same tables as for our own feed: what was created and never resolved is the backlog at the horizon."""
    sql = "SELECT backlog_size FROM t WHERE ops_date = DATE '2023-06-03'"
    pending = query(loaded[0] / "silver" / "tickets", "SELECT count(*) FROM t WHERE status = 'Pending'")
    assert query(loaded[0] / "gold" / "backlog_daily", sql) == pending

"""The benchmarks compare what they say: the history is as long, the delivery as mixed, the peers do their work."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import commits, results
from benchmarks.comparison import Comparison, Target
from benchmarks.process import ProcessFailed, Timing, run
from benchmarks.workspace import copy_lake, tickets_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@pytest.mark.parametrize(("text", "tickets"), [("100k", 100_000), ("10M", 10_000_000), ("1500", 1_500)])
def test_a_size_is_read_as_people_write_it(text: str, tickets: int) -> None:
    """Thousands and millions have a letter."""
    assert tickets_of(text) == tickets


def test_a_size_that_is_none_is_refused() -> None:
    """A slip must not start a long measurement of something else."""
    with pytest.raises(ValueError, match="'10g' is no size"):
        tickets_of("10g")


@pytest.mark.parametrize(
    ("measure", "limit", "ours", "peer", "value", "met"),
    [
        ("ours / peer", 1.3, [13.0, 99.0, 12.0], [10.0, 10.0, 1.0], 1.3, True),
        ("peer / ours", 3.0, [10.0], [29.0], 2.9, False),
        ("ours - peer", 5.0, [8.0], [2.5], 5.5, False),
    ],
)
def test_a_target_is_held_against_the_medians(
    measure: Any, limit: float, ours: list[float], peer: list[float], value: float, met: bool
) -> None:
    """One slow run decides nothing, and each measure has its own direction."""
    one = Comparison("case", "20k", "a", "b", Target(measure, limit))
    one.our_runs, one.peer_runs = [Timing(s, 0) for s in ours], [Timing(s, 0) for s in peer]
    assert one.value == pytest.approx(value)
    assert one.as_json()["met"] is met


def test_the_sides_are_run_in_turns() -> None:
    """What drifts on the machine meets both sides alike."""
    seen: list[str] = []

    def runner(name: str) -> Any:
        return lambda n: seen.append(f"{name}{n}") or Timing(1.0, 0)

    Comparison("case", "20k", "a", "b", Target("ours / peer", 1)).measure(runner("a"), runner("b"), 2)
    assert seen == ["a1", "b1", "a2", "b2"]


def test_a_process_that_fails_is_no_measurement(tmp_path: Path) -> None:
    """Its exit code and its last words come out."""
    program = "print('last words'); raise SystemExit(3)"
    with pytest.raises(ProcessFailed, match=r"(?s)exit code 3 .*last words"):
        run([sys.executable, "-c", program], environ=os.environ, log=tmp_path / "log", folder=tmp_path)


def test_a_commit_is_read_from_the_log(tmp_path: Path) -> None:
    """Files, bytes and rows are those of the commits after the versions that were known."""
    log = tmp_path / "gold" / "t" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text(json.dumps({"add": {"path": "old", "size": 7}}) + "\n")
    metrics = {"numTargetRowsInserted": "2", "numTargetRowsUpdated": "3", "numOutputRows": "900"}
    actions: list[dict[str, Any]] = [
        {"commitInfo": {"operation": "MERGE", "operationMetrics": metrics}},
        {"remove": {"path": "old", "size": 7}},
        {"add": {"path": "d%3D1/new", "size": 11}},
    ]
    (log / f"{1:020d}.json").write_text("\n".join(map(json.dumps, actions)))
    (found,) = commits.since(tmp_path, {"gold/t": 0})
    assert (found.operation, found.rows, found.added) == ("MERGE", 5, ("d=1/new",))
    assert commits.totals([found]) == {
        "commits": 1, "files_added": 1, "bytes_added": 11, "files_removed": 1, "bytes_removed": 7,
    }  # fmt: skip


def test_a_copy_of_a_lake_shares_data_files_and_no_log(tmp_path: Path) -> None:
    """A run that rewrites a log file in place, as Delta does with `_last_checkpoint`, must not change the original."""
    table = tmp_path / "lake" / "silver" / "t"
    (table / "_delta_log").mkdir(parents=True)
    (table / "a.parquet").write_text("data")
    (table / "_delta_log" / "_last_checkpoint").write_text("1")
    copy_lake(tmp_path / "lake", tmp_path / "copy")
    copied = tmp_path / "copy" / "silver" / "t"
    (copied / "_delta_log" / "_last_checkpoint").write_text("2")
    assert (table / "_delta_log" / "_last_checkpoint").read_text() == "1"
    assert (copied / "a.parquet").samefile(table / "a.parquet")


def test_the_page_gets_the_results_between_its_marks(tmp_path: Path) -> None:
    """What people wrote around them stays."""
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    results.put_into(page, "new")
    assert page.read_text() == f"# Before\n{results.BEGIN}\nnew\n{results.END}\nafter\n"


@pytest.fixture(scope="module")
def held(spark: SparkSession) -> Iterator[DataFrame]:
    """The smallest history, as Silver holds it."""
    from benchmarks import generated
    from spark_jobs.contract import load_contracts

    rows = generated.silver_rows(spark, load_contracts(None)["tickets"], generated.history(4_000)).cache()
    yield rows
    rows.unpersist()


def test_a_history_has_all_its_days_and_tells_no_future(held: DataFrame) -> None:
    """Every ticket once, five years of days, nothing resolved after the last one, open ones only near its end."""
    found = held.selectExpr(
        "count(DISTINCT ticket_id) AS tickets",
        "min(created_date) AS first",
        "max(created_date) AS last",
        "max(resolved_date) AS resolved",
        "count(DISTINCT created_date) AS days",
        "min(if(resolved_at IS NULL, created_date, NULL)) AS open",
        "count(DISTINCT agent_id) AS agents",
        "count(DISTINCT category) AS categories",
        "count_if(resolved_at < created_at) AS backwards",
    ).first()
    assert found is not None
    last = date(2024, 12, 30)
    assert (found["tickets"], found["first"], found["last"], found["days"]) == (4_000, date(2020, 1, 1), last, 1_826)
    assert found["resolved"] == last
    assert last - timedelta(days=45) <= found["open"] <= last
    assert (found["agents"], found["categories"], found["backwards"]) == (51, 20, 0)


def test_the_delivery_has_the_mixture_that_is_asked_for(spark: SparkSession, held: DataFrame, tmp_path: Path) -> None:
    """1,000 new tickets, and 1,000 changed: 900 of the last 14 days, 90 of the last 90, 10 older, all with a change."""
    from benchmarks.delivery import write_delivery
    from spark_jobs.contract import load_contracts

    path = tmp_path / "day.csv"
    write_delivery(spark, load_contracts(None)["tickets"], held, 4_000, path)
    rows = list(csv.DictReader(path.open(newline="")))
    before = {
        row["ticket_id"]: row.asDict() for row in held.select("ticket_id", "created_date", "updated_at").collect()
    }
    assert len({row["ticket_id"] for row in rows}) == len(rows) == 2_000
    new = [row for row in rows if row["ticket_id"] not in before]
    assert {row["created_at"][:10] for row in new} == {"2024-12-31"}
    ages = [
        (date(2024, 12, 31) - before[r["ticket_id"]]["created_date"]).days for r in rows if r["ticket_id"] in before
    ]
    assert [sum(low < age <= high for age in ages) for low, high in ((0, 14), (14, 90), (90, 9999))] == [900, 90, 10]
    assert {row["updated_at"][:10] for row in rows if row["ticket_id"] in before} == {"2024-12-31"}


def test_the_naive_job_counts_a_changed_ticket_twice(spark: SparkSession) -> None:
    """What makes it cheap is what makes it wrong: its facts have no key, and its backlog rescans all of them."""
    from benchmarks.naive_tables import aggregates, backlog

    shape = "ticket_id string, created string, resolved string, due string, priority string, category string"
    rows = [
        ("T1", "2024-01-01 08:00:00", None, "2024-01-02 08:00:00", "Low", "Bug"),
        ("T2", "2024-01-01 09:00:00", "2024-01-01 11:00:00", "2024-01-01 10:00:00", "Low", "Bug"),
        ("T1", "2024-01-01 08:00:00", "2024-01-02 09:00:00", "2024-01-02 08:00:00", "Low", "Bug"),
    ]
    facts = spark.createDataFrame(rows, shape).selectExpr(
        "priority", "category", "'A1' AS agent_id", "timestamp(created) AS created_at",
        "timestamp(resolved) AS resolved_at", "timestamp(due) AS sla_due_at", "date(created) AS created_date",
        "date(resolved) AS resolved_date", "date(due) AS sla_due_date",
    )  # fmt: skip
    assert [tuple(r) for r in backlog(facts, "2024-01-01").collect()] == [(date(2024, 1, 1), 3, 1, 2)]
    tables = {name: [tuple(r) for r in frame.collect()] for name, frame in aggregates(facts).items()}
    assert tables["features_daily"] == [(date(2024, 1, 1), 3, 2, pytest.approx(13.5))]
    assert sorted(tables["sla_breaches_daily"]) == [
        (date(2024, 1, 1), "Low", "Bug", 1, 1),
        (date(2024, 1, 2), "Low", "Bug", 2, 1),
    ]


def test_full_recomputation_holds_one_row_per_ticket_and_the_newest(spark: SparkSession, tmp_path: Path) -> None:
    """The peer merges by key: a newer version wins, an older one doesn't, a new ticket comes in."""
    from benchmarks.peers.full import merge

    def version(ticket: str, at: str, status: str) -> tuple[str, str, str]:
        return (ticket, f"2024-01-01 {at}:00", status)

    shape = "ticket_id string, _version_at string, status string"
    path = str(tmp_path / "silver")
    held = [version("T1", "08:00", "Open"), version("T2", "08:00", "Closed")]
    spark.createDataFrame(held, shape).write.format("delta").save(path)
    day = [version("T1", "09:00", "Resolved"), version("T2", "07:00", "Open"), version("T3", "09:00", "Open")]
    merge(spark, path, spark.createDataFrame(day, shape))
    rows = spark.read.format("delta").load(path).select("ticket_id", "status").collect()
    assert sorted(map(tuple, rows)) == [("T1", "Resolved"), ("T2", "Closed"), ("T3", "Open")]


def test_the_events_to_spread_are_those_that_are_said(spark: SparkSession) -> None:
    """Every event once, of 500 extensions, one in each 20 minutes; each half begins or ends work."""
    from benchmarks.peers.spread import generated, ours, plain

    events = generated(spark, 10_000).cache()
    row = events.selectExpr(
        "count(DISTINCT extension, done_on) AS n",
        "count(DISTINCT extension) AS e",
        "avg(int(is_productive)) AS share",
        "count_if(ops_date <> to_date(done_on)) AS wrong",
    ).first()
    assert row is not None
    assert (row["n"], row["e"], row["wrong"]) == (10_000, 500, 0)
    assert 0.45 < row["share"] < 0.55
    for side in (ours, plain):
        summed = side(spark, events).selectExpr("sum(events)").first()
        assert summed is not None
        assert summed[0] == 10_000
    events.unpersist()

"""What happens to Gold when a check fails, a definition changes, a change feed is gone, a day is missing."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import GoldTable, registry
from spark_jobs.pipeline import Report
from state.ledger import Status
from tests.e2e.trial import Trial, of_gold, ticket

ONE, TWO, THREE, FOUR, SIX = (date(2024, 3, day) for day in (1, 2, 3, 4, 6))
FLOW = "ticket_flow_daily"
AFTER_FLOW = {"backlog_daily", "backlog_by_priority_daily", "daily_ops_metrics"}


def doubled(declared: GoldTable) -> Callable[..., DataFrame]:
    """The table's function with every row twice, in the same module as the right one: no change of definition."""

    @functools.wraps(declared.function)
    def function(*frames: DataFrame, **options: Any) -> DataFrame:
        rows: DataFrame = declared.function(*frames, **options)
        return rows.unionAll(rows)

    return function


def outcomes(report: Report) -> dict[str, str]:
    """Status by table that had anything to do."""
    return {outcome.table: outcome.status for outcome in report.tables if outcome.status != "untouched"}


def some(day: date, number: int = 3, **cells: str) -> list[str]:
    """Tickets created on a day."""
    return [ticket(f"{day:%d}-{n}", created_at=f"{day} 08:00:00", agent_id=f"a{n}", **cells) for n in range(number)]


@pytest.mark.engine
def test_a_table_that_fails_its_checks_is_not_published(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from it waits, the others go on, the run exits 1, and the next one heals all."""
    trial.deliver(ONE, *some(ONE))
    assert trial.run(end=ONE).exit_code == 0
    before = trial.versions()
    trial.deliver(TWO, *some(TWO))

    with monkeypatch.context() as patched:
        patched.setitem(registry(), FLOW, replace(registry()[FLOW], function=doubled(registry()[FLOW])))
        report = trial.run(end=TWO)

    assert report.exit_code == 1
    found = outcomes(report)
    assert found[FLOW] == "failed"
    assert {name for name, status in found.items() if status == "waiting"} == AFTER_FLOW
    assert found["features_daily"] == found["fact_tickets"] == "published"
    after = trial.versions()
    assert not {name for name in (FLOW, *AFTER_FLOW) if before[f"gold/{name}"] != after[f"gold/{name}"]}
    (message,) = [m for outcome in report.tables if outcome.table == FLOW for m in outcome.messages]
    assert "more than one row per (ops_date, priority)" in message
    assert trial.days()[TWO].status is Status.SUCCEEDED
    assert trial.gold_status()[FLOW] == "FAILED"

    healed = trial.run(end=TWO)

    assert healed.exit_code == 0
    assert set(outcomes(healed)) == {FLOW, *AFTER_FLOW}
    assert of_gold(trial) == []


@pytest.mark.engine
def test_a_changed_definition_rebuilds_the_table_whole(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the first try fails its checks and the next one comes with news about one day only."""
    original = registry()["features_daily"]

    def more(*frames: DataFrame, **options: Any) -> DataFrame:
        return original.function(*frames, **options).withColumn("total_tickets", F.col("total_tickets") + 1000)

    def twice(*frames: DataFrame, **options: Any) -> DataFrame:
        rows: DataFrame = more(*frames, **options)
        return rows.unionAll(rows)

    trial.deliver(ONE, *some(ONE))
    trial.deliver(TWO, *some(TWO))
    trial.run(end=TWO)

    monkeypatch.setitem(registry(), "features_daily", replace(original, function=twice))
    report = trial.publish()
    assert (report.exit_code, outcomes(report)) == (1, {"features_daily": "failed"})
    assert {row["total_tickets"] for row in trial.rows("gold/features_daily")} == {3}

    trial.deliver(THREE, *some(THREE, 4))
    monkeypatch.setitem(registry(), "features_daily", replace(original, function=more))
    assert trial.run(end=THREE).exit_code == 0
    totals = {row["ops_date"]: row["total_tickets"] for row in trial.rows("gold/features_daily")}
    assert totals == {ONE: 1003, TWO: 1003, THREE: 1004}

    monkeypatch.undo()
    assert trial.publish().exit_code == 0
    assert of_gold(trial) == []


def test_a_change_feed_that_is_gone_rebuilds_the_tables_whole(trial: Trial) -> None:
    """VACUUM takes the files of old changes; what was changed can't be told any more."""
    trial.deliver(ONE, *some(ONE, priority="Low"))
    trial.deliver(TWO, *some(TWO))
    trial.run(end=TWO)
    trial.deliver(THREE, *some(ONE, priority="High"), *some(THREE))
    trial.load(end=THREE)
    shutil.rmtree(trial.lake / "silver/tickets/_change_data")

    report = trial.publish()

    assert report.exit_code == 0
    reasons = {outcome.table: outcome.reason for outcome in report.tables}
    assert "no longer there" in reasons["features_daily"]
    assert of_gold(trial) == []


@pytest.mark.engine
def test_days_without_a_delivery_have_rows_and_are_computed_again_when_it_comes(trial: Trial) -> None:
    """The backlog goes on, what falls due in the gap is breached, and the late day fits in."""
    trial.deliver(ONE, *some(ONE, sla_hours="30"))
    trial.run(end=ONE)
    trial.deliver(SIX, *some(SIX), ticket("01-0", created_at="2024-03-01 08:00:00", resolved_at="2024-03-05 08:00:00"))
    assert trial.run(end=SIX).exit_code == 1
    assert trial.days()[TWO].error_class == "missing_delivery"
    assert of_gold(trial) == []
    assert [row["backlog_size"] for row in _by_day(trial, "backlog_daily")] == [3, 3, 3, 3, 2, 5]

    trial.deliver(FOUR, *some(FOUR), *some(ONE, sla_hours="30", resolved_at="2024-03-04 08:00:00"))
    assert trial.run(end=SIX).exit_code == 0
    assert of_gold(trial) == []
    assert [row["due"] for row in _by_day(trial, "daily_ops_metrics")] == [1, 2, 0, 3, 0, 3]


def _by_day(trial: Trial, table: str) -> list[dict[str, Any]]:
    return sorted(trial.rows(f"gold/{table}"), key=lambda row: row["ops_date"])

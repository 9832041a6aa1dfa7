"""A finished day that is run again changes nothing outside state/."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from state.ledger import Status
from tests.e2e.trial import Trial, ticket

ONE, TWO, THREE = (date(2024, 3, day) for day in (1, 2, 3))


@pytest.fixture(scope="module")
def finished(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Three days, one with a reject, a loser and an update, one of no rows; agents; all in Gold."""
    trial = Trial(spark, tmp_path_factory.mktemp("repeat"), options={"today": date(2024, 3, 4)})
    trial.deliver(ONE, *(ticket(f"T{n}", category="" if n % 2 else "Login") for n in range(12)))
    trial.deliver(
        TWO,
        *(ticket(f"U{n}", created_at="2024-03-02 09:00:00") for n in range(10)),
        ticket("T1", resolved_at="2024-03-02 10:00:00"),
        ticket("T2", agent_id="a1"),
        ticket("T2", agent_id="a2"),
        ticket("T3", priority="Urgent"),
    )
    trial.deliver(THREE)
    trial.deliver(ONE, "a1,Ada,Billing", "a2,Ben,Billing", dataset="agents_master", header="agent_id,agent_name,team")
    assert trial.run().exit_code == 0
    return trial


def test_the_lake_has_tables_of_every_layer(finished: Trial) -> None:
    """So that the tests below look at something."""
    assert len(finished.versions()) == 2 + 1 + 2 + 13
    assert [row["status"] for row in finished.exceptions()] == ["informational", "open"]


def test_a_run_without_anything_due_adds_no_version(finished: Trial) -> None:
    """And starts no session."""
    before = finished.versions()
    report = finished.run()
    assert (report.exit_code, report.days, report.tables) == (0, [], [])
    assert finished.versions() == before


@pytest.mark.parametrize("day", [ONE, TWO, THREE])
def test_a_finished_day_again_adds_no_version(finished: Trial, day: date) -> None:
    """By force, so that it is read, judged and compared: all its rows are equal, or stale, or lose as before."""
    before, exceptions = finished.versions(), finished.exceptions()

    report = finished.run(start=day, end=day, force=True)

    assert report.exit_code == 0
    assert finished.versions() == before
    assert finished.exceptions() == exceptions
    state = finished.days()[day]
    assert (state.status, state.attempt) == (Status.SUCCEEDED, 2)
    assert state.figures is not None
    assert (state.figures.inserted, state.figures.updated) == (0, 0)


@pytest.mark.engine
def test_all_days_again_in_one_backfill_add_no_version(finished: Trial) -> None:
    """In batches of two days."""
    before = finished.versions()
    assert finished.backfill(2, start=ONE, end=THREE, force=True).exit_code == 0
    assert finished.versions() == before


@pytest.mark.engine
def test_a_publication_without_news_adds_no_version(finished: Trial) -> None:
    """No table is touched."""
    before = finished.versions()
    assert finished.publish().tables == []
    assert finished.versions() == before


def test_a_rebuild_that_comes_out_equal_adds_no_version(finished: Trial) -> None:
    """Every Gold table of tickets is computed whole, compared, and left alone; of the others there is nothing yet."""
    before = finished.versions()
    report = finished.rebuild()
    there = [outcome for outcome in report.tables if outcome.reason != "its inputs aren't there yet"]
    assert {outcome.status for outcome in there} == {"equal"}
    assert len(there) == 13
    assert finished.versions() == before

"""A dirty sample against what its generator knows of it.

The generator decides each record's fate when it makes the record, so that this is a comparison with the intention.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.pipeline import Report
from spark_jobs.sample import Truth, write_sample
from state.ledger import Status
from tests.e2e.trial import Trial, of_gold
from tests.oracle import compare

START = date(2025, 3, 3)
FIGURES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")


class Delivered:
    """A sample of ten days, its truth, and the lake after two runs: one up to the first try of the corrected day, and
    one with its correction and all the days after it."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.out = folder / "sample"
        self.truth: Truth = write_sample(self.out, start=START, days=10, tickets_per_day=60, seed=11)
        self.trial = Trial(spark, folder, options={"today": START + timedelta(days=10)})
        (self.correction,) = self.truth.corrections()
        for dataset in ("tickets", "agents_master"):
            for day in self.truth.days(dataset):
                if day.logical_date < self.correction.logical_date:
                    self.put(dataset, day.logical_date, day.path)
        self.put("tickets", self.correction.logical_date, self.correction.earlier_path)
        self.first: Report = self.trial.run(end=self.correction.logical_date)
        self.after_the_first = self.trial.figures()
        for dataset in ("tickets", "agents_master"):
            for day in self.truth.days(dataset):
                if day.logical_date >= self.correction.logical_date:
                    self.put(dataset, day.logical_date, day.path)
        self.second: Report = self.trial.run()

    def put(self, dataset: str, day: date, path: str) -> None:
        """Deliver one of the sample's files, with the modification time that the generator gave it."""
        file = self.out / path
        modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        suffix = "".join(file.suffixes)
        self.trial.put(day, file.read_bytes(), dataset=dataset, suffix=suffix, modified=modified)


@pytest.fixture(scope="module")
def delivered(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """The lake, made once for this file."""
    return Delivered(spark, tmp_path_factory.mktemp("truth"))


def test_both_runs_end_well(delivered: Delivered) -> None:
    """Dirt in the expected amounts is no failure."""
    assert (delivered.first.exit_code, delivered.second.exit_code) == (0, 0)
    assert {state.status for state in delivered.trial.days().values()} == {Status.SUCCEEDED}
    assert set(delivered.trial.gold_status().values()) == {"OK"}


def test_every_days_figures_are_those_that_the_generator_intended(delivered: Delivered) -> None:
    """The corrected day has the figures of its correction, every other day those of its only delivery."""
    expected = {day.logical_date: {"read": day.read, **day.classes()} for day in delivered.truth.days()}
    day, correction = delivered.correction.logical_date, delivered.correction
    expected[day] = {"read": sum(correction.corrected.values()), **correction.corrected}

    actual = delivered.trial.figures()

    assert {d: {n: f[n] for n in FIGURES} for d, f in actual.items()} == expected
    assert {d: f["absent"] for d, f in actual.items() if f["absent"]} == {day: correction.absent}
    assert correction.absent


def test_the_first_try_of_a_corrected_day_had_its_own_figures(delivered: Delivered) -> None:
    """Before the correction came, the day's row in the ledger was about the first delivery."""
    earlier = delivered.correction.earlier
    actual = delivered.after_the_first[delivered.correction.logical_date]
    assert {name: actual[name] for name in FIGURES} == {"read": earlier.read, **earlier.classes()}


def test_every_rejected_record_has_exactly_its_reasons(delivered: Delivered) -> None:
    """Record by record, in the order of the specification; every reason occurs."""
    expected = {
        (day.logical_date, number): reasons for day in delivered.truth.days() for number, reasons in day.records.items()
    }
    actual = {
        (row["_logical_date"], row["_row_number"]): row["reject_reasons"]
        for row in delivered.trial.exceptions("open", "resolved")
    }
    assert actual == expected
    assert len({reason for reasons in expected.values() for reason in reasons}) >= 10


def test_duplicates_are_told_apart_from_rejects(delivered: Delivered) -> None:
    """The losers of their delivery are on the exception path for information."""
    expected = [(day.logical_date, number) for day in delivered.truth.days() for number in day.duplicate_rows]
    actual = [(row["_logical_date"], row["_row_number"]) for row in delivered.trial.exceptions("informational")]
    assert sorted(actual) == sorted(expected)
    assert expected


def test_the_first_trys_exceptions_are_superseded(delivered: Delivered) -> None:
    """Each record that was rejected or lost in the first delivery, and nothing else."""
    earlier = delivered.correction.earlier
    actual = [row["_row_number"] for row in delivered.trial.exceptions("superseded")]
    assert sorted(actual) == sorted([*earlier.records, *earlier.duplicate_rows])
    assert actual


def test_given_hours_that_are_off_are_counted_as_warnings(delivered: Delivered) -> None:
    """They don't reject; the figure is computed anyway."""
    expected = {day.logical_date: len(day.hours_off_rows) for day in delivered.truth.days() if day.hours_off_rows}
    found = {day: state.figures for day, state in delivered.trial.days().items() if state.figures}
    actual = {day: figures.warnings.get("resolution_hours_off", 0) for day, figures in found.items()}
    assert {day: count for day, count in actual.items() if count} == expected
    assert expected


def test_silver_holds_the_final_rows(delivered: Delivered) -> None:
    """Values, and the day and record that each row came from; where a correction repeats a row, the first one's."""
    rows = delivered.trial.rows("silver/tickets")
    given = {row["ticket_id"]: (row["_logical_date"], row["_row_number"], row["_delivery"]) for row in rows}
    corrected = delivered.trial.days()[delivered.correction.logical_date].deliveries[0].delivery
    expected = [_typed(row) for row in delivered.truth.rows()]
    derived = ["logical_date", "row_number", "created_date", "resolved_date", "sla_due_at", "sla_due_date"]
    assert compare("silver", expected, rows, ["ticket_id"], ignore=[*derived, "year", "month"]) == []
    for row in expected:
        day, number, delivery = given[row["ticket_id"]]
        repeated = day == delivered.correction.logical_date and delivery != corrected
        assert (day, number) == (row["logical_date"], number if repeated else row["row_number"])


def test_the_agents_are_those_of_the_last_list(delivered: Delivered) -> None:
    """Reference data: what is gone from the list is gone."""
    expected = [
        {name: value or None for name, value in row.items()} | {"hired_on": date.fromisoformat(row["hired_on"])}
        for row in delivered.truth.rows("agents_master")
    ]
    assert compare("agents", expected, delivered.trial.rows("silver/agents_master"), ["agent_id"]) == []


def test_gold_follows_from_silver(delivered: Delivered) -> None:
    """Every table, as the independent calculation has it."""
    assert of_gold(delivered.trial) == []


def _typed(row: dict[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = {name: value or None for name, value in row.items()}
    for name in ("created_at", "resolved_at", "updated_at"):
        typed[name] = datetime.fromisoformat(row[name]) if row[name] else None
    for name in ("resolution_hours", "sla_hours"):
        typed[name] = Decimal(row[name]) if row[name] else None
    typed["sla_breached_reported"] = {"": None, "true": True, "false": False}[row["sla_breached_reported"]]
    typed["logical_date"], typed["row_number"] = date.fromisoformat(row["logical_date"]), int(row["row_number"])
    return typed

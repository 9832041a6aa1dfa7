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
from spark_jobs.sample import DATASETS, Truth, write_sample
from state.ledger import Status
from tests.e2e.trial import KEYS, Trial, of_gold
from tests.oracle import DOMAINS, compare

pytestmark = pytest.mark.engine  # a whole run on each Spark line is test_oracle.py's

START = date(2025, 3, 3)
OTHERS = ("calls", "agent_events", "agent_identity")
FIGURES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")


class Delivered:
    """A sample of ten days, its truth, and the lake after two runs: one up to the first try of the corrected day, and
    one with its correction and all the days after it. Other datasets come once, as the landing has them."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.out = folder / "sample"
        self.truth: Truth = write_sample(self.out, start=START, days=10, tickets_per_day=60, seed=11)
        self.trial = Trial(spark, folder, options={"today": START + timedelta(days=10)})
        (self.correction,) = self.truth.corrections()
        tried = self.correction.logical_date
        files = [(dataset, day.logical_date, day.path) for dataset in DATASETS for day in self.truth.days(dataset)]
        first = [each for each in files if each[1] <= tried and each[:2] != ("tickets", tried)]
        for each in first:
            self.put(*each)
        self.put("tickets", tried, self.correction.earlier_path)
        self.first: Report = self.trial.run(end=tried)
        self.after_the_first = self.trial.figures()
        for each in files:
            if each not in first:
                self.put(*each)
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


@pytest.mark.parametrize("dataset", ["calls", "agent_events"])
def test_the_other_datasets_have_the_intended_figures(delivered: Delivered, dataset: str) -> None:
    """Per day."""
    expected = {
        day.logical_date: {"read": day.read, **day.classes(), "absent": 0, "deleted": 0}
        for day in delivered.truth.days(dataset)
    }
    assert expected
    assert delivered.trial.figures(dataset) == expected


def test_of_two_lists_in_one_run_the_later_one_is_loaded(delivered: Delivered) -> None:
    """Both lists of identities came before the first run: to Silver, everybody in the later one is new."""
    _, last = delivered.truth.days("agent_identity")
    (figures,) = delivered.trial.figures("agent_identity").values()
    new = last.inserted + last.updated + last.unchanged
    assert figures["inserted"] == new
    assert (figures["read"], figures["rejected"], figures["duplicates"]) == (last.read, last.rejected, last.duplicates)


@pytest.mark.parametrize("dataset", OTHERS)
def test_the_other_datasets_exceptions_are_the_intended_ones(delivered: Delivered, dataset: str) -> None:
    """Each rejected record with exactly its reasons, each duplicate for information, and nothing else."""
    days = list(delivered.truth.days(dataset))
    rejected = {(day.logical_date, number): reasons for day in days for number, reasons in day.records.items()}
    duplicates = {(day.logical_date, number): ["duplicate_in_batch"] for day in days for number in day.duplicate_rows}
    actual = {
        (row["_logical_date"], row["_row_number"]): row["reject_reasons"]
        for row in delivered.trial.exceptions(dataset=dataset)
    }
    assert rejected
    assert actual == rejected | duplicates


@pytest.mark.parametrize("dataset", OTHERS)
def test_silver_of_the_other_datasets_holds_the_final_rows(delivered: Delivered, dataset: str) -> None:
    """Values, and the day and record that each row came from."""
    rows = delivered.trial.rows(f"silver/{dataset}")
    origins = {"logical_date": "_logical_date", "row_number": "_row_number"}
    expected = [_typed_as(row, rows[0]) for row in delivered.truth.rows(dataset)]
    actual = [row | {name: row[column] for name, column in origins.items() if name in expected[0]} for row in rows]
    assert compare("silver", expected, actual, KEYS[dataset], ignore=["year", "month"]) == []


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_gold_follows_from_silver(delivered: Delivered, domain: str) -> None:
    """Every table, as the independent calculation has it."""
    assert of_gold(delivered.trial, domain=domain) == []


def _typed_as(row: dict[str, str], example: dict[str, Any]) -> dict[str, Any]:
    """A row of the truth in the types that a row of Silver has; an empty text is an empty text or a null there."""
    read: dict[type, Any] = {datetime: datetime.fromisoformat, date: date.fromisoformat, int: int}
    typed: dict[str, Any] = {}
    for name, text in row.items():
        value = example[{"logical_date": "_logical_date", "row_number": "_row_number"}.get(name, name)]
        if isinstance(value, bool):
            typed[name] = text == "true"
        elif name == "call_agent_id":
            typed[name] = int(text) if text else None
        elif name == "details":
            typed[name] = text
        else:
            typed[name] = read.get(type(value), str)(text) if text else None
    return typed


def _typed(row: dict[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = {name: value or None for name, value in row.items()}
    for name in ("created_at", "resolved_at", "updated_at"):
        typed[name] = datetime.fromisoformat(row[name]) if row[name] else None
    for name in ("resolution_hours", "sla_hours"):
        typed[name] = Decimal(row[name]) if row[name] else None
    typed["sla_breached_reported"] = {"": None, "true": True, "false": False}[row["sla_breached_reported"]]
    typed["logical_date"], typed["row_number"] = date.fromisoformat(row["logical_date"]), int(row["row_number"])
    return typed

"""The sample's complaints over every channel, loaded, against what the generator says that it made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from spark_jobs.contract import load_contract
from spark_jobs.sample import Truth, write_sample
from tests.e2e.conftest import NewTrial
from tests.e2e.trial import Trial
from tests.postgres_server import PASSWORD, USER, PostgresServer
from tests.sources.postgres_tables import drop_all

START, DAYS = date(2025, 1, 6), 8
KEYS = {
    "call_logs": "call_id",
    "social_complaints": "complaint_id",
    "web_complaints": "request_id",
    "customers": "customer_id",
    "complaint_agents": "agent_id",
    "complaint_categories": "category",
}
ORIGIN = {"logical_date": "_logical_date", "row_number": "_row_number"}
ASKED: dict[str, Any] = {"start": START, "days": DAYS, "tickets_per_day": 60, "seed": 4}


def figures_differ(trial: Trial, truth: Truth, dataset: str) -> list[str]:
    """Days whose classes, or rejected records with their reasons, aren't those of the truth."""
    loaded, found = trial.figures(dataset), []
    for day in truth.days(dataset):
        expected = {"read": day.read, **day.classes(), "deleted": day.deleted, "absent": 0}
        if loaded.get(day.logical_date) != expected:
            found.append(f"{dataset} {day.logical_date}: {loaded.get(day.logical_date)}, expected {expected}")
    rejected = {
        (row["_logical_date"], row["_row_number"]): row["reject_reason"].split(", ")
        for row in trial.exceptions("open", "resolved", dataset=dataset)
    }
    told = {(day.logical_date, row): reasons for day in truth.days(dataset) for row, reasons in day.records.items()}
    both = sorted(rejected.keys() | told.keys())
    wrong = [at for at in both if rejected.get(at) != told.get(at)]
    return found + [f"{dataset} {at}: {rejected.get(at)}, expected {told.get(at)}" for at in wrong]


def rows_differ(trial: Trial, truth: Truth, dataset: str) -> list[str]:
    """Final rows that aren't those of the truth, with their origin where the truth has it."""
    key = KEYS[dataset]
    silver = {row[key]: row for row in trial.rows(f"silver/{dataset}")}
    told = {row[key]: row for row in truth.rows(dataset)}
    found = [f"{dataset} {one}: only one side has it" for one in silver.keys() ^ told.keys()]
    for one in silver.keys() & told.keys():
        row = {name: as_text(silver[one][ORIGIN.get(name, name)]) for name in told[one]}
        expected = {name: value.removesuffix(".00") for name, value in told[one].items()}
        if row != expected:
            found.append(f"{dataset} {one}: {row}, expected {expected}")
    return found


def as_text(value: object) -> str:
    """A value as the truth's files have it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return "" if value is None else str(value).removesuffix(".00")


def test_every_channel_and_list_is_loaded_as_the_generator_says(new_trial: NewTrial, tmp_path: Path) -> None:
    """Web forms from Parquet and lists from CSV, by the contracts that the sample wrote beside them."""
    contracts = tmp_path / "lake/landing/_contracts"
    trial = new_trial("lake", today=date(2025, 1, 14), contracts=str(contracts))
    truth = write_sample(trial.landing, datasets=tuple(KEYS), **ASKED)
    assert trial.load().exit_code == 0
    assert [line for name in KEYS for line in rows_differ(trial, truth, name)][:5] == []
    # of lists the latest alone is loaded by one run: its figures are others than those of both
    channels = [name for name in KEYS if load_contract(name).load_mode == "merge"]
    assert [line for name in channels for line in figures_differ(trial, truth, name)][:5] == []


def test_web_forms_are_the_same_rows_in_a_database(
    new_trial: NewTrial, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same numbers, read by the built-in contract; the truth doesn't hold the database's address."""
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    drop_all(postgres)
    trial = new_trial("database", today=date(2025, 1, 14))
    address = psycopg.conninfo.make_conninfo(postgres.url, user=USER, password=PASSWORD)
    monkeypatch.setenv("SAMPLE_DATABASE", address)
    truth = write_sample(trial.landing, datasets=("web_complaints",), postgres_url="env:SAMPLE_DATABASE", **ASKED)
    try:
        assert trial.load().exit_code == 0
        assert [*figures_differ(trial, truth, "web_complaints"), *rows_differ(trial, truth, "web_complaints")][:5] == []
    finally:
        drop_all(postgres)
    assert not (trial.landing / "_contracts").exists()
    assert all(PASSWORD not in path.read_text() for path in truth.folder.iterdir())

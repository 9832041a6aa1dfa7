"""Complaints for tests of the whole engine: every dataset as CSV files below the landing, and records of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from tests.e2e.trial import Row, Trial
from tests.oracle import GRAINS_OF_COMPLAINTS, compare, gold_of_complaints

COLUMNS = {
    "call_logs": "call_id,customer_id,complaint_category,agent_id,resolution_status,call_start_time,call_end_time",
    "web_complaints": "request_id,customer_id,complaint_category,agent_id,resolution_status,request_date,"
    "resolution_date",
    "social_complaints": "complaint_id,customer_id,complaint_category,agent_id,resolution_status,request_date,"
    "resolution_date,media_channel",
    "customers": "customer_id,name,gender,date_of_birth,signup_date,email,address",
    "complaint_agents": "id,name,experience,state",
    "complaint_categories": "category,group,target_hours",
}
CALL, WEB, SOCIAL = EVENTS = ("call_logs", "web_complaints", "social_complaints")
ANOTHER_PLACE = """\
kind: DataContract
apiVersion: v3.1.0
id: here-{name}
version: 1.0.0
status: active
customProperties:
  - {{property: extends, value: builtin}}
  - {{property: format, value: csv}}
  - {{property: options, value: null}}
  - {{property: path, value: {name}/%Y/%m/%Y-%m-%d.csv}}
  - {{property: missingDays, value: skip}}
schema:
  - {{name: {name}}}
"""


def as_csv(folder: Path) -> Path:
    """Contracts of one's own, by which all six arrive as CSV files."""
    folder.mkdir(exist_ok=True)
    for name in COLUMNS:
        (folder / f"{name}.odcs.yaml").write_text(ANOTHER_PLACE.format(name=name), encoding="utf-8")
    return folder


def complaint(
    key: str,
    customer: str = "c1",
    category: str = "Billing",
    agent: str = "a1",
    status: str = "Backlog",
    at: str = "2024-03-01 08:00:00",
    until: str = "",
    medium: str = "",
) -> str:
    """One record of any channel; `until` is when a call ended, or when another complaint was resolved."""
    return ",".join([key, customer, category, agent, status, at, until, *([medium] if medium else [])])


def new_trial(spark: SparkSession, folder: Path, zone: str = "UTC", **options: Any) -> Trial:
    """An empty lake whose complaints arrive as CSV files."""
    folder.mkdir(exist_ok=True)
    return Trial(spark, folder, zone, {"contracts": str(as_csv(folder / "contracts")), **options})


def deliver(trial: Trial, day: date, **records: list[str]) -> None:
    """Put a day's files, by dataset."""
    for dataset, lines in records.items():
        trial.deliver(day, *lines, dataset=dataset, header=COLUMNS[dataset])


def differences(trial: Trial, silver: Mapping[str, Sequence[Row]] | None = None) -> list[str]:
    """Where a Gold table differs from what the independent calculation makes of `silver`, by default the engine's.

    The horizon is the earliest of the channels' that ever delivered; before any has there is nothing.
    """
    reached = [max(days) for name in EVENTS if (days := [d for d, s in trial.days(name).items() if s.loaded])]
    rows = {name: trial.rows(f"silver/{name}") for name in COLUMNS} if silver is None else silver
    expected = gold_of_complaints(rows, min(reached), trial.zone) if reached else {}
    return [
        line
        for name, grain in GRAINS_OF_COMPLAINTS.items()
        for line in compare(name, expected.get(name, []), trial.rows(f"gold/{name}"), grain)
    ]

"""What tests of replays share: wider contracts, replays, and what became of exceptions and of tickets."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

from spark_jobs.cli.show import CLASSES
from spark_jobs.exception_export import export_exceptions
from spark_jobs.pipeline import Pipeline, Report
from spark_jobs.replaying import Asked
from tests.e2e.trial import Row, Trial, WithoutGold, ticket, without
from tests.oracle import compare

ONE, TWO, THREE = (date(2024, 3, day) for day in (1, 2, 3))
RUN = ("_ingested_at", "_run_id", "_load_time")
WIDER = """\
kind: DataContract
apiVersion: v3.1.0
id: mine
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
schema:
  - name: tickets
    properties:
      - name: priority
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [Low, Medium, High, Critical, Urgent]}
            mustBe: 0
      - {name: sla_hours, logicalTypeOptions: null}
"""
"""Urgent is a priority, and a ticket may be due at once."""

WIDER_CALLS = """\
kind: DataContract
apiVersion: v3.1.0
id: mine-too
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
schema:
  - name: calls
    properties:
      - name: call_status
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [COMPLETED, DROPPED, FAILED, PARKED]}
            mustBe: 0
"""
"""Parked is a call's status."""


def good(day: date, number: int = 20) -> list[str]:
    """Tickets of a day that nothing is wrong with."""
    return [ticket(f"{day:%d}-{n}", created_at=f"{day} 08:00:00") for n in range(number)]


def wider(trial: Trial) -> None:
    """From now on the lake has the wider contract."""
    folder = trial.folder / "contracts"
    folder.mkdir(exist_ok=True)
    (folder / "tickets.odcs.yaml").write_text(WIDER)
    (folder / "calls.odcs.yaml").write_text(WIDER_CALLS)
    trial.options = {**trial.options, "contracts": str(folder)}


def replay(trial: Trial, dataset: str = "tickets", *, gold: bool = False, **asked: Any) -> Report:
    """One replay."""
    kind = Pipeline if gold else WithoutGold
    pipeline = kind(trial.settings, "opslake exceptions replay", session=lambda *_: trial.spark)
    return pipeline.replay(Asked(dataset, **asked))


def figures(report: Report) -> dict[str, int]:
    """The classes that aren't empty; they add up."""
    found = {name: report.figures[name] for name in CLASSES}
    assert found["read"] == sum(found.values()) - found["read"]
    return {name: number for name, number in found.items() if number}


def life(trial: Trial) -> dict[str, tuple[str, str]]:
    """Status and reasons of each exception by the key of its record."""
    return {str(row["record_key"]): (row["status"], row["reject_reason"]) for row in trial.exceptions()}


def held(trial: Trial, key: str) -> Row | None:
    """The row that Silver has of a ticket."""
    return next((row for row in trial.rows("silver/tickets") if row["ticket_id"] == key), None)


def correct(trial: Trial, dataset: str = "tickets", key: str = "ticket_id", **changed: dict[str, str]) -> Path:
    """A file of corrections: what is open is exported, of each record named the fields changed, and only these stay."""
    exported, path = (trial.folder / f"{name}-{len(list(trial.folder.iterdir()))}.csv" for name in ("open", "right"))
    export_exceptions(str(trial.lake), trial.pipeline().contracts[dataset], str(exported))
    with exported.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = [{**row, **changed[row[key]]} for row in rows if row[key] in changed]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return path


def rebuild(trial: Trial, dataset: str = "tickets") -> None:
    """Silver from Bronze."""
    WithoutGold(trial.settings, "rebuild", session=lambda *_: trial.spark).rebuild(silver=dataset)


def expect_rebuilt_the_same(trial: Trial) -> None:
    """Silver from Bronze is what it was, lineage and all."""
    before = without(trial.rows("silver/tickets"), RUN)
    rebuild(trial)
    assert compare("silver", before, without(trial.rows("silver/tickets"), RUN), ["ticket_id"]) == []

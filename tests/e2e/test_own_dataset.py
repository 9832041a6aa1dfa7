"""A dataset that the lake doesn't know, as JSON lines: a contract in the user's own directory is all it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal

from tests.e2e.conftest import NewTrial
from tests.e2e.trial import Trial

DAY = date(2024, 1, 2)
CONTRACT = """
kind: DataContract
apiVersion: v3.1.0
id: orders
name: orders
version: 1.0.0
status: active
customProperties:
  - {property: format, value: json}
  - {property: path, value: orders/%Y/%m/%Y-%m-%d.jsonl}
  - {property: missingDays, value: skip}
  - {property: maxRejectRatio, value: 0.5}
schema:
  - name: orders
    logicalType: object
    physicalType: table
    properties:
      - {name: order_id, logicalType: string, physicalType: string, required: true, primaryKey: true,
         primaryKeyPosition: 1}
      - {name: placed_at, logicalType: timestamp, physicalType: timestamp, transformSourceObjects: [placed]}
      - {name: amount, logicalType: number, physicalType: "decimal(10,2)", required: true}
"""
GOOD = '{"order_id": 1, "placed": "2024-01-02T10:00:00+02:00", "amount": 12.50, "note": {"a": [1, null]}}'
TWICE = '{"Order-ID": "2", "placed": null, "amount": "3"}'
BAD = ['{"order_id": 3, "amount": "x"}', "not json", "[1, 2]"]


def orders(new_trial: NewTrial) -> Trial:
    """A lake whose user has a contract of his own."""
    trial = new_trial("own")
    (trial.folder / "contracts").mkdir()
    (trial.folder / "contracts" / "orders.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    trial.options = {"contracts": str(trial.folder / "contracts")}
    return trial


def test_json_lines_of_a_new_dataset_become_a_silver_table(new_trial: NewTrial) -> None:
    """Typed rows, one per key; bad lines are set aside one by one with their text; what is unknown stays in Bronze."""
    trial = orders(new_trial)
    trial.put(DAY, "\n".join([GOOD, *BAD, "", TWICE, TWICE]).encode(), dataset="orders", suffix=".jsonl")
    report = trial.run(start=DAY, end=DAY)
    assert report.exit_code == 0, report.error
    figures = {name: count for name, count in trial.figures("orders")[DAY].items() if count}
    assert figures == {"read": 6, "inserted": 2, "duplicates": 1, "rejected": 3}
    silver = {row["order_id"]: (str(row["placed_at"]), row["amount"]) for row in trial.rows("silver/orders")}
    assert silver == {"1": ("2024-01-02 08:00:00+00:00", Decimal("12.50")), "2": ("None", Decimal("3.00"))}
    rejected = {
        row["_row_number"]: (row["reject_reason"], row["raw_record"])
        for row in trial.exceptions("open", dataset="orders")
    }
    assert rejected[3] == ("malformed_record", "not json")
    assert rejected[4] == ("malformed_record", "[1, 2]")
    assert rejected[2][0] == "invalid_amount"
    notes = [dict(row["_extra"])["note"] for row in trial.rows("bronze/orders") if row["_row_number"] == 1]
    assert notes == ['{"a":[1,null]}']


def test_a_repeated_delivery_of_it_changes_nothing(new_trial: NewTrial) -> None:
    """Without an ordering column the later delivery wins, and equal rows are left as they are."""
    trial = orders(new_trial)
    trial.put(DAY, GOOD.encode(), dataset="orders", suffix=".jsonl")
    trial.put(date(2024, 1, 3), GOOD.encode(), dataset="orders", suffix=".jsonl")
    trial.run(end=DAY)
    before = trial.versions()["silver/orders"]
    trial.run()
    assert trial.figures("orders")[date(2024, 1, 3)]["unchanged"] == 1
    assert trial.versions()["silver/orders"] == before


def test_a_run_with_nothing_due_starts_no_jvm(new_trial: NewTrial) -> None:
    """A process of its own, as a schedule starts it: it looks at the lake without Spark, says so and ends with 0."""
    trial = orders(new_trial)
    trial.put(DAY, GOOD.encode(), dataset="orders", suffix=".jsonl")
    trial.run(start=DAY, end=DAY)
    settings = {"LAKE": trial.lake, "LANDING": trial.landing, "CONTRACTS": trial.options["contracts"]}
    environment = {**os.environ, **{f"OPSLAKE_{k}": str(v) for k, v in settings.items()}, "OPSLAKE_TODAY": "2024-01-03"}
    command = [sys.executable, "-c", "from spark_jobs.cli import main; main()", "run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "nothing is due" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "session.started" not in done.stderr

"""Replays of exceptions: after a contract change and from a file of corrected records."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.cli.show import CLASSES
from spark_jobs.exception_export import export_exceptions
from spark_jobs.pipeline import Pipeline, Report
from spark_jobs.replaying import Asked
from state.runs import Runs
from tests.e2e.processes import few_tables
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
"""


@pytest.fixture(autouse=True)
def _gold() -> Iterator[None]:
    """Three Gold tables, one of each kind."""
    with few_tables():
        yield


def good(day: date, number: int = 20) -> list[str]:
    """Tickets of a day that nothing is wrong with."""
    return [ticket(f"{day:%d}-{n}", created_at=f"{day} 08:00:00") for n in range(number)]


def wider(trial: Trial) -> None:
    """From now on the lake's contract accepts the priority Urgent."""
    folder = trial.folder / "contracts"
    folder.mkdir(exist_ok=True)
    (folder / "tickets.odcs.yaml").write_text(WIDER)
    trial.options = {**trial.options, "contracts": str(folder)}


def replay(trial: Trial, *, gold: bool = False, **asked: Any) -> Report:
    """One replay."""
    kind = Pipeline if gold else WithoutGold
    pipeline = kind(trial.settings, "opslake exceptions replay", session=lambda *_: trial.spark)
    return pipeline.replay(Asked("tickets", **asked))


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


def correct(trial: Trial, name: str = "corrected.csv", **changed: dict[str, str]) -> Path:
    """A file of corrections: what is open is exported, and of each ticket named the fields changed; only these stay."""
    path = trial.folder / name
    exported = trial.folder / f"exported-{name}"
    contracts = trial.pipeline().contracts
    export_exceptions(str(trial.lake), contracts["tickets"], str(exported))
    with exported.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = [{**row, **changed[row["ticket_id"]]} for row in rows if row["ticket_id"] in changed]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return path


def expect_rebuilt_the_same(trial: Trial) -> None:
    """Silver from Bronze is what it was, lineage and all."""
    before = without(trial.rows("silver/tickets"), RUN)
    kind = WithoutGold(trial.settings, "rebuild", session=lambda *_: trial.spark)
    kind.rebuild(silver="tickets")
    assert compare("silver", before, without(trial.rows("silver/tickets"), RUN), ["ticket_id"]) == []


class TestAfterAContractChange:
    """The records are judged again as they were delivered."""

    def test_what_passes_now_is_loaded_and_what_fails_stays_open_with_the_reasons_of_now(self, trial: Trial) -> None:
        """T1 passes, T2 has one reason less, T3 fails as before, a malformed record stays what it is."""
        trial.deliver(
            ONE,
            *good(ONE, 60),
            ticket("T1", priority="Urgent"),
            ticket("T2", priority="Urgent", sla_hours="0"),
            ticket("T3", status="Lost"),
            "half,a,record",
        )
        trial.load()
        day = trial.days()[ONE]
        old = {row["record_key"]: row["rule_set"] for row in trial.exceptions()}
        wider(trial)

        report = replay(trial)

        assert report.exit_code == 0
        assert figures(report) == {"read": 3, "inserted": 1, "rejected": 2}
        assert life(trial) == {
            "T1": ("resolved", "unknown_priority"),
            "T2": ("open", "invalid_sla_hours"),
            "T3": ("open", "unknown_status"),
            "None": ("open", "malformed_record"),
        }
        found = {row["record_key"]: row for row in trial.exceptions()}
        assert found["T1"]["resolved_by"] == f"replay/{report.run_id}"
        assert found["T1"]["rule_set"] == old["T1"] != found["T2"]["rule_set"] == found["T3"]["rule_set"]
        row = held(trial, "T1")
        assert row is not None
        assert (row["priority"], row["_logical_date"], row["_row_number"]) == ("Urgent", ONE, 61)
        assert report.replayed is not None
        assert (report.replayed.malformed, report.replayed.held) == (1, 0)
        assert trial.days()[ONE] == day, "the ledger's figures are those of the delivery"
        last = Runs(str(trial.lake)).last()[0]
        assert (last.run_id, last.figures["inserted"], last.figures["resolved"]) == (report.run_id, 1, 1)
        expect_rebuilt_the_same(trial)

    def test_a_second_replay_finds_nothing_to_do_and_commits_nothing(self, trial: Trial) -> None:
        """Outside state no table has a new version, neither with failing ones left nor with none."""
        trial.deliver(ONE, *good(ONE, 30), ticket("T1", priority="Urgent"), ticket("T2", status="Lost"))
        trial.load()
        wider(trial)
        replay(trial)
        before = trial.versions()

        assert figures(replay(trial)) == {"read": 1, "rejected": 1}
        assert figures(replay(trial, day=TWO)) == {}
        assert trial.versions() == before

    def test_an_older_version_does_not_win_over_what_silver_or_a_later_delivery_has(self, trial: Trial) -> None:
        """T1 has a newer version in Silver; T2's newer version was equal to what was there and changed nothing."""
        trial.deliver(ONE, *good(ONE), ticket("T2", agent_id="a"))
        trial.load()
        trial.deliver(TWO, *good(TWO), *(ticket(key, agent_id="x", priority="Urgent") for key in ("T1", "T2")))
        trial.load()
        trial.deliver(THREE, *good(THREE), ticket("T2", agent_id="a"), ticket("T1", agent_id="new"))
        # resolves what the later version outgrows: both, so the exceptions are opened again below by their day's return
        trial.load()
        assert {key: status for key, (status, _) in life(trial).items()} == {"T1": "resolved", "T2": "resolved"}
        assert figures(replay(trial)) == {}

    def test_a_version_that_is_older_by_its_own_column_is_stale(self, trial: Trial) -> None:
        """Its day is the latest and its `updated_at` is not: resolved, and nothing in Silver moves."""
        trial.deliver(ONE, *good(ONE), ticket("T1", agent_id="new", updated_at="2024-03-01 20:00:00"))
        trial.load()
        trial.deliver(TWO, *good(TWO), ticket("T1", priority="Urgent", updated_at="2024-03-01 10:00:00"))
        trial.load()
        wider(trial)

        report = replay(trial)

        assert figures(report) == {"read": 1, "stale": 1}
        assert life(trial)["T1"][0] == "resolved"
        assert held(trial, "T1")["agent_id"] == "new"  # type: ignore[index]
        expect_rebuilt_the_same(trial)

    def test_of_several_records_of_a_key_the_newest_wins_and_day_and_reason_choose(self, trial: Trial) -> None:
        """Two of one delivery compete, a later day's comes after; a filter takes up what it names alone."""
        trial.deliver(
            ONE,
            *good(ONE, 40),
            ticket("T1", priority="Urgent", agent_id="a"),
            ticket("T1", priority="Urgent", agent_id="b"),
            ticket("T2", priority="Urgent"),
            ticket("T3", status="Lost"),
        )
        trial.deliver(TWO, *good(TWO), ticket("T2", priority="Urgent", agent_id="later"))
        trial.load()
        wider(trial)

        assert figures(replay(trial, reason="unknown_status")) == {"read": 1, "rejected": 1}
        assert figures(replay(trial, day=ONE, reason="unknown_priority")) == {"read": 3, "inserted": 2, "duplicates": 1}
        assert (held(trial, "T1")["agent_id"], held(trial, "T2")["agent_id"]) == ("b", "-1")  # type: ignore[index]
        assert figures(replay(trial, day=TWO)) == {"read": 1, "updated": 1}
        assert held(trial, "T2")["agent_id"] == "later"  # type: ignore[index]
        expect_rebuilt_the_same(trial)

    def test_a_failing_record_is_resolved_by_a_later_version_that_the_replay_lets_in(self, trial: Trial) -> None:
        """As by a load."""
        trial.deliver(ONE, *good(ONE), ticket("T1", status="Lost"))
        trial.deliver(TWO, *good(TWO), ticket("T1", priority="Urgent"))
        trial.load()
        wider(trial)
        report = replay(trial)
        by = {row["_logical_date"]: row["resolved_by"] for row in trial.exceptions("resolved")}
        delivery = trial.days()[TWO].deliveries[0].delivery
        assert by == {ONE: f"later_version/{delivery}/21", TWO: f"replay/{report.run_id}"}

    def test_a_day_that_is_held_back_stays_so(self, trial: Trial) -> None:
        """Nothing of it is in Silver; the run that lets it pass judges all of it, and a replay settles the rest."""
        trial.deliver(ONE, *good(ONE, 2), ticket("T1", priority="Urgent"))
        trial.load()
        wider(trial)
        before = trial.versions()
        report = replay(trial)
        assert report.replayed is not None
        assert (figures(report), report.replayed.held) == ({}, 1)
        assert trial.versions() == before

        trial.load(start=ONE, end=ONE)
        assert figures(replay(trial)) == {"read": 1, "unchanged": 1}
        assert life(trial)["T1"][0] == "resolved"

    def test_gold_follows_and_equals_what_silver_says(self, trial: Trial) -> None:
        """In the same run."""
        trial.deliver(ONE, *good(ONE), ticket("T1", priority="Urgent", resolved_at="2024-03-01 12:00:00"))
        trial.run()
        wider(trial)
        flow = trial.rows("gold/ticket_flow_daily")

        report = replay(trial, gold=True)

        assert {t.status for t in report.tables} >= {"published"}
        assert sum(r["created"] for r in trial.rows("gold/ticket_flow_daily")) == sum(r["created"] for r in flow) + 1
        found = {name: trial.rows(f"gold/{name}") for name in ("ticket_flow_daily", "backlog_daily")}
        trial.rebuild(["ticket_flow_daily", "backlog_daily"])
        assert found == {name: trial.rows(f"gold/{name}") for name in found}

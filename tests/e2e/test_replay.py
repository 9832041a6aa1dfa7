"""Replays of exceptions: after a contract change and from a file of corrected records."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.cli.show import CLASSES
from spark_jobs.errors import UsageError
from spark_jobs.exception_export import export_exceptions
from spark_jobs.pipeline import Pipeline, Report
from spark_jobs.replaying import Asked
from state.ledger import Ledger
from state.runs import Runs
from tests.e2e.conftest import NewTrial
from tests.e2e.processes import contents, few_tables
from tests.e2e.test_kill import Recorder, record_commits
from tests.e2e.trial import GOOD, Row, Trial, WithoutGold, ticket, without
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
            arguments: {validValues: [Completed, Dropped, Failed, Parked]}
            mustBe: 0
"""
"""Parked is a call's status."""


@pytest.fixture(autouse=True)
def _gold() -> Iterator[None]:
    """Three Gold tables, one of each kind."""
    with few_tables():
        yield


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


class TestAfterAContractChange:
    """The records are judged again as they were delivered."""

    @pytest.mark.parametrize("driver_rows", [0, 100_000])
    def test_what_passes_now_is_loaded_and_what_fails_stays_open_with_the_reasons_of_now(
        self, new_trial: NewTrial, driver_rows: int
    ) -> None:
        """T1 passes, T2 has one reason less, T3 fails as before, a malformed record stays what it is."""
        trial = new_trial(driver_rows=driver_rows)
        trial.deliver(
            ONE,
            *good(ONE, 60),
            ticket("T1", priority="Urgent"),
            ticket("T2", priority="Urgent", sla_hours="soon"),
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

    def test_a_version_that_a_later_delivery_has_left_behind_is_stale(self, trial: Trial) -> None:
        """Even where the later one equalled Silver and changed nothing, so that Silver knows only the first."""
        for day, values in ((ONE, {}), (THREE, {}), (TWO, {"agent_id": "x", "priority": "Urgent"})):
            trial.deliver(day, *good(day), ticket("T1", **values))
            trial.load(start=day, end=day)
        assert trial.figures()[THREE]["unchanged"] == 1
        wider(trial)

        assert figures(replay(trial)) == {"read": 1, "stale": 1}
        row = held(trial, "T1")
        assert row is not None
        assert (row["agent_id"], row["_logical_date"]) == ("-1", ONE)
        assert life(trial)["T1"][0] == "resolved"

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
        trial.deliver(ONE, *good(ONE), ticket("T1", sla_hours="0", resolved_at="2024-03-01 12:00:00"))
        trial.run()
        wider(trial)
        flow = trial.rows("gold/ticket_flow_daily")

        report = replay(trial, gold=True)

        assert {t.status for t in report.tables} == {"published"}
        assert report.exit_code == 0
        assert sum(r["opened"] for r in trial.rows("gold/ticket_flow_daily")) == sum(r["opened"] for r in flow) + 1
        found = {name: trial.rows(f"gold/{name}") for name in ("ticket_flow_daily", "backlog_daily")}
        trial.rebuild(["ticket_flow_daily", "backlog_daily"])
        assert found == {name: trial.rows(f"gold/{name}") for name in found}

    def test_a_replayed_call_takes_part_in_what_its_versions_hand_on(self, trial: Trial) -> None:
        """The earliest day without a given date is the call's date, also where the record is too old to win."""
        header = "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status"
        for day, status in ((TWO, "Completed"), (ONE, "Parked")):
            calls = [f"{day:%d}{n},1,501,10:00:00,10:01:00,Completed" for n in range(10, 30)]
            trial.deliver(day, *calls, f"7,1,501,10:00:00,10:05:00,{status}", dataset="calls", header=header)
            trial.load(start=day, end=day, dataset="calls")

        def call() -> Row:
            rows = without(trial.rows("silver/calls"), RUN)
            return next(row for row in rows if row["call_id"] == 7)

        assert call()["call_date"] == TWO
        wider(trial)

        assert figures(replay(trial, "calls"))["read"] == 1
        assert (call()["call_date"], call()["_logical_date"]) == (ONE, TWO)
        before = call()
        rebuild(trial, "calls")
        assert call() == before


class TestFromAFile:
    """Corrected records, each by the id of its exception."""

    def test_what_passes_is_loaded_of_its_own_day_and_what_fails_keeps_its_one_exception(self, trial: Trial) -> None:
        """The lineage is the file's; the day's figures and deliveries stay those of its delivery."""
        trial.deliver(ONE, *good(ONE, 40), ticket("T1", priority="Urgent"), ticket("T2", priority="Urgent"))
        trial.deliver(TWO, *good(TWO, 40), ticket("T3", status="Lost"))
        trial.load()
        before = trial.days()
        file = correct(trial, T1={"priority": "High"}, T2={"priority": "low", "sla_hours": "x"}, T3={"status": "open"})

        report = replay(trial, file=str(file))

        assert figures(report) == {"read": 3, "inserted": 2, "rejected": 1}
        assert life(trial) == {
            "T1": ("resolved", "unknown_priority"),
            "T2": ("open", "invalid_sla_hours"),
            "T3": ("resolved", "unknown_status"),
        }
        delivery = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        lineage = [
            [row[name] for name in ("_logical_date", "_delivery", "_source_file", "_row_number")]
            for row in (held(trial, "T1"), held(trial, "T3"))
            if row is not None
        ]
        assert lineage == [[ONE, delivery, str(file), 1], [TWO, delivery, str(file), 3]]
        for day in (ONE, TWO):
            assert trial.days()[day] == replace(before[day], replayed=(delivery,))
        expect_rebuilt_the_same(trial)

    def test_the_same_file_once_more_and_a_forced_day_change_nothing(self, trial: Trial) -> None:
        """Nothing is kept twice; what is resolved stays so, and nothing is superseded or absent."""
        trial.deliver(ONE, *good(ONE, 40), ticket("T1", priority="Urgent"), ticket("T2", priority="Urgent"))
        trial.load()
        file = correct(trial, T1={"priority": "High"}, T2={"sla_hours": "x"})
        replay(trial, file=str(file))
        before, lived, versions = without(trial.rows("silver/tickets"), RUN), life(trial), trial.versions()

        assert figures(replay(trial, file=str(file))) == {"read": 1, "rejected": 1}
        assert trial.versions() == versions
        trial.load(start=ONE, end=ONE, force=True)

        assert (without(trial.rows("silver/tickets"), RUN), life(trial)) == (before, lived)
        assert trial.figures()[ONE]["absent"] == 0
        assert len(trial.days()[ONE].replayed) == 1

    def test_a_vain_correction_is_judged_again_after_a_contract_change(self, trial: Trial) -> None:
        """Beside the record as it was delivered, which still fails."""
        trial.deliver(ONE, *good(ONE), ticket("T1", priority="???"))
        trial.load()
        replay(trial, file=str(correct(trial, T1={"priority": "Urgent"})))
        assert life(trial)["T1"] == ("open", "unknown_priority")
        wider(trial)

        assert figures(replay(trial)) == {"read": 2, "inserted": 1, "rejected": 1}
        assert held(trial, "T1")["priority"] == "Urgent"  # type: ignore[index]
        assert life(trial)["T1"][0] == "resolved"
        expect_rebuilt_the_same(trial)

    def test_it_wins_over_its_own_delivery_and_not_over_a_newer_version(self, trial: Trial) -> None:
        """T1 stands twice in its delivery, once right; of T2 a newer version is in Silver already."""
        trial.deliver(
            ONE, *good(ONE, 40), ticket("T1", agent_id="a"), ticket("T1", agent_id="b", sla_hours="?"), ticket("T2")
        )
        trial.deliver(TWO, *good(TWO), ticket("T2", agent_id="new", updated_at="2024-03-02 12:00:00"))
        trial.load()
        trial.deliver(THREE, *good(THREE), ticket("T2", status="Lost", updated_at="2024-03-01 12:00:00"))
        trial.load()
        file = correct(trial, T1={"sla_hours": "8"}, T2={"status": "Open"})
        os.utime(file, (0, 0))  # however old it claims to be

        assert figures(replay(trial, file=str(file))) == {"read": 2, "updated": 1, "stale": 1}
        assert (held(trial, "T1")["agent_id"], held(trial, "T2")["agent_id"]) == ("b", "new")  # type: ignore[index]
        assert {status for status, _ in life(trial).values()} == {"resolved"}
        expect_rebuilt_the_same(trial)

    def test_a_corrected_delivery_of_the_day_comes_after_it(self, trial: Trial) -> None:
        """It holds a newer T1; T2, which it doesn't hold, stays as it was corrected, and isn't counted as absent."""
        trial.deliver(ONE, *good(ONE), *(ticket(key, sla_hours="?") for key in ("T1", "T2")))
        trial.load()
        replay(trial, file=str(correct(trial, T1={"sla_hours": "8"}, T2={"sla_hours": "8"})))
        later = datetime.now(UTC) + timedelta(hours=1)
        trial.deliver(ONE, *good(ONE), ticket("T1", agent_id="new"), modified=later)
        trial.load()

        assert (held(trial, "T1")["agent_id"], held(trial, "T2")["agent_id"]) == ("new", "-1")  # type: ignore[index]
        assert (trial.figures()[ONE]["updated"], trial.figures()[ONE]["absent"]) == (1, 0)
        expect_rebuilt_the_same(trial)

    def test_a_malformed_record_is_written_anew(self, trial: Trial) -> None:
        """Nobody but people can."""
        trial.deliver(ONE, *good(ONE), "half,a,record")
        trial.load()
        file = correct(trial, **{"": {"ticket_id": "T1", **GOOD}})

        assert figures(replay(trial, file=str(file))) == {"read": 1, "inserted": 1}
        assert held(trial, "T1") is not None
        assert [row["status"] for row in trial.exceptions()] == ["resolved"]

    def test_a_file_that_names_something_else_is_refused_whole(self, trial: Trial) -> None:
        """Before anything is written: each with record and value."""
        trial.deliver(ONE, *good(ONE), *(ticket(key, sla_hours="?") for key in ("T1", "T2")))
        trial.deliver(TWO, ticket("T3"), ticket("T4", sla_hours="?"))
        trial.load()
        assert trial.days()[TWO].loaded == ()
        lines = correct(trial, T1={"sla_hours": "8"}, T2={}, T4={"sla_hours": "8"}).read_text().splitlines()
        header, first, second, of_held_day = lines
        done = trial.folder / "done.csv"
        done.write_text("\n".join([header, second.replace("?", "8")]))
        replay(trial, file=str(done))
        before = trial.versions()
        file = trial.folder / "wrong.csv"
        for line, told in (
            ("f" * 64 + first[64:], "record 2: there is no exception of this id; found: 'ffff"),
            (second, "record 2: the exception isn't open but resolved by replay/"),
            (of_held_day, "record 2: the delivery of 2024-03-02 isn't in Silver"),
        ):
            file.write_text("\n".join([header, first, line]))
            with pytest.raises(UsageError, match=re.escape(told)):
                replay(trial, file=str(file))
        assert trial.versions() == before
        assert trial.days()[ONE].replayed == (hashlib.sha256(done.read_bytes()).hexdigest()[:12],)

    def test_corrected_rows_of_a_list_are_gone_with_the_list(self, trial: Trial) -> None:
        """A `replace` dataset: the row counts while its list is the current one; of an older list it is stale."""
        staff = [f"x{n},X,2020-01-01" for n in range(20)]

        def deliver(day: date, *records: str) -> None:
            trial.deliver(day, *staff, *records, dataset="agents_master", header="agent_id,agent_name,hired_on")
            trial.load(dataset="agents_master")

        def agents() -> dict[str, Row]:
            rows = without(trial.rows("silver/agents_master"), RUN)
            return {row["agent_id"]: row for row in rows if not row["agent_id"].startswith("x")}

        deliver(ONE, "b,Ben", "c,Cid")
        file = correct(
            trial, "agents_master", "malformed_text", **{"b,Ben": {"agent_id": "b", "hired_on": "2020-02-02"}}
        )
        assert figures(replay(trial, "agents_master", file=str(file))) == {"read": 1, "inserted": 1}
        before = agents()
        assert before["b"]["hired_on"] == date(2020, 2, 2)
        rebuild(trial, "agents_master")
        assert agents() == before

        deliver(TWO)
        assert agents() == {}
        file = correct(trial, "agents_master", "malformed_text", **{"c,Cid": {"agent_id": "c"}})
        assert figures(replay(trial, "agents_master", file=str(file))) == {"read": 1, "stale": 1}
        assert [row["status"] for row in trial.exceptions(dataset="agents_master")] == ["resolved", "resolved"]
        rebuild(trial, "agents_master")
        assert agents() == {}

    def test_a_list_that_replaces_its_days_list_forgets_the_corrected_rows(self, trial: Trial) -> None:
        """The ledger too, so that a rebuild doesn't bring them back."""
        staff = [f"x{n},X,2020-01-01" for n in range(20)]
        for records in ([*staff, "b,Ben"], staff):
            trial.deliver(ONE, *records, dataset="agents_master", header="agent_id,agent_name,hired_on")
            trial.load(dataset="agents_master")
            if len(records) > len(staff):
                file = correct(trial, "agents_master", "malformed_text", **{"b,Ben": {"agent_id": "b"}})
                replay(trial, "agents_master", file=str(file))
                assert trial.days("agents_master")[ONE].replayed != ()

        assert trial.days("agents_master")[ONE].replayed == ()
        rebuild(trial, "agents_master")
        assert {row["agent_id"] for row in trial.rows("silver/agents_master")} == {f"x{n}" for n in range(20)}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["contract", "file"])
def test_a_replay_that_died_after_a_commit_is_finished_by_the_next(
    way: str, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whichever commit: Bronze, ledger, Silver, exceptions and Gold end as of the replay that lived."""
    trial.deliver(ONE, *good(ONE), ticket("T1", sla_hours="0", resolved_at="2024-03-01 12:00:00"))
    trial.deliver(TWO, *good(TWO), ticket("T2", sla_hours="0"))
    trial.run()
    file = correct(trial, T1={"sla_hours": "8"}, T2={"sla_hours": "?"})
    asked = {"file": str(file)} if way == "file" else {}
    if way == "contract":
        wider(trial)
    recorder = Recorder(trial.lake, trial.folder / "died")
    with monkeypatch.context() as patch:
        record_commits(patch, recorder)
        replay(trial, gold=True, **asked)
        recorder.look()
    expected = settled(trial.lake)
    tried = [name for name in recorder.names if not name.startswith(("state/runs", "state/lease"))]
    layers = {name.partition("/")[0] for name in tried}
    assert layers == {"silver", "exception", "gold", "state"} | ({"bronze"} if way == "file" else set())
    for commit in tried:
        died = Trial(trial.spark, trial.folder, options=trial.options, lake_at=recorder.of(commit))
        replay(died, gold=True, **asked)
        assert settled(died.lake) == expected, commit
        versions = died.versions()
        replay(died, gold=True, **asked)
        assert died.versions() == versions, commit


def settled(lake: Path) -> dict[str, list[str]]:
    """What the lake holds, whichever run resolved an exception."""
    run = re.compile(r"replay/[0-9a-f]{12}")
    found = {name: [run.sub("replay", row) for row in rows] for name, rows in contents(lake).items()}
    replayed = sorted((d.logical_date, d.replayed) for d in Ledger(str(lake)).days())
    return {**found, "replayed": [repr(replayed)]}

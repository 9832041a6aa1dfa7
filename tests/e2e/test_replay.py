"""Replays of exceptions after a contract change: the records are judged again as they were delivered."""

from __future__ import annotations

import pytest

from state.runs import Runs
from tests.e2e.conftest import NewTrial
from tests.e2e.replays import (
    ONE,
    RUN,
    THREE,
    TWO,
    expect_rebuilt_the_same,
    figures,
    good,
    held,
    life,
    rebuild,
    replay,
    wider,
)
from tests.e2e.trial import Row, Trial, ticket, without

pytestmark = pytest.mark.usefixtures("three_tables")


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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

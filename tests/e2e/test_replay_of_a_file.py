"""Replays of corrected records from a file, each by the id of its exception."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from spark_jobs.errors import UsageError
from tests.e2e.replays import (
    ONE,
    RUN,
    THREE,
    TWO,
    correct,
    expect_rebuilt_the_same,
    figures,
    good,
    held,
    life,
    rebuild,
    replay,
    wider,
)
from tests.e2e.trial import GOOD, Row, Trial, ticket, without

pytestmark = pytest.mark.usefixtures("three_tables")


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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
    def test_a_malformed_record_is_written_anew(self, trial: Trial) -> None:
        """Nobody but people can."""
        trial.deliver(ONE, *good(ONE), "half,a,record")
        trial.load()
        file = correct(trial, **{"": {"ticket_id": "T1", **GOOD}})

        assert figures(replay(trial, file=str(file))) == {"read": 1, "inserted": 1}
        assert held(trial, "T1") is not None
        assert [row["status"] for row in trial.exceptions()] == ["resolved"]

    @pytest.mark.engine
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

    @pytest.mark.engine
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

    @pytest.mark.engine
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

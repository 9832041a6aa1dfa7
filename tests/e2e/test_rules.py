"""The rules of the specification on deliveries that are wrong in one way each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
import structlog
from pyspark.sql import SparkSession

from spark_jobs.errors import UsageError
from state.ledger import Status
from tests.e2e.trial import COLUMNS, Trial, csv_text, gzipped, ticket

ONE, TWO, THREE, FOUR, FIVE, SIX = (date(2024, 3, day) for day in range(1, 7))
AGENTS = "agent_id,agent_name,team,tier,location,shift,hired_on"
MAY_BE_EMPTY = """
kind: DataContract
apiVersion: v3.1.0
id: agents
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
  - {property: allowEmpty, value: true}
schema:
  - name: agents_master
"""


def good(day: date, number: int, **cells: str) -> list[str]:
    """Tickets of a day that nothing is wrong with."""
    return [ticket(f"{day:%d}-{n}", created_at=f"{day} 08:00:00", **cells) for n in range(number)]


@pytest.fixture(scope="module")
def mixed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Day 1: a tenth rejected. 2: more than that. 3: only a header. 4: lacks a required column. 5: no header.
    6: malformed records among good ones, and a column that the contract doesn't know."""
    trial = Trial(spark, tmp_path_factory.mktemp("mixed"), options={"today": date(2024, 3, 7)})
    trial.deliver(ONE, *good(ONE, 9), ticket("x", priority="Urgent"))
    trial.deliver(TWO, *good(TWO, 8), ticket("y", priority="Urgent"), ticket("z", sla_hours="0"))
    trial.deliver(THREE)
    trial.deliver(FOUR, "t4,2024-03-04 08:00:00,High", header="ticket_id,created_at,priority")
    trial.put(FIVE, b"\n\n")
    records = [f"{line},note" for line in good(SIX, 18)]
    trial.deliver(SIX, *records[:5], "only,three,fields", *records[5:], '"open', header=f"{','.join(COLUMNS)},Notes")
    with structlog.testing.capture_logs() as events:
        trial.report = trial.load()  # type: ignore[attr-defined]
    trial.events = events  # type: ignore[attr-defined]
    return trial


class TestADayOfEachKind:
    """One run over days of which most have something wrong; they must not touch each other."""

    def test_exactly_the_allowed_ratio_of_rejects_passes(self, mixed: Trial) -> None:
        """One of ten is not more than a tenth."""
        assert mixed.days()[ONE].status is Status.SUCCEEDED
        assert mixed.figures()[ONE]["inserted"] == 9
        assert not mixed.days()[ONE].accepted_rejects

    def test_more_rejects_than_allowed_hold_back_that_day_alone(self, mixed: Trial) -> None:
        """Its exceptions are there, its good rows are not in Silver, and the message counts the reasons."""
        state = mixed.days()[TWO]
        assert (state.status, state.error_class, state.loaded) == (Status.FAILED, "DataError", ())
        assert "2 of 10 records were rejected (20.0%)" in str(state.error_message)
        assert "unknown_priority: 1" in str(state.error_message)
        assert "allowed: at most 10.0%" in str(state.error_message)
        assert [row["_row_number"] for row in mixed.exceptions("open") if row["_logical_date"] == TWO] == [9, 10]
        assert not [row for row in mixed.rows("silver/tickets") if row["_logical_date"] == TWO]

    def test_a_day_with_only_a_header_is_a_day_of_no_rows(self, mixed: Trial) -> None:
        """It succeeded."""
        assert mixed.days()[THREE].status is Status.SUCCEEDED
        assert set(mixed.figures()[THREE].values()) == {0}

    def test_a_missing_required_column_fails_its_day_and_bronze_keeps_the_delivery(self, mixed: Trial) -> None:
        """Silver and the exceptions don't hear of it."""
        state = mixed.days()[FOUR]
        assert (state.status, state.error_class) == (Status.FAILED, "DataError")
        assert "required column sla_hours, status is missing" in str(state.error_message)
        assert "2024-03-04.csv" in str(state.error_message)
        assert [row["ticket_id"] for row in mixed.rows("bronze/tickets") if row["_logical_date"] == FOUR] == ["t4"]
        assert not [row for row in mixed.exceptions() if row["_logical_date"] == FOUR]

    def test_a_file_without_a_header_fails_its_day_with_file_and_line(self, mixed: Trial) -> None:
        """Nothing of it is kept."""
        state = mixed.days()[FIVE]
        assert (state.status, state.error_class) == (Status.FAILED, "SourceError")
        assert "2024-03-05.csv" in str(state.error_message)
        assert "line" in str(state.error_message)
        assert not [row for row in mixed.rows("bronze/tickets") if row["_logical_date"] == FIVE]

    def test_malformed_records_are_refused_one_by_one(self, mixed: Trial) -> None:
        """They count in the order of records, keep their text, and what stands around them loads."""
        found = [row for row in mixed.exceptions() if row["_logical_date"] == SIX]
        assert [(row["_row_number"], row["reject_reason"], row["raw_record"].strip()) for row in found] == [
            (6, "malformed_record", "only,three,fields"),
            (20, "malformed_record", '"open'),
        ]
        assert mixed.figures()[SIX] == {
            "read": 20, "inserted": 18, "updated": 0, "unchanged": 0, "stale": 0, "duplicates": 0, "rejected": 2,
            "absent": 0, "deleted": 0,
        }  # fmt: skip

    def test_unknown_and_missing_columns_are_reported_once(self, mixed: Trial) -> None:
        """One event for the run, with the number of files each."""
        told = [event for event in mixed.events if event["event"] == "schema.drift"]  # type: ignore[attr-defined]
        assert len(told) == 1
        assert told[0]["new_columns"] == {"notes": 1}
        assert told[0]["missing_columns"]["resolution_hours"] == 5

    def test_bronze_keeps_what_the_contract_does_not_know(self, mixed: Trial) -> None:
        """As a map of the folded name."""
        extra = {str(row["_extra"]) for row in mixed.rows("bronze/tickets") if row["ticket_id"] == "06-0"}
        assert extra == {"[('notes', 'note')]"}

    def test_the_run_says_that_data_failed(self, mixed: Trial) -> None:
        """A source error outweighs failed data."""
        assert mixed.report.exit_code == 3  # type: ignore[attr-defined]

    def test_silver_has_the_days_that_passed(self, mixed: Trial) -> None:
        """Nine of the first day and eighteen of the last."""
        days = [row["_logical_date"] for row in mixed.rows("silver/tickets")]
        assert {day: days.count(day) for day in days} == {ONE: 9, SIX: 18}


@pytest.mark.engine
def test_a_day_held_back_for_its_rejects_passes_when_that_is_asked_for(trial: Trial) -> None:
    """--accept-rejects: the day is loaded, the ledger says so, and its exceptions aren't written twice."""
    trial.deliver(ONE, *good(ONE, 3), ticket("x", priority="Urgent"))
    assert trial.load(start=ONE, end=ONE).exit_code == 1
    before = trial.exceptions()

    report = trial.load(start=ONE, end=ONE, accept_rejects=True)

    assert report.exit_code == 0
    assert (trial.days()[ONE].status, trial.days()[ONE].accepted_rejects) == (Status.SUCCEEDED, True)
    assert trial.figures()[ONE]["inserted"] == 3
    assert trial.exceptions() == before


@pytest.mark.engine
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_corrupted_gzip_file_fails_only_its_day(trial: Trial, damage: str) -> None:
    """The day beside it in the batch is loaded; the ledger names the file."""
    whole = gzipped(csv_text(*(ticket(f"T{n}", agent_id=f"a{n * 7919 % 1000}") for n in range(2000))))
    middle = len(whole) // 2
    damaged = {
        "truncated": whole[:middle],
        "flipped": whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 40]) + whole[middle + 40 :],
    }[damage]
    trial.deliver(ONE, *good(ONE, 2))
    trial.put(TWO, damaged, suffix=".csv.gz")

    report = trial.load(end=TWO)

    states = trial.days()
    assert (states[ONE].status, states[TWO].status) == (Status.SUCCEEDED, Status.FAILED)
    assert states[TWO].error_class == "SourceError"
    assert "2024-03-02.csv.gz" in str(states[TWO].error_message)
    assert report.exit_code == 3
    assert len(trial.rows("silver/tickets")) == 2


@pytest.mark.engine
def test_a_day_that_cannot_be_read_fails_also_when_it_is_alone(trial: Trial) -> None:
    """The run goes on to the next dataset; the ledger says what is wrong, and the day is tried three times in all."""
    trial.put(ONE, gzipped(csv_text(*good(ONE, 50)))[:90], suffix=".csv.gz")
    trial.deliver(TWO, "a1,Ada", dataset="agents_master", header="agent_id,agent_name")

    reports = [trial.load(end=ONE if n else TWO) for n in range(4)]

    state = trial.days()[ONE]
    assert (state.status, state.error_class, state.attempt) == (Status.FAILED, "SourceError", 3)
    assert trial.days("agents_master")[TWO].status is Status.SUCCEEDED
    assert [report.exit_code for report in reports] == [3, 3, 3, 0]


@pytest.mark.engine
def test_a_changed_business_time_zone_is_refused_and_no_day_is_blamed(trial: Trial) -> None:
    """Silver's dates are of the old zone; that is nothing that the deliveries did wrong."""
    trial.deliver(ONE, *good(ONE, 2))
    trial.load(end=ONE)
    trial.deliver(TWO, *good(TWO, 2))
    trial.deliver(THREE, *good(THREE, 2))
    trial.zone = "Asia/Kolkata"
    with pytest.raises(UsageError, match="rebuild --silver tickets"):
        trial.load(end=THREE)
    assert set(trial.days()) == {ONE}


def test_a_ticket_whose_creation_moves_by_a_year_stays_one_row(trial: Trial) -> None:
    """It leaves its partition; moving back is the same."""
    trial.deliver(ONE, ticket("T1", created_at="2024-03-01 08:00:00"), ticket("T2"))
    trial.load()
    trial.deliver(TWO, ticket("T1", created_at="2023-03-01 08:00:00"))
    trial.load()
    assert [(r["ticket_id"], r["year"], r["month"]) for r in _sorted(trial)] == [("T1", 2023, 3), ("T2", 2024, 3)]
    trial.deliver(THREE, ticket("T1", created_at="2024-03-01 08:00:00"))
    trial.load()
    assert [(r["ticket_id"], r["year"], r["month"]) for r in _sorted(trial)] == [("T1", 2024, 3), ("T2", 2024, 3)]
    assert trial.figures()[TWO]["updated"] == trial.figures()[THREE]["updated"] == 1


def _sorted(trial: Trial) -> list[dict[str, object]]:
    return sorted(trial.rows("silver/tickets"), key=lambda row: str(row["ticket_id"]))


def test_deliveries_of_a_day_are_kept_apart_and_the_first_content_can_come_back(trial: Trial) -> None:
    """Content A, then B, then A again: Bronze holds each once, Silver what was delivered last, and the exceptions of
    A live again while those of B are superseded."""
    good_ones = good(ONE, 20)
    a = [*good_ones, ticket("T1", agent_id="a1"), ticket("T2", priority="?")]
    b = [*good_ones, ticket("T1", agent_id="b1"), ticket("T2", sla_hours="?")]
    for content in (a, b, a):
        trial.deliver(ONE, *content)
        trial.load()
    assert trial.figures()[ONE]["stale"] == 0
    assert {row["agent_id"] for row in trial.rows("silver/tickets") if row["ticket_id"] == "T1"} == {"a1"}
    assert sorted((row["status"], row["reject_reason"]) for row in trial.exceptions()) == [
        ("open", "unknown_priority"),
        ("superseded", "invalid_sla_hours"),
    ]
    assert len(trial.rows("bronze/tickets")) == 44
    assert len(trial.days()[ONE].loaded) == 2


@pytest.mark.engine
def test_an_exception_lives_until_its_record_is_right_or_gone(trial: Trial) -> None:
    """T1 comes again in a later version, T2 isn't in the corrected delivery any more, T3 waits, T4 is a loser."""
    trial.deliver(
        ONE,
        *good(ONE, 30),
        ticket("T1", priority="Urgent"),
        ticket("T3", priority="Urgent"),
        ticket("T4", agent_id="a1"),
        ticket("T4", agent_id="a2"),
    )
    trial.load()
    assert [(r["record_key"], r["status"]) for r in trial.exceptions()] == [
        ("T1", "open"), ("T3", "open"), ("T4", "informational"),
    ]  # fmt: skip

    trial.deliver(TWO, ticket("T1"), *good(TWO, 30), ticket("T2", status="Unknown"))
    trial.load()
    found = {r["record_key"]: r for r in trial.exceptions()}
    assert {key: row["status"] for key, row in found.items()} == {
        "T1": "resolved", "T2": "open", "T3": "open", "T4": "informational",
    }  # fmt: skip
    delivery = trial.days()[TWO].deliveries[0].delivery
    assert found["T1"]["resolved_by"] == f"later_version/{delivery}/1"

    trial.deliver(TWO, ticket("T1"), *good(TWO, 30))
    trial.load()
    found = {r["record_key"]: r for r in trial.exceptions()}
    assert {key: row["status"] for key, row in found.items()} == {
        "T1": "resolved", "T2": "superseded", "T3": "open", "T4": "informational",
    }  # fmt: skip
    assert len(found) == len(trial.exceptions()) == 4


@pytest.mark.engine
def test_a_record_whose_version_was_wrong_is_resolved_by_the_next_delivery(trial: Trial) -> None:
    """Its own claim of being from the future, or of no readable time, must not keep it open for ever."""
    trial.deliver(
        ONE, *good(ONE, 30), ticket("T1", updated_at="2099-01-01 00:00:00"), ticket("T2", updated_at="yesterday")
    )
    trial.load()
    trial.deliver(TWO, ticket("T1", updated_at="2024-03-01 12:00:00"), ticket("T2", updated_at="2024-03-01 12:00:00"))
    trial.load()
    assert [(r["record_key"], r["status"]) for r in trial.exceptions()] == [("T1", "resolved"), ("T2", "resolved")]


def test_warnings_are_counted_and_reject_nothing(trial: Trial) -> None:
    """Given hours that are more than a tenth of an hour off."""
    times = {"created_at": "2024-03-01 08:00:00", "resolved_at": "2024-03-01 10:00:00"}
    header = f"{','.join(COLUMNS)},resolution_hours"
    trial.deliver(
        ONE,
        f"{ticket('T1', **times)},2.10",
        f"{ticket('T2', **times)},2.11",
        f"{ticket('T3', **times)},1.89",
        f"{ticket('T4', **times)},",
        header=header,
    )
    trial.load()
    state = trial.days()[ONE]
    assert state.figures is not None
    assert state.figures.warnings == {"resolution_hours_off": 2}
    assert {row["resolution_hours"] for row in trial.rows("silver/tickets")} == {Decimal("2.0000")}


@pytest.mark.engine
def test_an_older_version_never_wins_and_equal_rows_change_nothing(trial: Trial) -> None:
    """By updated_at where there is one, whatever order the days come in."""
    trial.deliver(TWO, ticket("T1", agent_id="new", updated_at="2024-03-02 10:00:00"), ticket("T2"))
    trial.load()
    trial.deliver(ONE, ticket("T1", agent_id="old", updated_at="2024-03-01 10:00:00"), ticket("T2", agent_id="old"))
    trial.load()
    trial.deliver(THREE, ticket("T1", agent_id="old", updated_at="2024-03-02 09:59:59"), ticket("T2"))
    trial.load()
    assert [(r["ticket_id"], r["agent_id"]) for r in _sorted(trial)] == [("T1", "new"), ("T2", "-1")]
    assert (trial.figures()[ONE]["stale"], trial.figures()[THREE]["stale"]) == (2, 1)
    assert trial.figures()[THREE]["unchanged"] == 1


class TestAReplaceDataset:
    """agents_master: each delivery is the whole list."""

    def agents(self, *ids: str, team: str = "Billing") -> list[str]:
        """Records of agents."""
        return [f"{each},Name {each},{team},L1,Lisbon,Early,2020-01-01" for each in ids]

    def give(self, trial: Trial, day: date, *records: str) -> None:
        """Deliver a list and load it."""
        trial.deliver(day, *records, dataset="agents_master", header=AGENTS)
        trial.load(dataset="agents_master")

    def ids(self, trial: Trial) -> list[str]:
        """The agents that Silver holds."""
        return sorted(row["agent_id"] for row in trial.rows("silver/agents_master"))

    def test_what_is_gone_from_the_list_is_gone_from_silver_by_one_commit(self, trial: Trial) -> None:
        """Inserted, updated, unchanged and deleted at once; an equal list commits nothing."""
        self.give(trial, ONE, *self.agents("a", "b", "c"))
        before = trial.versions()["silver/agents_master"]

        self.give(trial, TWO, *self.agents("a", "d"), *self.agents("b", team="Returns"))

        assert self.ids(trial) == ["a", "b", "d"]
        assert trial.versions()["silver/agents_master"] == before + 1
        figures = trial.days("agents_master")[TWO].figures
        assert figures is not None
        assert (figures.inserted, figures.updated, figures.unchanged, figures.deleted) == (1, 1, 1, 1)

        self.give(trial, THREE, *self.agents("a", "d"), *self.agents("b", team="Returns"))
        assert trial.versions()["silver/agents_master"] == before + 1
        assert trial.figures("agents_master")[THREE]["unchanged"] == 3

    @pytest.mark.engine
    def test_an_empty_list_is_refused(self, trial: Trial) -> None:
        """It would delete everybody."""
        self.give(trial, ONE, *self.agents("a"))
        self.give(trial, TWO)
        assert self.ids(trial) == ["a"]
        state = trial.days("agents_master")[TWO]
        assert (state.status, state.error_class) == (Status.FAILED, "DataError")
        assert "empty" in str(state.error_message)

    def test_a_list_of_which_nothing_passes_is_as_good_as_empty(self, trial: Trial) -> None:
        """Whoever accepts its rejects doesn't mean that nobody is left."""
        self.give(trial, ONE, *self.agents("a"))
        trial.deliver(TWO, *self.agents("", ""), dataset="agents_master", header=AGENTS)
        report = trial.load(dataset="agents_master", accept_rejects=True)
        assert (report.exit_code, self.ids(trial)) == (1, ["a"])
        state = trial.days("agents_master")[TWO]
        assert (state.status, state.error_class) == (Status.FAILED, "DataError")
        assert "none of the list's 2 records passes" in str(state.error_message)
        assert "found: 'missing_agent_id: 2'" in str(state.error_message)
        assert len(trial.exceptions("open", dataset="agents_master")) == 2

    def test_a_list_that_may_be_empty_empties_silver_and_its_day_says_so(self, trial: Trial) -> None:
        """Who is gone is counted on the day of the list, though no row of it is left to tell it."""
        (trial.folder / "contracts").mkdir()
        (trial.folder / "contracts" / "agents_master.odcs.yaml").write_text(MAY_BE_EMPTY)
        trial.options = {"contracts": str(trial.folder / "contracts")}
        self.give(trial, ONE, *self.agents("a", "b"))
        self.give(trial, TWO)
        assert self.ids(trial) == []
        assert (trial.figures("agents_master")[TWO]["read"], trial.figures("agents_master")[TWO]["deleted"]) == (0, 2)

    @pytest.mark.engine
    def test_an_older_list_that_comes_late_changes_nothing(self, trial: Trial) -> None:
        """The newer one stands."""
        self.give(trial, TWO, *self.agents("a"))
        self.give(trial, ONE, *self.agents("a", "b"))
        assert self.ids(trial) == ["a"]
        assert trial.days("agents_master")[ONE].status is Status.SKIPPED

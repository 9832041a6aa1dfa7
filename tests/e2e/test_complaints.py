"""Complaints through the whole engine: channels that come or don't, references that change, checks between tables."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contract import load_contracts
from spark_jobs.gold import Relationship, registry, table, whole
from spark_jobs.pipeline import Report
from spark_jobs.trace import trace_gold
from tests.e2e.complaints import COLUMNS, complaint, deliver, differences, new_trial
from tests.e2e.processes import few_tables
from tests.e2e.trial import Trial, of_loading, ticket
from tests.oracle import GRAINS_OF_COMPLAINTS

DAYS = [date(2024, 3, day) for day in range(8, 13)]
"""The clocks of New York go forward on the third."""
ZONE = "America/New_York"
KEPT = "c3,Lu,,1970-01-01,,,"
"""A customer who stays as he is while the list changes and a complaint becomes his."""
WITH_ESCALATED = (
    "{name: resolution_status, quality: [{type: library, metric: invalidValues, mustBe: 0, "
    "arguments: {validValues: [Resolved, Blocked, Backlog, In-Progress, Escalated]}}]}"
)
DIMENSIONS = ("dim_customers", "dim_complaint_agents", "dim_complaint_categories")


def outcomes(report: Report) -> dict[str, str]:
    """Status by table that had anything to do."""
    return {outcome.table: outcome.status for outcome in report.tables if outcome.status != "untouched"}


def at(day: date, time: str) -> str:
    """A time of a day, as it is delivered."""
    return f"{day} {time}"


class Story:
    """Five days in four runs; every complaint is there for one rule."""

    def __init__(self, trial: Trial) -> None:
        one, two, three, four, five = DAYS
        self.trial = trial
        deliver(
            trial,
            one,
            call_logs=[
                complaint("1", status="Resolved", at=at(one, "09:00:00"), until=at(one, "09:10:30")),
                complaint("2", "c2", "", "", at=at(one, "23:50:00"), until=at(two, "00:10:00")),
                complaint("3", "c3", status="Resolved", at=at(one, "10:00:00")),
                complaint("4", "", at=at(one, "10:00:00")),
                complaint("5", at=at(one, "10:00:00"), until=at(one, "09:00:00")),
                complaint("6", status="Done", at="soon"),
                *(complaint(f"1{n}", f"c{n}", agent=f"a{n % 3}", at=at(one, f"1{n}:00:00")) for n in range(9)),
                *(complaint(f"2{n}", "c4", status="Blocked", at=at(one, f"1{n}:30:00")) for n in range(9)),
            ],
        )
        self.calls_alone = trial.run(accept_rejects=True)
        self.tables_of_calls_alone = {path.name for path in (trial.lake / "gold").iterdir()}
        self.of_calls_alone = differences(trial)
        deliver(
            trial,
            two,
            call_logs=[complaint("2", "c2", "Fees", "", "Resolved", at(one, "23:50:00"), at(two, "08:00:00"))],
            web_complaints=[
                complaint("1", "c1", at=at(two, "08:00:00"), status="Resolved"),
                complaint("w2", "c8", "Odd", "a9", "Backlog", at(two, "21:00:00")),
                complaint("w3", "c3", at=at(three, "12:00:00"), status="Resolved"),
            ],
            customers=[KEPT, "c1,Ann,f,1990-02-03,2020-01-01, Ann@X.org ,", "c2,Bo,,,,,", "c77,,,1850-01-01,,,"],
            complaint_agents=["a1,Bea,5,TX", "a2,Ned,,"],
            complaint_categories=["Billing,Money,48", "Fees,Money,"],
        )  # fmt: skip
        deliver(
            trial,
            three,
            call_logs=[complaint("7", "c8", "Odd", at=at(three, "02:30:00"), until=at(three, "03:30:00"))],
            social_complaints=[
                complaint("s1", "c1", at=at(three, "09:00:00"), status="Backlog", medium="Clicks"),
                complaint("s2", "c5", "Fees", "", at=at(one, "09:00:00"), status="Resolved", medium=""),
            ],
        )
        self.all_channels = trial.run(accept_rejects=True)
        self.of_all_channels = differences(trial)
        deliver(
            trial,
            four,
            call_logs=[
                complaint("11", "c6", agent="a9", at=at(one, "11:00:00"), status="Resolved"),
                complaint("12", "c3", at=at(one, "12:00:00")),
            ],
            social_complaints=[complaint("s1", "c1", "Fees", at=at(three, "09:00:00"), until=at(four, "01:00:00"),
                                         status="Resolved", medium="Clicks")],
            web_complaints=[],
            customers=["c1,Ann,f,1990-02-03,2020-01-01,ann@y.org,", "c8,Di,f,1950-01-01,2021-01-01,,", KEPT],
            complaint_agents=["a1,Bea,6,TX", "a9,Ivy,1,NY"],
        )  # fmt: skip
        self.changed = trial.run(accept_rejects=True)
        deliver(trial, five, call_logs=[complaint("8", "c8", "Odd", at=at(five, "09:00:00"))])
        self.ahead = trial.run(accept_rejects=True)


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One lake for this file."""
    return Story(new_trial(spark, tmp_path_factory.mktemp("complaints"), ZONE, today=date(2024, 3, 20)))


def test_a_channel_that_never_came_holds_nothing_back(told: Story) -> None:
    """With calls alone there are their fact and all that is of every channel, and no empty fact."""
    assert told.calls_alone.exit_code == 0
    assert told.tables_of_calls_alone == GRAINS_OF_COMPLAINTS.keys() - {"fct_web_complaints", "fct_social_complaints"}
    assert told.of_calls_alone == []


def test_every_dataset_agrees_with_the_independent_calculation(told: Story) -> None:
    """Figures, exceptions with their reasons, Silver with lineage."""
    for dataset in COLUMNS:
        truth = told.trial.truth("1", dataset)
        assert truth.silver, dataset
        assert of_loading(told.trial, truth, dataset) == []


def test_every_gold_table_agrees_row_for_row(told: Story) -> None:
    """After each run, and in the end from the calculation's own Silver over the landing files."""
    assert (told.all_channels.exit_code, told.changed.exit_code, told.ahead.exit_code) == (0, 0, 0)
    assert told.of_all_channels == []
    silver = {name: told.trial.truth("1", name).silver_rows() for name in COLUMNS}
    assert differences(told.trial, silver) == []
    assert {name for name in GRAINS_OF_COMPLAINTS if not told.trial.rows(f"gold/{name}")} == set()


def test_a_changed_reference_moves_its_members_and_not_the_facts(told: Story) -> None:
    """c2 is gone from the list and has a complaint; c77 is gone and has none; c1 has another address."""
    members = {row["customer_id"]: row for row in told.trial.rows("gold/dim_customers")}
    assert (members["c2"]["is_inferred"], members["c2"]["email_hash"], members["c8"]["is_inferred"]) == (
        True,
        None,
        False,
    )
    assert "c77" not in members
    slices = {outcome.table: outcome.slices for outcome in told.changed.tables}
    assert members["c3"]["age_band"] == "45-54"
    assert slices["fct_unified_complaints"] == 3
    assert slices["dim_complaint_categories"] == 0


def test_a_channel_ahead_of_the_others_has_facts_and_no_days_yet(told: Story) -> None:
    """Only calls have the fifth day, so that the horizon is the fourth, which all have."""
    assert max(row["ops_date"] for row in told.trial.rows("gold/complaint_backlog_daily")) == DAYS[3]
    assert max(row["request_date"] for row in told.trial.rows("gold/fct_unified_complaints")) == DAYS[4]


def test_nothing_personal_is_in_gold(told: Story) -> None:
    """No name, address, birth date or e-mail of a customer stands in any Parquet file of Gold."""
    for row in told.trial.rows("gold/dim_customers"):
        assert row.keys() == {"customer_id", "age_band", "email_hash", "signup_date", "is_inferred"}
        assert not {"Ann", "ann@y.org", "1990-02-03"} & {str(value) for value in row.values()}


def test_a_fact_leads_to_the_record_that_was_delivered(told: Story) -> None:
    """A complaint of all channels too, whose key is a hash."""
    lake, contracts = str(told.trial.lake), load_contracts(None)
    fact = trace_gold(lake, "fct_social_complaints", {"complaint_id": "s1"}, contracts, 5)
    (key,) = [r["complaint_pk"] for r in told.trial.rows("gold/fct_unified_complaints") if r["source_id"] == "s1"]
    unified = trace_gold(lake, "fct_unified_complaints", {"complaint_pk": key}, contracts, 5)
    for found in (fact, unified):
        (origin,) = [origin for part in found.parts for origin in part.origins]
        assert origin.delivered is not None
        assert (origin.delivered.logical_date, origin.delivered.record) == (DAYS[3], 1)
        assert origin.delivered.fields["media_channel"] == "Clicks"


def test_a_rebuild_changes_nothing(told: Story) -> None:
    """Incremental equals full, to the commit."""
    before = told.trial.versions()
    report = told.trial.rebuild()
    assert {outcome.status for outcome in report.tables} == {"equal", "untouched"}
    assert told.trial.versions() == before


@table(grain=["agent_id"], slices=whole())
def calls_by_agent(fct_call_complaints: DataFrame) -> DataFrame:
    """A table that reads a fact."""
    return fct_call_complaints.groupBy("agent_id").agg(F.count("*").alias("calls"))


@pytest.fixture
def small(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """A lake of the dimensions, two facts, a table that reads one of them, and the flow beside them."""
    monkeypatch.setitem(registry(), "calls_by_agent", calls_by_agent.gold)  # type: ignore[attr-defined]
    with few_tables(
        (*DIMENSIONS, "fct_call_complaints", "fct_web_complaints", "calls_by_agent", "complaint_flow_daily")
    ):
        trial = new_trial(spark, tmp_path, today=date(2024, 3, 20))
        deliver(
            trial,
            DAYS[0],
            call_logs=[complaint("1", at=at(DAYS[0], "09:00:00"))],
            web_complaints=[complaint("1", at=at(DAYS[0], "09:00:00"))],
            customers=["c1,Ann,f,1990-02-03,2020-01-01,,"],
        )
        assert trial.run().exit_code == 0
        deliver(trial, DAYS[1], call_logs=[complaint("2", "stranger", at=at(DAYS[1], "09:00:00"))], web_complaints=[])
        yield trial


def lose_inferred(patch: pytest.MonkeyPatch) -> None:
    """Break the dimension: from now on a customer of a complaint may be missing in it."""
    declared = registry()["dim_customers"]

    @functools.wraps(declared.function)
    def function(*frames: DataFrame, **options: Any) -> DataFrame:
        rows: DataFrame = declared.function(*frames, **options)
        return rows.where("NOT is_inferred")

    patch.setitem(registry(), "dim_customers", replace(declared, function=function))


@pytest.mark.engine
def test_a_fact_whose_customer_is_in_no_dimension_is_not_published(
    small: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads it waits, the others go on, the run exits 1, the next ones try again. A whole dimension heals it."""
    before = small.versions()
    with monkeypatch.context() as patch:
        lose_inferred(patch)
        report, again = small.run(), small.run()

    assert (report.exit_code, again.exit_code) == (1, 1)
    assert outcomes(again) == {"fct_call_complaints": "failed", "calls_by_agent": "waiting"}
    found = outcomes(report)
    assert (found["fct_call_complaints"], found["calls_by_agent"]) == ("failed", "waiting")
    assert (found["complaint_flow_daily"], found["fct_web_complaints"]) == ("published", "equal")
    (message,) = [m for outcome in report.tables if outcome.table == "fct_call_complaints" for m in outcome.messages]
    assert "1 rows whose customer_id isn't in dim_customers.customer_id" in message
    after = small.versions()
    assert [n for n in ("fct_call_complaints", "calls_by_agent") if before[f"gold/{n}"] != after[f"gold/{n}"]] == []

    small.rebuild(["dim_customers"])

    assert set(small.gold_status().values()) == {"OK"}
    assert {row["call_id"] for row in small.rows("gold/fct_call_complaints")} == {"1", "2"}
    assert [row["calls"] for row in small.rows("gold/calls_by_agent")] == [2]


def test_a_status_that_a_contract_of_ones_own_adds_is_a_status_of_the_fact(small: Trial) -> None:
    """Silver has it, and so has the fact that is checked for it; what the contract doesn't know is rejected as ever."""
    own = Path(str(small.options["contracts"])) / "call_logs.odcs.yaml"
    own.write_text(f"{own.read_text().rstrip()[:-1]}, properties: [{WITH_ESCALATED}]}}\n")
    called = [complaint(f"{n}", status="Escalated", at=at(DAYS[2], f"0{n}:00:00")) for n in range(3, 6)]
    deliver(small, DAYS[2], call_logs=[*called, complaint("6", status="Lost", at=at(DAYS[2], "09:00:00"))])

    report = small.run(accept_rejects=True)

    assert (report.exit_code, outcomes(report)["fct_call_complaints"]) == (0, "published")
    found = {row["call_id"]: row["status"] for row in small.rows("gold/fct_call_complaints")}
    assert found == {"1": "Backlog", "2": "Backlog", "3": "Escalated", "4": "Escalated", "5": "Escalated"}


def test_a_check_of_severity_warn_publishes_and_says_so(small: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same broken dimension, this time checked by Spark alone."""
    declared = registry()["fct_call_complaints"]
    checks = tuple(replace(c, severity="warn") if isinstance(c, Relationship) else c for c in declared.checks)
    monkeypatch.setitem(registry(), "fct_call_complaints", replace(declared, checks=checks))
    small.options = {**small.options, "driver_rows": 0}
    lose_inferred(monkeypatch)

    report = small.run()

    assert report.exit_code == 0
    (outcome,) = [o for o in report.tables if o.table == "fct_call_complaints"]
    assert (outcome.status, outcome.messages) == (
        "published",
        ("fct_call_complaints: 1 rows whose customer_id isn't in dim_customers.customer_id",),
    )


@pytest.mark.engine
def test_facts_wait_for_a_dimension_that_fails(small: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checks look into what isn't there yet: they aren't asked."""
    declared = registry()["dim_customers"]

    @functools.wraps(declared.function)
    def twice(*frames: DataFrame, **options: Any) -> DataFrame:
        rows: DataFrame = declared.function(*frames, **options)
        return rows.unionAll(rows)

    with monkeypatch.context() as patch:
        patch.setitem(registry(), "dim_customers", replace(declared, function=twice))
        found = outcomes(small.run())
    assert found["dim_customers"] == "failed"
    assert {name for name, status in found.items() if status == "waiting"} == {
        "fct_call_complaints",
        "fct_web_complaints",
        "calls_by_agent",
    }
    assert small.pipeline().publish().exit_code == 0
    assert set(small.gold_status().values()) == {"OK"}


@pytest.mark.engine
def test_a_dimension_whose_changes_cannot_be_told_any_more_is_computed_whole(small: Trial) -> None:
    """VACUUM has taken the feed of the customers; the address of one of them had changed."""
    deliver(small, DAYS[1], customers=["c1,Ann,f,1990-02-03,2020-01-01,ann@x.org,"])
    small.load()
    shutil.rmtree(small.lake / "silver/customers/_change_data")

    report = small.publish()

    assert report.exit_code == 0
    (reason,) = [outcome.reason for outcome in report.tables if outcome.table == "dim_customers"]
    assert "no longer there" in reason
    hashes = {row["customer_id"]: row["email_hash"] for row in small.rows("gold/dim_customers")}
    assert hashes == {"c1": hashlib.sha256(b"ann@x.org").hexdigest(), "stranger": None}


def test_agents_of_tickets_are_a_dimension_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    """From their list, from tickets, and the unassigned one, whatever of the two there is.

    A ticket past the horizon is a fact as any other, and its agent a member.
    """
    trial = Trial(spark, tmp_path, options={"today": date(2024, 3, 20)})
    with few_tables(("daily_agent_load", "dim_ticket_agents", "fact_tickets")):
        past = ticket("D", agent_id="a4", created_at=at(DAYS[1], "02:00:00"))
        trial.deliver(DAYS[0], ticket("A", agent_id="a1"), ticket("B", agent_id="a2"), ticket("C", agent_id=""), past)
        trial.run()
        assert trial.gold_status()["fact_tickets"] == "OK"
        assert members(trial) == [("-1", None, False), ("a1", None, True), ("a2", None, True), ("a4", None, True)]
        assert {row["agent_id"] for row in trial.rows("gold/fact_tickets")} == {"-1", "a1", "a2", "a4"}
        trial.deliver(
            DAYS[1], "a1,Ann,North", "a3,Bo,South", dataset="agents_master", header="agent_id,agent_name,team"
        )
        trial.run()
        assert members(trial) == [
            ("-1", None, False),
            ("a1", "North", False),
            ("a2", None, True),
            ("a3", "South", False),
            ("a4", None, True),
        ]


def members(trial: Trial) -> list[tuple[str, str | None, bool]]:
    """The dimension of tickets' agents: id, team, inferred or not."""
    rows = trial.rows("gold/dim_ticket_agents")
    return sorted((row["agent_id"], row["team"], row["is_inferred"]) for row in rows)

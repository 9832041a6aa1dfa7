"""`opslake trace` on small tables: from a row to the record that was delivered."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from state.progress import Progress, TableProgress
from tests.cli.conftest import Command
from tests.cli.tables import came, write, write_bronze, write_exceptions, write_silver

D2, D3 = date(2026, 3, 2), date(2026, 3, 3)
LOAD = {"ops_date": pa.date32(), "agent_id": pa.string(), "tickets_assigned": pa.int64()}
KEY = "ops_date=2026-03-02,agent_id=A7"


@pytest.fixture
def filled(root: Path) -> Path:
    """T1 was delivered open and then resolved, refused in between; T2 once; a record without an accepted version."""
    write_bronze(
        root,
        {"ticket_id": "T1", "status": "open ", "_extra": [("Subject", "Can't log in")], **came(2, 5)},
        {"ticket_id": " T1 ", "status": "Resolved", **came(3, 1)},
        {"ticket_id": "T2", "status": "Open", **came(2, 6)},
        {"_corrupt_record": "T1,torn", **came(3, 2)},
        {"ticket_id": "T9", "status": "?", **came(3, 3)},
    )
    write_silver(
        root,
        {
            "ticket_id": "T1",
            "status": "Resolved",
            "agent_id": "A7",
            "created_date": D2,
            "resolved_date": D3,
            **came(3, 1),
        },
        {"ticket_id": "T2", "status": "Open", "agent_id": "A7", "created_date": D2, **came(2, 6)},
        {"ticket_id": "T3", "status": "Open", "agent_id": "A8", "created_date": D2, **came(2, 7)},
    )
    refused = {"reject_reasons": ["unknown_status"], "raw_record": "{}"}
    write_exceptions(
        root,
        {"exception_id": "e1", "record_key": "T1", "status": "resolved", **refused, **came(3, 4)},
        {"exception_id": "e9", "record_key": "T9", **refused, **came(3, 3)},
    )
    write(root, "gold", "daily_agent_load", LOAD, [{"ops_date": D2, "agent_id": "A7", "tickets_assigned": 2}])
    Progress(str(root)).put(TableProgress("daily_agent_load", {"tickets": 0}, D3))
    return root


def test_a_key_leads_to_its_record_as_delivered(opslake: Command, filled: Path) -> None:
    """File, record number, delivery and every field; the row of Silver beside it."""
    del filled
    (part,) = opslake("trace", "tickets", "T1", "--json").json["parts"]
    (origin,) = part["origins"]

    assert origin["row"]["status"] == "Resolved"
    assert origin["delivered"] == {
        "logical_date": "2026-03-03",
        "delivery": "000000000003",
        "file": "/landing/tickets/2026/03/2026-03-03.csv",
        "record": 1,
        "fields": {"ticket_id": " T1 ", "status": "Resolved"},
        "text": None,
    }
    assert "2026-03-03.csv, record 1, delivery 000000000003" in opslake("trace", "tickets", "T1").out


def test_all_records_of_the_key_are_shown_with_the_one_in_silver_marked(opslake: Command, filled: Path) -> None:
    """Blanks around a delivered key don't matter; columns beyond the contract are shown too."""
    del filled
    answer = opslake("trace", "tickets", "T1")
    found = opslake("trace", "tickets", "T1", "--json").json

    assert [(v["logical_date"], v["record"]) for v in found["versions"]] == [("2026-03-02", 5), ("2026-03-03", 1)]
    assert found["versions"][0]["fields"]["Subject"] == "Can't log in"
    assert "in Silver" in answer.line("000000000003", "2026-03-03.csv ")
    assert "in Silver" not in answer.line("000000000002", "2026-03-02.csv ")


def test_exceptions_of_the_key_are_shown(opslake: Command, filled: Path) -> None:
    """Those of other keys aren't."""
    del filled
    answer = opslake("trace", "tickets", "T1")

    assert "resolved" in answer.line("e1 ", "unknown_status")
    assert "e9" not in answer.out


def test_a_key_that_was_only_refused_is_found(opslake: Command, filled: Path) -> None:
    """It isn't in Silver, and the exception says why."""
    del filled
    answer = opslake("trace", "tickets", "--key", "ticket_id=T9")

    assert answer.code == 0
    assert "not in Silver" in answer.out
    assert answer.line("e9 ", "unknown_status")


def test_a_row_whose_delivery_was_retired_says_so(opslake: Command, filled: Path) -> None:
    """Lineage stays although Bronze has the record no more."""
    del filled
    answer = opslake("trace", "tickets", "T3")

    assert "2026-03-02.csv, record 7" in answer.out
    assert "Bronze doesn't have that delivery any more" in answer.out


def test_a_figure_leads_to_the_silver_rows_that_made_it(opslake: Command, filled: Path) -> None:
    """Both of agent A7 that were created that day, each with its record; not the one of A8."""
    del filled
    found = opslake("trace", "daily_agent_load", "--key", KEY, "--json").json
    (part,) = found["parts"]

    assert found["row"]["tickets_assigned"] == 2
    assert part["total"] == 2
    assert part["condition"] == "(created_date = 2026-03-02 or resolved_date = 2026-03-02) and agent_id = A7"
    assert [(o["row"]["ticket_id"], o["delivered"]["record"]) for o in part["origins"]] == [("T1", 1), ("T2", 6)]
    assert '{"ticket_id": "T2", "status": "Open"}' in opslake("trace", "daily_agent_load", "2026-03-02,A7").line("T2 ")


def test_a_limit_cuts_the_rows_and_not_the_total(opslake: Command, filled: Path) -> None:
    """One of two is shown."""
    del filled
    answer = opslake("trace", "daily_agent_load", "2026-03-02,A7", "--limit", "1")

    assert "2 rows of silver/tickets" in answer.out
    assert "1 shown" in answer.out
    assert "T2 " not in answer.out


def test_a_figure_that_is_older_than_silver_says_so(opslake: Command, filled: Path) -> None:
    """Silver has moved since the table consumed it; before that there is no such note."""
    assert "note" not in opslake("trace", "daily_agent_load", "2026-03-02,A7").out

    write_silver(filled, {"ticket_id": "T4", "agent_id": "A7", "created_date": D2, **came(3, 9)})

    answer = opslake("trace", "daily_agent_load", "2026-03-02,A7")
    assert "tickets has changed since daily_agent_load was computed" in answer.out


def test_a_null_in_the_grain_is_asked_for_by_nothing(opslake: Command, filled: Path) -> None:
    """`category=` is the group of tickets without a category."""
    types = {"ops_date": pa.date32(), "priority": pa.string(), "category": pa.string(), "resolved": pa.int64()}
    rows = [{"ops_date": D3, "priority": "Low", "category": None, "resolved": 7}]
    write(filled, "gold", "sla_outcomes_daily", types, rows)

    found = opslake("trace", "sla_outcomes_daily", "--key", "ops_date=2026-03-03,priority=Low,category=", "--json").json

    assert found["row"]["resolved"] == 7
    assert found["key"]["category"] is None


def test_a_value_with_a_comma_can_be_given(opslake: Command, filled: Path) -> None:
    """A comma that no other name follows belongs to the value."""
    del filled
    answer = opslake("trace", "daily_agent_load", "--key", "ops_date=2026-03-02,agent_id=A7, the second")

    assert "agent_id=A7, the second" in answer.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dialy_agent_load", "1"], "did you mean 'daily_agent_load'?"),
        (["tickets"], "say which row, once"),
        (["tickets", "T1", "--key", "ticket_id=T1"], "say which row, once"),
        (["tickets", "T404"], "no record of that key was delivered"),
        (["tickets", "--key", "tickt_id=T1"], "did you mean 'ticket_id'?"),
        (["tickets", "--key", "T1"], "not a name and a value"),
        (["daily_agent_load", "--key", "ops_date=2026-03-02"], "the key lacks agent_id"),
        (["daily_agent_load", "2026-03-02"], "the key has 2 parts"),
        (["daily_agent_load", "yesterday,A7"], "not a value of type date"),
        (["daily_agent_load", "2026-03-09,A7"], "its horizon is 2026-03-03"),
        (["backlog_daily", "2026-03-02"], "there is no such table yet"),
    ],
)
def test_what_leads_nowhere_is_wrong_usage(opslake: Command, filled: Path, arguments: list[str], told: str) -> None:
    """Exit code 2, and what would do."""
    del filled
    answer = opslake("trace", *arguments)

    assert answer.code == 2
    assert told in answer.err

"""Every figure leads back to its records: the real engine over ten tickets of two days, traced on the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from tests.cli.conftest import Command

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HEADER = "ticket_id,created_at,resolved_at,sla_hours,priority,category,channel,status,agent_id,updated_at\n"
FIRST = """T1,2026-03-01 09:00:00,,4,High,"Returns, refunds",Email,Open,A1,2026-03-01 09:00:00
T2,2026-03-01 10:00:00,2026-03-01 12:00:00,4,Low,Billing,Chat,Resolved,A1,2026-03-01 12:00:00
T3,2026-03-01 11:00:00,,8,Medium,Billing,Chat,Open,A2,2026-03-01 11:00:00
T4,2026-03-01 11:30:00,,8,Hgih,Billing,Chat,Open,A2,2026-03-01 11:30:00
T5,2026-03-01 12:00:00,,24,Low,Billing,Chat,Open,,2026-03-01 12:00:00
T2,2026-03-01 10:00:00,,4,Low,Billing,Chat,Open,A1,2026-03-01 10:00:00
"""
SECOND = """T6,2026-03-02 09:00:00,2026-03-02 10:00:00,4,High,Billing,Email,Closed,A1,2026-03-02 10:00:00
T1,2026-03-01 09:00:00,2026-03-02 11:00:00,4,High,"Returns, refunds",Email,Resolved,A1,2026-03-02 11:00:00
T7,2026-03-02 12:00:00,,4,Low,Billing,Email,Open,A1,2026-03-02 12:00:00
T3,2026-03-01 11:00:00,,8,Medium,"never closed
"""


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both days through the engine, rejects accepted, Gold published; once for all tests here."""
    folder = tmp_path_factory.mktemp("trace")
    for day, rows in (("01", FIRST), ("02", SECOND)):
        file = folder / f"landing/tickets/2026/03/2026-03-{day}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + rows)
    settings = Settings(lake=str(folder / "lake"), landing=str(folder / "landing"), today=date(2026, 3, 3))
    pipeline = Pipeline(settings, "test", session=lambda _settings, _bytes: spark)
    report = pipeline.backfill(Choice(None, date(2026, 3, 1), date(2026, 3, 2), accept_rejects=True), 10)
    assert report.exit_code == 0, report
    return folder


@pytest.fixture
def root(made: Path) -> Path:
    """The lake that was made."""
    return made / "lake"


@pytest.fixture
def landing(made: Path) -> Path:
    """The landing root that it was made from."""
    return made / "landing"


def test_a_figure_of_a_day_leads_to_the_lines_of_the_files(opslake: Command, landing: Path) -> None:
    """Two assigned and two resolved by A1 are three tickets; the record numbers are those of the file."""
    load = opslake("trace", "daily_agent_load", "--key", "ops_date=2026-03-02,agent_id=A1", "--json").json
    (part,) = load["parts"]
    origins = [(o["row"]["ticket_id"], o["delivered"]["record"]) for o in part["origins"]]
    lines = (landing / "tickets/2026/03/2026-03-02.csv").read_text().splitlines()

    assert (load["row"]["tickets_assigned"], load["row"]["tickets_resolved"]) == (2, 2)
    assert origins == [("T1", 2), ("T6", 1), ("T7", 3)]
    assert all(lines[record].startswith(f"{ticket},") for ticket, record in origins)


def test_a_backlog_leads_to_all_tickets_so_far(opslake: Command) -> None:
    """Three of six are open: the backlog; the figure is a running sum over another Gold table."""
    backlog = opslake("trace", "backlog_daily", "2026-03-02", "--json").json
    (part,) = backlog["parts"]
    still_open = [o["row"]["ticket_id"] for o in part["origins"] if o["row"]["resolved_at"] is None]

    assert backlog["row"]["backlog_size"] == 3
    assert (part["through"], part["total"], still_open) == (["ticket_flow_daily"], 6, ["T3", "T5", "T7"])


def test_a_risk_leads_to_its_ticket_and_to_the_history(opslake: Command) -> None:
    """T5 itself, and the three that were resolved by the horizon."""
    risk = opslake("trace", "ticket_sla_risk", "T5", "--json").json

    assert [(p["through"], p["total"]) for p in risk["parts"]] == [([], 1), (["sla_outcomes_daily"], 3)]


def test_a_ticket_leads_to_both_of_its_records(opslake: Command) -> None:
    """In the order of delivery, and nothing is out of date."""
    one = opslake("trace", "tickets", "T1", "--json").json

    assert [(v["logical_date"], v["record"], v["fields"]["status"]) for v in one["versions"]] == [
        ("2026-03-01", 1, "Open"),
        ("2026-03-02", 2, "Resolved"),
    ]
    assert one["parts"][0]["origins"][0]["delivered"] == one["versions"][1]
    assert one["notes"] == []


def test_refused_and_duplicate_records_are_found_by_their_key(opslake: Command) -> None:
    """T4 never got into Silver; of T2 the older record of the same file lost."""
    refused = opslake("trace", "tickets", "T4", "--json").json
    twice = opslake("trace", "tickets", "T2", "--json").json

    assert refused["row"] is None
    assert [e["reject_reasons"] for e in refused["exceptions"]] == [["unknown_priority"]]
    assert [(e["reject_reasons"], e["_row_number"]) for e in twice["exceptions"]] == [(["duplicate_in_batch"], 6)]


def test_the_raw_text_of_a_torn_record_is_shown(opslake: Command) -> None:
    """And the fields of one that could be read."""
    assert 'T3,2026-03-01 11:00:00,,8,Medium,"never closed' in opslake("exceptions", "show", "2026-03-02.csv:4").out
    assert opslake("exceptions", "show", "2026-03-01.csv:4").line("priority", "Hgih")


def test_status_has_the_figures_of_the_run(opslake: Command) -> None:
    """Read 4, inserted 2, updated 1, rejected 1."""
    status = opslake("status")

    assert status.line("2026-03-02", "SUCCEEDED").split()[3:11] == ["4", "2", "1", "0", "0", "0", "1", "25.0%"]
    assert "13 tables ok up to 2026-03-02" in status.out


def test_after_a_run_nothing_is_due(opslake: Command) -> None:
    """Neither a day nor a Gold table."""
    assert opslake("plan", "--end", "2026-03-02").out == "nothing is due\n"


def test_a_later_day_would_move_what_follows_from_tickets(opslake: Command, landing: Path) -> None:
    """The file makes its day due, and all tables would be computed where they move, none whole."""
    file = landing / "tickets/2026/03/2026-03-03.csv"
    file.write_text(HEADER)

    found = opslake("plan", "--date", "2026-03-03", "--json").json
    file.unlink()
    gold = {g["table"]: g for g in found["gold"]}

    assert ("tickets", "2026-03-03", "load") in {(d["dataset"], d["logical_date"], d["action"]) for d in found["days"]}
    assert len(gold) == 13
    assert not any(g["whole"] for g in gold.values())
    assert gold["backlog_daily"]["reason"] == "follows ticket_flow_daily"

"""The analyses of deploy/bigquery and deploy/athena, executed over what is published and compared with figures that
are calculated without SQL: from the independent calculation's rows, or by hand for complaints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlfluff
import sqlglot

from spark_jobs.catalog import bigquery, glue
from spark_jobs.gold import registry
from tests.publish.catalog import definition
from tests.publish.conftest import LOCATION, MISSING, PROJECT, START, ZONE, Published, lake_in_the_cloud
from tests.publish.duck import Duck, Row, arrow

DEPLOY = Path(__file__).parents[2] / "deploy"
DIALECTS = ("bigquery", "athena")
NAMES = sorted(path.stem for path in (DEPLOY / "bigquery").glob("*.sql"))
Ask = Callable[[str], list[Row]]
DAY = date(2026, 3, 31)
HAND_MADE = {
    "complaint_backlog_daily": [
        {"ops_date": DAY, "category": "Billing", "channel": "Call", "backlog": 6},
        {"ops_date": DAY, "category": "Billing", "channel": "Web", "backlog": 3},
        {"ops_date": DAY, "category": None, "channel": "Web", "backlog": 1},
        {"ops_date": DAY - timedelta(days=27), "category": "Billing", "channel": "Call", "backlog": 99},
        {"ops_date": DAY - timedelta(days=28), "category": "Billing", "channel": "Call", "backlog": 1},
        {"ops_date": DAY - timedelta(days=28), "category": "Login", "channel": "Web", "backlog": 3},
    ],
    "channel_hopping_customers": [
        {"customer_id": "c1", "category": "Billing", "channels": ["Call", "Web"], "contacts": 2, "hours": 12},
        {"customer_id": "c2", "category": "Billing", "channels": ["Call", "Web"], "contacts": 3, "hours": 48},
        {"customer_id": "c3", "category": "Login", "channels": ["Call", "Social", "Web"], "contacts": 9, "hours": 24},
    ],
}


def text(dialect: str, name: str) -> str:
    """An analysis."""
    return (DEPLOY / dialect / f"{name}.sql").read_text(encoding="utf-8")


def put_hand_made(duck: Duck, published: Published) -> None:
    """The tables of complaints, and the agents' teams where Gold doesn't have them yet."""
    first = datetime(2026, 3, 1, tzinfo=UTC)
    hopping = [
        {**row, "first_contact": first, "last_contact": first + timedelta(hours=row["hours"])}
        for row in HAND_MADE["channel_hopping_customers"]
    ]
    duck.put_table("opslake", "complaint_backlog_daily", pa.Table.from_pylist(HAND_MADE["complaint_backlog_daily"]))
    duck.put_table("opslake", "channel_hopping_customers", pa.Table.from_pylist(hopping))
    if "dim_ticket_agents" not in registry():
        teams = [{"agent_id": one["agent_id"], "team": one["team"]} for one in published.agents().values()]
        duck.put_table("opslake", "dim_ticket_agents", pa.Table.from_pylist(teams))


@pytest.fixture(scope="module", params=DIALECTS)
def ask(request: pytest.FixtureRequest, published: Published) -> Ask:
    """Runs an analysis over what is published in one of the two clouds."""
    dialect = request.param
    duck = _bigquery(published) if dialect == "bigquery" else _athena(published)
    put_hand_made(duck, published)
    return lambda name: duck.run(text(dialect, name), dialect)[1]


def _bigquery(published: Published) -> Duck:
    found, contracts = lake_in_the_cloud(published, "gs://lake-1/ops")
    target = bigquery.Target("opslake", "opslake_restricted", f"{PROJECT}.{LOCATION}.lake")
    wanted, _ = bigquery.wanted_of(found, contracts, ZONE, target, PROJECT)
    duck = Duck()
    for table in found.tables:
        duck.put_table("opslake_restricted", table.full_name, arrow(published.root / table.layer / table.name))
    for one in wanted:
        if one.kind == "view":
            duck.put_view(one.dataset, one.name, one.definition["view"]["query"], "bigquery")
    return duck


def _athena(published: Published) -> Duck:
    found, contracts = lake_in_the_cloud(published, "s3://lake-1/ops")
    target = glue.Target("opslake", "opslake_restricted")
    duck = Duck()
    for table in found.tables:
        duck.put_table(*target.place(table), arrow(published.root / table.layer / table.name))
    for one in glue.wanted_of(found, contracts, ZONE, target)[0]:
        if one.kind == "view":
            assert one.definition is not None
            duck.put_view(one.database, one.name, definition(one.definition)["originalSql"], "athena")
    return duck


def test_both_clouds_have_the_same_analyses() -> None:
    """None is forgotten."""
    assert len(NAMES) == 9
    assert sorted(path.stem for path in (DEPLOY / "athena").glob("*.sql")) == NAMES


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_an_analysis_is_one_commented_statement_of_its_dialect(dialect: str, name: str) -> None:
    """It parses, begins with the question that it answers, and has nothing to remark on by the linter."""
    sql = text(dialect, name)

    (statement,) = sqlglot.parse(sql, read=dialect)
    assert isinstance(statement, sqlglot.exp.Query)
    assert sql.startswith("-- ")
    assert "?" in sql.splitlines()[0]
    assert sqlfluff.lint(sql, dialect=dialect, config_path=str(DEPLOY.parent / ".sqlfluff")) == []


def rounded(value: Any, places: int) -> Decimal:
    """Half up, as a decimal."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def test_backlog_trend(ask: Ask, published: Published) -> None:
    """Flows and backlog of each day, its mean over at most seven days; no week has passed yet."""
    days = published.gold()["backlog_daily"]
    sizes = [row["backlog_size"] for row in days]

    rows = ask("backlog_trend")

    assert [(r["ops_date"], r["opened"], r["closed"], r["backlog_size"]) for r in rows] == [
        (d["ops_date"], d["opened"], d["closed"], d["backlog_size"]) for d in days
    ]
    means = [rounded(Decimal(sum(sizes[: n + 1])) / (n + 1), 1) for n in range(len(sizes))]
    assert [rounded(r["backlog_7_days"], 1) for r in rows] == means
    assert {r["change_in_a_week"] for r in rows} == {None}


def test_breach_rate_by_priority_and_team(ask: Ask, published: Published) -> None:
    """Counted ticket by ticket, with the agents' teams."""
    agents, horizon = published.agents(), published.horizon
    due: Counter[tuple[str, str]] = Counter()
    breached: Counter[tuple[str, str]] = Counter()
    for ticket in published.silver():
        team = agents[ticket["agent_id"]]["team"] if ticket["agent_id"] in agents else "unknown"
        if ticket["sla_due_date"] <= horizon and ticket["created_date"] <= horizon:
            key = (ticket["priority"], team or "unknown")
            due[key] += 1
            breached[key] += ticket["resolved_at"] is None or ticket["resolved_at"] > ticket["sla_due_at"]

    rows = ask("breach_rate_by_priority_and_team")

    assert len(due) > 5
    assert sum(breached.values()) > 0
    found = {(r["priority"], r["team"]): (r["due"], r["breached"], rounded(r["breach_rate"], 4)) for r in rows}
    assert found == {key: (due[key], breached[key], rounded(breached[key] / due[key], 4)) for key in due}
    assert [r["breach_rate"] for r in rows] == sorted((r["breach_rate"] for r in rows), reverse=True)


def test_busiest_agents(ask: Ask, published: Published) -> None:
    """All days of this lake are the last seven; what is left is what the independent calculation has at the end."""
    tables, sums = published.gold(), defaultdict(lambda: [0, 0, 0])
    for row in tables["daily_agent_load"]:
        for place, name in enumerate(("tickets_assigned", "tickets_resolved", "sla_breaches")):
            sums[row["agent_id"]][place] += row[name]
    last = [row for row in tables["agent_backlog_daily"] if row["ops_date"] == published.horizon]
    left = {row["agent_id"]: row["open_tickets_at_close"] for row in last}
    expected = [(agent, *of, left.get(agent, 0)) for agent, of in sums.items() if agent != "-1"]

    rows = ask("busiest_agents")

    order = sorted(expected, key=lambda one: (-one[2], -one[1], one[0]))
    assert [tuple(row.values()) for row in rows] == order[:20]


def test_ageing(ask: Ask, published: Published) -> None:
    """By hand from the open tickets: six days can't be older than five."""
    created = {ticket["ticket_id"]: ticket["created_date"] for ticket in published.silver()}
    groups = defaultdict(list)
    for risk in published.gold()["ticket_sla_risk"]:
        age = (published.horizon - created[risk["ticket_id"]]).days
        band = "0-2 days" if age <= 2 else "3-7 days" if age <= 7 else "8-14 days" if age <= 14 else "15+ days"
        groups[risk["priority"], band].append((age, risk["hours_to_due"] < 0, risk["breach_probability"]))

    rows = ask("ageing")

    assert {band for _, band in groups} >= {"0-2 days", "3-7 days"}
    assert {(r["priority"], r["age_band"]): (r["open_tickets"], r["past_due"], r["oldest_days"]) for r in rows} == {
        key: (len(each), sum(late for _, late, _ in each), max(age for age, _, _ in each))
        for key, each in groups.items()
    }
    expected = {key: rounded(sum(p for _, _, p in each), 1) for key, each in groups.items()}
    assert {(r["priority"], r["age_band"]): rounded(r["expected_breaches"], 1) for r in rows} == expected


def test_exception_reasons_by_day(ask: Ask, published: Published) -> None:
    """Every reason of every reject that the independent calculation has; duplicates aren't refused."""
    counted = Counter((reject.logical_date, reason) for reject in published.truth.rejects for reason in reject.reasons)

    rows = [row for row in ask("exception_reasons_by_day") if row["dataset"] == "tickets"]

    assert counted
    assert {(row["ops_date"], row["reason"]): row["records"] for row in rows} == counted


def test_ingestion_progress(ask: Ask, published: Published) -> None:
    """Five of six days, and one that never came."""
    figures = published.truth.figures.values()

    row = next(row for row in ask("ingestion_progress") if row["dataset"] == "tickets")

    assert (row["first_day"], row["last_day"]) == (START, published.horizon)
    assert (row["days_succeeded"], row["days_failed"], row["days_overdue"]) == (5, 1, 1)
    assert row["rows_ingested"] == sum(f.inserted + f.updated for f in figures)
    share = Decimal(sum(f.rejected for f in figures)) / sum(f.read for f in figures)
    assert rounded(row["rejected_rate"], 4) == rounded(share, 4)


def test_ingestion_gaps(ask: Ask) -> None:
    """The day that never came."""
    assert ask("ingestion_gaps") == [{"dataset": "tickets", "first_day": MISSING, "last_day": MISSING, "open_days": 1}]


def test_backlog_share_by_category(ask: Ask) -> None:
    """9 of 10 now; 1 of 4 four weeks before; what is gone by now had a share then."""
    rows = ask("backlog_share_by_category")

    assert [tuple(row.values()) for row in rows] == [
        ("Billing", 9, 0.9, 0.25),
        ("none", 1, 0.1, 0.0),
        ("Login", 0, 0.0, 0.75),
    ]


def test_channel_hopping(ask: Ask) -> None:
    """Two customers on one way with 30 hours on average, one on another."""
    rows = ask("channel_hopping")

    assert [tuple(row.values()) for row in rows] == [
        ("Billing", "Call + Web", 2, 5, 1.25),
        ("Login", "Call + Social + Web", 1, 9, 1.0),
    ]

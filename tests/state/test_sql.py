from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from arro3.core import Table
from deltalake import QueryBuilder

from state.forgotten import ForgottenId, ForgottenIds
from state.lease import LeaseRow
from state.ledger import DayState, Figures, Ledger, Status
from state.notifications import Notifications, Told
from state.progress import Progress, TableProgress
from state.runs import Run, Runs
from state.tables import LEASE, STATE_TABLES, open_or_create, swap
from tests.state.processes import ROOT

SQL = ROOT / "state/sql"
NOON = datetime(2024, 3, 6, 12, tzinfo=UTC)
WORDS = {
    "string": "STRING",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "strings": "ARRAY<STRING>",
    "deliveries": "ARRAY<STRUCT<path: STRING, size: BIGINT, checksum: STRING, modified: TIMESTAMP>>",
}
Ask = Callable[[str], list[tuple[Any, ...]]]


def test_the_documented_schema_is_the_one_in_use() -> None:
    """Every table and column, in order, with type, nullability and a comment."""
    text = (SQL / "schema.sql").read_text()
    documented = {
        name: re.findall(r"^  (\w+) (.+?)( NOT NULL)?\s+COMMENT '[^']{5,}',?$", body, re.MULTILINE)
        for name, body in re.findall(r"^CREATE TABLE (\w+) \(\n(.*?)^\) USING DELTA;", text, re.MULTILINE | re.DOTALL)
    }

    assert documented == {
        table.name: [(c.name, WORDS[c.kind], " NOT NULL" if c.required else "") for c in table.columns]
        for table in STATE_TABLES
    }


def queries() -> dict[str, str]:
    """The monitoring queries by name."""
    parts = (SQL / "monitoring.sql").read_text().split("-- name: ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip().rstrip(";") for part in parts}


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Tickets of March 1 to 6 with a failed, a missing and a pending day; a run; a Gold table that failed."""
    root = str(tmp_path)

    def day(number: int, status: Status, **more: Any) -> DayState:
        return DayState("tickets", date(2024, 3, number), status, attempt=1, run_id="r-1", **more)

    Ledger(root).put(
        day(1, Status.SUCCEEDED, figures=Figures(10, 7, 1, 0, 0, 0, 2), ingestion_timestamp=NOON),
        day(2, Status.FAILED, figures=Figures(read=4, rejected=3), error_class="DataError", error_message="too bad"),
        day(4, Status.SUCCEEDED, figures=Figures(5, 4)),
        day(5, Status.SKIPPED),
        day(6, Status.PENDING),
    )
    Runs(root).put(Run("r-0", "run", NOON - timedelta(days=1)))
    Runs(root).put(Run("r-1", "run", NOON, NOON + timedelta(seconds=3), exit_code=1))
    Progress(root).put(TableProgress("a"), TableProgress("b", status="FAILED", message="no"))
    told = Told("run_failed/gold/b", "run_failed", "gold/b", "ab12cd34", NOON, "r-1")
    over = Told("no_run/lake", "no_run", "lake", "ab12cd34", NOON, None, NOON)
    Notifications(root).put(told, replace(told, receiver="00000000", sent_at=NOON + timedelta(minutes=1)), over)
    ForgottenIds(root).put(ForgottenId("ab12", "cd34", ("a.csv",), True, NOON, "r-1"))
    held = LeaseRow("m:1:2", "r-2", 7, NOON, NOON, NOON + timedelta(minutes=5), "vm", 1, "run")
    assert swap(open_or_create(root, LEASE), LEASE, [vars(held)])
    return root


@pytest.fixture(params=["datafusion", "duckdb"])
def ask(request: pytest.FixtureRequest, lake: str) -> Ask:
    """Runs a query over the state tables in one of two engines."""
    handles = {table.name: open_or_create(lake, table) for table in STATE_TABLES}

    def datafusion(sql: str) -> list[tuple[Any, ...]]:
        builder = QueryBuilder()
        for name, handle in handles.items():
            builder = builder.register(name, handle)
        answer = Table.from_arrow(builder.execute(sql))
        return list(zip(*(answer.column(name).to_pylist() for name in answer.column_names), strict=True))

    def duck(sql: str) -> list[tuple[Any, ...]]:
        connection = duckdb.connect()
        for name, handle in handles.items():
            files = [uri.removeprefix("file://") for uri in handle.file_uris()]
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files})")
        return connection.execute(sql).fetchall()

    return {"datafusion": datafusion, "duckdb": duck}[request.param]


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "progress": [("tickets", date(2024, 3, 1), date(2024, 3, 4), 2, 1, 1, 1, 0, 12, NOON)],
    "failures": [("tickets", date(2024, 3, 2), 1, "DataError", "too bad", "r-1", None)],
    "oldest_pending": [("tickets", date(2024, 3, 2), 2)],
    "unbalanced": [("tickets", date(2024, 3, 4), "r-1")],
    "gaps": [("tickets", date(2024, 3, 1), date(2024, 3, 4))],
    "last_run": [("r-1", "run", NOON, NOON + timedelta(seconds=3), 3.0, 1, None)],
    "gold_behind": [("b", "FAILED", None, "no", None)],
    "told": [("run_failed", "gold/b", NOON, 2)],
    "holder": [("r-2", "run", "vm", 1, 7, NOON, NOON, NOON + timedelta(minutes=5))],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_monitoring_query_answers_its_question(ask: Ask, name: str) -> None:
    """The same in both engines."""
    assert [tuple(row) for row in ask(queries()[name])] == EXPECTED[name]


def test_the_reject_ratio_is_rejected_of_read_worst_first(ask: Ask) -> None:
    """Days without records have no ratio."""
    assert [(row[1].day, float(row[4])) for row in ask(queries()["reject_ratio"])] == [(2, 0.75), (1, 0.2), (4, 0.0)]


def test_no_query_is_untested() -> None:
    """A query that is added must be asked here."""
    assert set(queries()) == {*EXPECTED, "reject_ratio"}

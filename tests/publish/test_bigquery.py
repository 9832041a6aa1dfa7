"""`opslake publish bigquery`, with BigQuery's own client against a server that reads the lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from spark_jobs.catalog.bigquery import Target, connect, publish
from tests.cli.conftest import Command
from tests.publish.bigquery_server import BigQuery
from tests.publish.conftest import (
    LOCATION,
    MISSING,
    PROJECT,
    START,
    ZONE,
    Published,
    empty_bigquery,
    lake_in_the_cloud,
)

LAKE = ("--uri", "gs://lake-1/ops")
CONNECTION = f"{PROJECT}.{LOCATION}.lake"


def query(service: BigQuery, sql: str) -> list[dict[str, Any]]:
    """A query as its Python client asks it."""
    client = Client(PROJECT, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=service.endpoint))
    return [dict(row) for row in client.query_and_wait(sql, retry=None, job_retry=None)]


@pytest.fixture
def bigquery(published: Published) -> Iterator[BigQuery]:
    """BigQuery with two empty datasets."""
    with empty_bigquery(published) as service:
        yield service


@pytest.fixture(scope="module")
def shown(published: Published) -> Iterator[BigQuery]:
    """BigQuery after the lake was published, for tests that leave it so."""
    with empty_bigquery(published) as service:
        target = Target("opslake", "opslake_restricted", CONNECTION)
        publish(*lake_in_the_cloud(published, LAKE[1]), ZONE, target, connect(PROJECT))
        yield service


def test_every_table_of_every_layer_becomes_an_external_delta_table(shown: BigQuery, published: Published) -> None:
    """With the folder of its table and the connection, in the restricted dataset."""
    folders = {f"{path.parent.parent.name}_{path.parent.name}" for path in published.root.glob("*/*/_delta_log")}
    external = {name: t for (dataset, name), t in shown.tables.items() if dataset == "opslake_restricted"}

    assert external.keys() == folders
    told = external["silver_tickets"]["externalDataConfiguration"]
    assert (told["sourceFormat"], told["sourceUris"]) == ("DELTA_LAKE", ["gs://lake-1/ops/silver/tickets"])
    assert told["connectionId"] == CONNECTION


def test_analysts_see_views_of_gold_and_state_and_nothing_else(shown: BigQuery, published: Published) -> None:
    """Every table of the two layers by its own name, and the views over state and exceptions."""
    layers = [path.parent.name for layer in ("gold", "state") for path in published.root.glob(f"{layer}/*/_delta_log")]
    over_state = {"ingestion_days", "ingestion_by_day", "ingestion_gaps", "exception_reasons_daily"}
    seen = {name: t["type"] for (dataset, name), t in shown.tables.items() if dataset == "opslake"}

    assert seen.keys() == {*layers, *over_state}
    assert set(seen.values()) == {"VIEW"}


def test_an_analyst_reads_a_view_and_no_table(shown: BigQuery, published: Published) -> None:
    """The analysts' dataset is authorised on the restricted one; the analyst isn't."""
    shown.analyst_of = "opslake"
    try:
        rows = query(
            shown, "SELECT ops_date, opened, closed, backlog_size FROM opslake.backlog_daily ORDER BY ops_date"
        )
        with pytest.raises(Forbidden):
            query(shown, "SELECT * FROM opslake_restricted.silver_agents_master")
    finally:
        shown.analyst_of = None

    assert rows == published.gold()["backlog_daily"]


def test_no_name_of_an_agent_is_in_anything_that_analysts_see(shown: BigQuery, published: Published) -> None:
    """Looked for in every cell of every view."""
    names = {row["agent_name"] for row in published.agents().values()}
    cells = {
        value
        for dataset, view in shown.tables
        if dataset == "opslake"
        for row in shown.duck.run(f"SELECT * FROM opslake.{view}", "bigquery")[1]
        for value in row.values()
        if isinstance(value, str)
    }

    assert len(names) > 5
    assert "Critical" in cells  # cells were looked at
    assert not {cell for cell in cells if any(name in cell for name in names)}


def test_a_second_time_changes_nothing_and_says_so(shown: BigQuery, settings_of: Command) -> None:
    """Not a single call that writes."""
    shown.writes.clear()

    answer = settings_of("publish", "bigquery", *LAKE)

    assert answer.code == 0
    assert "nothing to change" in answer.out
    assert shown.writes == []


def test_a_dry_run_says_what_would_be_and_changes_nothing(settings_of: Command, bigquery: BigQuery) -> None:
    """The same objects as the run itself makes."""
    foreseen = settings_of("publish", "bigquery", *LAKE, "--dry-run", "--json").json
    assert bigquery.tables == {}
    assert bigquery.writes == []

    done = settings_of("publish", "bigquery", *LAKE, "--json").json

    assert foreseen["dry_run"]
    assert foreseen["objects"] == done["objects"]


def test_tables_that_are_not_there_yet_are_told(settings_of: Command, shown: BigQuery) -> None:
    """This lake never had a call; the exit code is 0."""
    answer = settings_of("publish", "bigquery", *LAKE)

    assert answer.code == 0
    assert "silver/calls" in answer.line("not in the lake yet")
    assert ("opslake_restricted", "silver_calls") not in shown.tables


def test_what_differs_is_put_right_and_nothing_else(shown: BigQuery, settings_of: Command) -> None:
    """A view that somebody widened, and a table of another lake."""
    shown.tables["opslake", "runs"]["view"]["query"] = "SELECT 1 AS one"
    shown.tables["opslake_restricted", "gold_backlog_daily"]["externalDataConfiguration"]["sourceUris"] = ["gs://x/y"]

    objects = settings_of("publish", "bigquery", *LAKE, "--json").json["objects"]

    changed = {one["name"]: one["action"] for one in objects if one["action"] not in ("unchanged", "skipped")}
    assert changed == {"opslake.runs": "updated", "opslake_restricted.gold_backlog_daily": "updated"}
    assert "exit_code" in shown.tables["opslake", "runs"]["view"]["query"]


def test_what_opslake_did_not_make_is_left_alone(settings_of: Command, bigquery: BigQuery) -> None:
    """Exit code 2, with its name."""
    theirs = {"tableReference": {"projectId": PROJECT, "datasetId": "opslake", "tableId": "runs"}, "type": "TABLE"}
    bigquery.tables["opslake", "runs"] = dict(theirs)

    answer = settings_of("publish", "bigquery", *LAKE)

    assert answer.code == 2
    assert "opslake.runs" in answer.err
    assert bigquery.tables["opslake", "runs"] == theirs


def test_a_column_whose_name_bigquery_refuses_is_left_out(shown: BigQuery) -> None:
    """`_file_modified` begins with a reserved word; the other columns of its tables are there."""
    columns = [f["name"] for f in shown.tables["opslake_restricted", "silver_tickets"]["schema"]["fields"]]

    assert "_file_modified" not in columns
    assert {"ticket_id", "_source_file", "_row_number", "year"} <= set(columns)
    types = {f["name"]: f["type"] for f in shown.tables["opslake_restricted", "silver_tickets"]["schema"]["fields"]}
    assert (types["created_at"], types["created_date"], types["sla_hours"]) == ("TIMESTAMP", "DATE", "NUMERIC")


def test_labels_tell_what_is_personal(shown: BigQuery) -> None:
    """All of Silver and Bronze; no view."""
    labels = {name: t["labels"]["personal_data"] for name, t in shown.tables.items()}

    assert labels["opslake_restricted", "silver_agents_master"] == "yes"
    assert labels["opslake_restricted", "bronze_tickets"] == "yes"
    assert labels["opslake_restricted", "gold_backlog_daily"] == "no"
    assert {told for (dataset, _), told in labels.items() if dataset == "opslake"} == {"no"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "BigQuery reads lakes on gs:// only"),
        ((*LAKE, "--connection", "lake"), "PROJECT.LOCATION.NAME"),
        ((*LAKE, "--connection", f"{PROJECT}.us.lake"), "isn't where the connection is"),
        ((*LAKE, "--dataset", "elsewhere"), "no such dataset"),
    ],
)
def test_what_can_not_work_is_wrong_usage(
    settings_of: Command, bigquery: BigQuery, options: tuple[str, ...], told: str
) -> None:
    """Exit code 2 and what to do, before anything is written."""
    answer = settings_of("publish", "bigquery", *options)

    assert answer.code == 2
    assert told in answer.err
    assert bigquery.writes == []


def test_without_a_connection_nothing_is_begun(settings_of: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, with the name of the setting."""
    monkeypatch.delenv("OPSLAKE_BIGQUERY_CONNECTION")

    answer = settings_of("publish", "bigquery", *LAKE)

    assert answer.code == 2
    assert "bigquery_connection" in answer.err


def test_the_missing_day_is_a_gap_and_late(shown: BigQuery) -> None:
    """Of tickets alone: agents needn't come every day."""
    gaps = query(shown, "SELECT * FROM opslake.ingestion_gaps")
    late = query(
        shown, "SELECT ops_date, late_datasets, late_names FROM opslake.ingestion_by_day WHERE late_datasets > 0"
    )

    assert gaps == [{"dataset": "tickets", "first_day": MISSING, "last_day": MISSING, "open_days": 1}]
    assert late == [{"ops_date": MISSING, "late_datasets": 1, "late_names": "tickets"}]


def test_rejected_rows_by_day_are_those_of_the_independent_calculation(shown: BigQuery, published: Published) -> None:
    """Over both datasets; here of tickets."""
    rows = query(shown, "SELECT * FROM opslake.ingestion_days WHERE dataset = 'tickets' AND rows_read IS NOT NULL")

    figures = {row["ops_date"]: (row["rows_read"], row["rows_rejected"]) for row in rows}
    assert figures == {day: (f.read, f.rejected) for day, f in published.truth.figures.items()}
    deadline = next(row["deadline"] for row in rows if row["ops_date"] == START)
    assert deadline.isoformat() == "2025-03-04T18:30:00+00:00"  # a day after midnight in Kolkata

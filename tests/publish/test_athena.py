"""`opslake publish athena`, with boto3 against moto's Glue; what is registered is then read and executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from spark_jobs.catalog.glue import Target, publish
from spark_jobs.catalog.survey import LakeTable, Survey
from tests.cli.conftest import Command
from tests.publish.catalog import BUCKET, PRESTO, definition, opened, tables_of
from tests.publish.conftest import MISSING, REGION, ZONE, Published, empty_glue, lake_in_the_cloud

LAKE = ("--uri", BUCKET.replace("s3://", "s3a://"))
ELSEWHERE = "eu-west-1"
EMPTY = (*LAKE, "--region", ELSEWHERE)


@pytest.fixture
def glue(aws: str) -> Iterator[Any]:
    """A client of Glue with two empty databases, in a region of its own."""
    with empty_glue(aws, ELSEWHERE) as client:
        yield client


@pytest.fixture(scope="module")
def shown(published: Published, aws: str) -> Iterator[Any]:
    """The catalog after the lake was published, for tests that leave it so."""
    with empty_glue(aws, REGION) as client:
        publish(*lake_in_the_cloud(published, LAKE[1]), ZONE, Target("opslake", "opslake_restricted"), client)
        yield client


def test_gold_and_state_stand_in_the_analysts_database(shown: Any, published: Published) -> None:
    """By their plain names; everything else with its layer in the restricted one."""
    kept = {(path.parent.parent.name, path.parent.name) for path in published.root.glob("*/*/_delta_log")}
    over_state = {"ingestion_days", "ingestion_by_day", "ingestion_gaps"}
    personal = {("gold", "dim_ticket_agents")}  # it has the agents' names, where it is

    analysts, restricted = tables_of(shown, "opslake"), tables_of(shown, "opslake_restricted")

    assert analysts.keys() == {name for layer, name in kept - personal if layer in ("gold", "state")} | over_state
    others = {f"{layer}_{name}" for layer, name in kept if layer not in ("gold", "state") or (layer, name) in personal}
    assert restricted.keys() == others | {"exception_reasons_daily"}


def test_a_table_says_where_its_log_is_and_that_it_is_delta(shown: Any) -> None:
    """With `s3` for `s3a`; Athena asks the serde for the path."""
    table = tables_of(shown, "opslake")["backlog_daily"]

    place = f"{BUCKET}/gold/backlog_daily"
    assert table["StorageDescriptor"]["Location"] == place
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["path"] == place
    assert table["Parameters"]["table_type"] == "DELTA"
    assert table["Parameters"]["spark.sql.sources.provider"] == "delta"


def test_columns_have_hives_types(shown: Any) -> None:
    """Numbers, dates, instants, lists of structs and maps."""
    analysts, restricted = tables_of(shown, "opslake"), tables_of(shown, "opslake_restricted")

    def types(table: dict[str, Any]) -> dict[str, str]:
        return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}

    facts = types(analysts["fact_tickets"])
    assert (facts["ticket_id"], facts["sla_hours"], facts["day_of_week"]) == ("string", "decimal(9,2)", "int")
    assert (facts["created_at"], facts["created_date"], facts["is_resolved"]) == ("timestamp", "date", "boolean")
    told = "array<struct<path:string,size:bigint,checksum:string,modified:timestamp>>"
    assert types(analysts["ingestion_state"])["deliveries"] == told
    assert types(restricted["bronze_tickets"])["_extra"] == "map<string,string>"


def test_personal_columns_are_marked(shown: Any) -> None:
    """For filters of Lake Formation, and for people."""
    columns = tables_of(shown, "opslake_restricted")["silver_agents_master"]["StorageDescriptor"]["Columns"]

    marked = {column["Name"] for column in columns if column.get("Parameters") == {"classification": "personal"}}
    assert marked == {"agent_name", "location", "shift", "hired_on"}


def test_every_view_runs_and_has_the_columns_that_it_says(shown: Any, published: Published) -> None:
    """Athena refuses a view whose columns differ from what its definition tells."""
    duck = opened(shown, published.root, "opslake", "opslake_restricted")
    views = [
        (database, name, definition(table))
        for database in ("opslake", "opslake_restricted")
        for name, table in tables_of(shown, database).items()
        if table["TableType"] == "VIRTUAL_VIEW"
    ]

    assert len(views) == 4
    for database, name, told in views:
        declared = {column["name"]: PRESTO[column["type"]] for column in told["columns"]}
        found = {column: kind.replace("HUGEINT", "BIGINT") for column, kind in duck.columns(database, name).items()}
        assert found == declared, name


def test_analysts_views_run_without_the_restricted_database(shown: Any, published: Published) -> None:
    """Athena asks for the asker's rights on whatever a view reads."""
    duck = opened(shown, published.root, "opslake")

    _, gaps = duck.run("SELECT * FROM opslake.ingestion_gaps", "athena")

    assert gaps == [{"dataset": "tickets", "first_day": MISSING, "last_day": MISSING, "open_days": 1}]


def test_a_second_time_changes_nothing_and_says_so(shown: Any, settings_of: Command) -> None:
    """No table gets another version."""
    before = {name: table["VersionId"] for name, table in tables_of(shown, "opslake").items()}

    answer = settings_of("publish", "athena", *LAKE)

    assert answer.code == 0
    assert "nothing to change" in answer.out
    assert {name: table["VersionId"] for name, table in tables_of(shown, "opslake").items()} == before


def test_a_dry_run_says_what_would_be_and_changes_nothing(settings_of: Command, glue: Any) -> None:
    """The same objects as the run itself makes."""
    foreseen = settings_of("publish", "athena", *EMPTY, "--dry-run", "--json").json
    assert tables_of(glue, "opslake") == {}

    done = settings_of("publish", "athena", *EMPTY, "--json").json

    assert foreseen["objects"] == done["objects"]


def test_what_differs_is_put_right_and_what_others_added_stays(shown: Any, settings_of: Command) -> None:
    """A column that came, and a parameter of somebody else's."""
    table = tables_of(shown, "opslake")["backlog_daily"]
    storage = {**table["StorageDescriptor"], "Columns": table["StorageDescriptor"]["Columns"][:2]}
    given = {
        "Name": "backlog_daily",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**table["Parameters"], "owner": "x"},
        "StorageDescriptor": storage,
    }
    shown.update_table(DatabaseName="opslake", TableInput=given)

    objects = settings_of("publish", "athena", *LAKE, "--json").json["objects"]

    changed = [one["name"] for one in objects if one["action"] not in ("unchanged", "skipped")]
    assert changed == ["opslake.backlog_daily"]
    after = tables_of(shown, "opslake")["backlog_daily"]
    assert [column["Name"] for column in after["StorageDescriptor"]["Columns"]][2:] == ["closed", "backlog_size"]
    assert after["Parameters"]["owner"] == "x"


def test_a_table_that_gets_a_personal_column_leaves_the_analysts_database(glue: Any) -> None:
    """It is removed there and made in the restricted one."""

    def survey(*personal: str) -> Survey:
        table = LakeTable("gold", "dim", f"{BUCKET}/gold/dim", {"id": "string", "name": "string"}, personal, "About.")
        return Survey((table,), ())

    target = Target("opslake", "opslake_restricted")
    publish(survey(), {}, "UTC", target, glue)
    assert "dim" in tables_of(glue, "opslake")

    done = publish(survey("name"), {}, "UTC", target, glue)

    assert {one.name: one.action for one in done if one.kind == "table"} == {
        "opslake_restricted.gold_dim": "created",
        "opslake.dim": "removed",
    }
    assert tables_of(glue, "opslake") == {}


def test_what_opslake_did_not_make_is_left_alone(settings_of: Command, glue: Any) -> None:
    """Exit code 2, with its name."""
    glue.create_table(DatabaseName="opslake", TableInput={"Name": "runs"})

    answer = settings_of("publish", "athena", *EMPTY)

    assert answer.code == 2
    assert "opslake.runs" in answer.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--region", ELSEWHERE), "Athena reads lakes on s3:// only"),
        ((*EMPTY, "--database", "elsewhere"), "no such database"),
    ],
)
@pytest.mark.usefixtures("glue")
def test_what_can_not_work_is_wrong_usage(settings_of: Command, options: tuple[str, ...], told: str) -> None:
    """Exit code 2 and what to do."""
    answer = settings_of("publish", "athena", *options)

    assert answer.code == 2
    assert told in answer.err

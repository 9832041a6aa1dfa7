"""What is found in a lake, and what of it is personal. Small tables, no Spark."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from spark_jobs.catalog import bigquery, glue
from spark_jobs.catalog.survey import silver_inputs, survey
from spark_jobs.catalog.types import bigquery_schema, hive
from spark_jobs.contract import load_contracts
from spark_jobs.errors import UsageError
from spark_jobs.gold import registry
from tests.cli.tables import write

INTERVALS = {"extension": pa.string(), "assignee": pa.string(), "productive_seconds": pa.int64()}


@pytest.fixture
def small_lake(tmp_path: Path) -> Path:
    """Two Gold tables: one has a column that `agent_identity` classifies, the other one of that name by chance."""
    write(tmp_path, "gold", "agent_activity_intervals", INTERVALS, [{"extension": "1"}])
    write(tmp_path, "gold", "backlog_daily", {"ops_date": pa.date32(), "assignee": pa.string()}, [{"assignee": "x"}])
    return tmp_path


def test_a_gold_table_follows_from_datasets_through_other_gold_tables() -> None:
    """The metrics of a day read Gold alone."""
    assert silver_inputs(registry()["daily_ops_metrics"]) == {"tickets"}
    assert silver_inputs(registry()["agent_activity_weekly"]) == {"agent_events", "agent_identity"}


def test_a_gold_column_is_personal_when_its_datasets_classify_one_of_its_name(small_lake: Path) -> None:
    """Whoever follows from other datasets may use the word."""
    found = survey(str(small_lake), load_contracts())

    assert {table.name: table.personal for table in found.of("gold")} == {
        "agent_activity_intervals": ("assignee",),
        "backlog_daily": (),
    }


def test_analysts_of_bigquery_see_the_other_columns(small_lake: Path) -> None:
    """The view names what it shows."""
    target = bigquery.Target("opslake", "hidden", "p.us.lake")

    wanted, waiting = bigquery.wanted_of(
        survey(str(small_lake), load_contracts()), load_contracts(), "UTC", target, "p"
    )

    views = {one.name: one.definition["view"]["query"] for one in wanted if one.kind == "view"}
    assert views["agent_activity_intervals"] == (
        "SELECT\n  `extension`,\n  `productive_seconds`\nFROM `p.hidden.gold_agent_activity_intervals`"
    )
    assert waiting == ("ingestion_days", "ingestion_by_day", "ingestion_gaps", "exception_reasons_daily")


def test_analysts_of_athena_do_not_see_the_table(small_lake: Path) -> None:
    """Their rights are rights to files."""
    found = survey(str(small_lake), load_contracts(), "s3://bucket/lake")

    wanted, _ = glue.wanted_of(found, load_contracts(), "UTC", glue.Target("opslake", "hidden"))

    places = {one.full_name: one.definition is not None for one in wanted}
    assert places == {
        "hidden.gold_agent_activity_intervals": True,
        "opslake.agent_activity_intervals": False,
        "opslake.backlog_daily": True,
    }


def test_a_lake_without_tables_is_refused(tmp_path: Path) -> None:
    """Most likely it isn't the lake that was meant."""
    with pytest.raises(UsageError, match="holds no table"):
        survey(str(tmp_path), load_contracts())


def test_everything_that_opslake_makes_has_a_name_of_its_own() -> None:
    """Gold and state stand side by side in the analysts' dataset."""
    from spark_jobs.catalog.views import ABOUT
    from state.tables import STATE_TABLES

    names = [*registry(), *(table.name for table in STATE_TABLES), *ABOUT]

    assert len(names) == len(set(names))


def test_types_have_the_words_of_each_reader() -> None:
    """Nested ones too; a decimal that BigQuery's NUMERIC can't hold is larger; a reserved name is left out."""
    pairs = {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True}
    part = {"name": "n", "type": "integer", "nullable": True, "metadata": {}}
    parts = {"type": "array", "elementType": {"type": "struct", "fields": [part]}, "containsNull": True}

    assert [hive(kind) for kind in ("long", "decimal(18,4)", pairs, parts)] == [
        "bigint",
        "decimal(18,4)",
        "map<string,bigint>",
        "array<struct<n:int>>",
    ]
    columns = {"a": "decimal(18,4)", "b": "decimal(38,18)", "c": pairs, "d": parts, "_FILE_x": "string"}
    fields = bigquery_schema(columns)
    assert [(f["name"], f["type"], f["mode"]) for f in fields] == [
        ("a", "NUMERIC", "NULLABLE"),
        ("b", "BIGNUMERIC", "NULLABLE"),
        ("c", "STRUCT", "REPEATED"),
        ("d", "STRUCT", "REPEATED"),
    ]
    assert fields[2]["fields"][0] == {"name": "key", "mode": "NULLABLE", "type": "STRING"}
    assert fields[3]["fields"] == [{"name": "n", "mode": "NULLABLE", "type": "INT64"}]

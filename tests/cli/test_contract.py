"""`opslake contract`: contracts are checked, and drafted from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spark_jobs.contract import load_contract, load_contracts
from spark_jobs.contract_sql import sql_findings
from tests.cli.conftest import Command

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CALLS = "call_id,started_at,seconds\nC1,2026-03-01 10:00:00,12\nC2,2026-03-01 11:00:00,340\n"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A small export."""
    file = tmp_path / "calls_2026-03-01.csv"
    file.write_text(CALLS)
    return file


def test_the_built_in_contracts_are_fine(opslake: Command) -> None:
    """Exit code 0 and a line that says how many were read."""
    answer = opslake("contract", "lint")

    assert (answer.code, answer.out) == (0, f"{len(load_contracts())} contracts: ok\n")


def test_the_own_directory_of_the_settings_is_checked_too(opslake: Command, calls: Path, tmp_path: Path) -> None:
    """Three files then."""
    assert opslake("contract", "new", str(calls), "--out", str(tmp_path / "own")).code == 0

    assert opslake("--contracts", str(tmp_path / "own"), "contract", "lint").out.startswith(
        f"{len(load_contracts()) + 1} "
    )


def test_a_finding_names_file_line_key_value_and_what_is_allowed(opslake: Command, calls: Path, tmp_path: Path) -> None:
    """Exit code 2; the same for machines."""
    opslake("contract", "new", str(calls), "--out", str(tmp_path / "own"))
    file = tmp_path / "own" / "calls.odcs.yaml"
    text = file.read_text().replace("property: loadMode", "property: laodMode")
    file.write_text(text)
    line = next(n for n, found in enumerate(text.splitlines(), 1) if "laodMode" in found)

    answer = opslake("contract", "lint", str(file))
    (found,) = opslake("contract", "lint", str(file), "--json").json["findings"]

    assert answer.code == 2
    assert f"{file}:{line} laodMode: " in answer.out
    assert "did you mean 'loadMode'?" in answer.out
    assert (found["file"], found["line"], found["key"], found["value"]) == (str(file), line, "laodMode", "laodMode")
    assert "loadMode" in found["allowed"]


def test_a_path_that_is_not_there_is_wrong_usage(opslake: Command) -> None:
    """Exit code 2."""
    assert opslake("contract", "lint", "nowhere").code == 2
    assert opslake("contract", "lint", "nowhere.odcs.yaml").code == 2


def test_a_draft_goes_to_standard_output_and_nothing_else_does(opslake: Command, calls: Path) -> None:
    """It can be sent into a file."""
    answer = opslake("contract", "new", str(calls))

    assert answer.code == 0
    assert answer.out.startswith("# Drafted from")
    assert "  - name: calls\n" in answer.out


def test_a_draft_is_written_once_and_never_over_another(opslake: Command, calls: Path, tmp_path: Path) -> None:
    """A second one is refused, and the first stays as somebody may have edited it."""
    target = tmp_path / "own" / "phone.odcs.yaml"
    arguments = ("contract", "new", str(calls), "--dataset", "phone", "--out", str(target))
    assert "to be judged" in opslake(*arguments).out
    target.write_text("edited")

    assert opslake(*arguments).code == 2
    assert target.read_text() == "edited"


def test_a_draft_onto_a_built_in_dataset_extends_it(opslake: Command, tmp_path: Path) -> None:
    """It is called after that dataset."""
    file = tmp_path / "export.csv"
    file.write_text("Ticket ID,Created,Priority\n1,2026-03-01 10:00:00,High\n2,2026-03-01 11:00:00,Low\n")

    found = opslake("contract", "new", str(file), "--for", "tickets", "--json").json

    assert found["dataset"] == "tickets"
    assert "extends, value: builtin" in found["contract"]


def test_wrong_names_are_wrong_usage(opslake: Command, calls: Path) -> None:
    """Both options at once, a dataset that isn't built in, a file that isn't there."""
    assert opslake("contract", "new", str(calls), "--for", "tickets", "--dataset", "x").code == 2
    assert f"allowed: {', '.join(load_contracts())}" in opslake("contract", "new", str(calls), "--for", "invoices").err
    assert opslake("contract", "new", "nowhere.csv").code != 0


def test_spark_accepts_the_built_in_expressions(spark: SparkSession) -> None:
    """All parse, and all names and functions resolve."""
    assert sql_findings(spark, load_contract("tickets")) == []
    assert sql_findings(spark, load_contract("agents_master")) == []


@pytest.mark.parametrize(
    ("expression", "told"),
    [("created_at <= ", "Spark refuses it"), ("no_such_function(created_at) > 1", "Spark can't resolve it")],
)
def test_an_expression_that_spark_refuses_is_a_finding(spark: SparkSession, expression: str, told: str) -> None:
    """One that isn't SQL names its place; one that names nothing is found too."""
    tickets = load_contract("tickets")
    broken = replace(
        tickets, rules=(replace(tickets.rules[0], name="broken", expression=expression), *tickets.rules[1:])
    )

    (finding,) = sql_findings(spark, broken)

    assert told in finding.what
    if told == "Spark refuses it":
        assert (finding.key, finding.value) == ("rule broken", expression)


def test_a_pattern_that_does_not_compile_is_a_finding(spark: SparkSession) -> None:
    """Java's regular expressions decide."""
    tickets = load_contract("tickets")
    columns = tuple(replace(c, pattern="T[0-9") if c.name == "ticket_id" else c for c in tickets.columns)

    (finding,) = sql_findings(spark, replace(tickets, columns=columns))

    assert finding.key == "ticket_id.pattern"

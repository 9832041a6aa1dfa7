"""The runbook's restore by time travel, its own blocks executed on a lake with a delivery that should not have come."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from state.ledger import Status
from tests.cli.conftest import Command
from tests.docs.page import DOCS, commands, holds
from tests.e2e.processes import TABLES, few_tables
from tests.e2e.trial import Trial, ticket, without

SECTION = re.compile(r"^## Restore by time travel\n(.*?)^## ", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^ *```(python|console)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
ONE, TWO, THREE, TODAY = (date(2026, 3, day) for day in (2, 3, 4, 5))
LINEAGE = ("_ingested_at", "_run_id", "_load_time", "_file_modified", "_source_file")


def record(key: str, day: date, **cells: str) -> str:
    """A ticket of that day."""
    return ticket(key, created_at=f"{day} 09:00:00", updated_at=f"{day} 09:00:00", **cells)


RIGHT = {
    ONE: [record("T1", ONE), record("T2", ONE)],
    TWO: [record("T2", ONE, priority="Low"), record("T3", TWO)],
    THREE: [record("T1", ONE, resolved_at="2026-03-04 10:00:00"), record("T4", THREE)],
}
WRONG = [record("T2", ONE, priority="Medium"), record("X1", TWO), record("X2", ONE)]


def follow(page: str, given: dict[str, str], opslake: Command) -> None:
    """Execute the section's blocks in order, with the values of this lake in the place of the page's."""
    section = SECTION.search((DOCS / page).read_text(encoding="utf-8"))
    assert section is not None
    told: dict[str, Any] = {}
    for kind, text in BLOCK.findall(section[1]):
        block = dedent(text)
        if kind == "python":
            for here, there in given.items():
                block = block.replace(here, there)
            exec(block, told)
            continue
        for words, expected in commands(block):
            answer = opslake(*words[1:])
            assert answer.code == 0, f"{words} ended with {answer.code}:\n{answer.out}{answer.err}"
            assert holds(answer.out, expected), f"{words} printed\n{answer.out}instead of {expected}"


def held(lake: Trial) -> dict[str, list[str]]:
    """The rows of Silver and Gold without what names runs and files, and the figures of the days."""
    names = ["silver/tickets", *(f"gold/{name}" for name in TABLES)]
    found = {name: sorted(map(repr, without(lake.rows(name), LINEAGE))) for name in names}
    return {**found, "figures": [repr(one) for one in sorted(lake.figures().items())]}


@pytest.mark.slow
def test_a_lake_is_restored_as_the_runbook_says(
    tmp_path: Path, root: Path, opslake: Command, own_session: SparkSession
) -> None:
    """It ends as one that the wrong delivery never reached, and neither a run nor a rebuild changes it after that."""
    lake, never = Trial(own_session, tmp_path), Trial(own_session, tmp_path / "never", options={"today": TODAY})
    with few_tables():
        for day, records in {**RIGHT, TWO: WRONG}.items():
            lake.deliver(day, *records)
            assert opslake("run", "--date", str(day)).code == 0
        lake.deliver(TWO, *RIGHT[TWO])
        commits = DeltaTable(str(root / "silver" / "tickets")).history()
        before = min(c["version"] for c in commits if str(TWO) in c.get("userMetadata", "")) - 1
        given = {"gs://my-project-opslake-lake": str(root), "silver.restore(41)": f"silver.restore({before})"}

        follow("runbook.md", given, opslake)

        for day, records in RIGHT.items():
            never.deliver(day, *records)
        never.run()
        restored = held(lake)
        assert restored == held(never)
        assert {day: state.status for day, state in lake.days().items()} == dict.fromkeys(RIGHT, Status.SUCCEEDED)
        versions = lake.versions()
        assert opslake("run").code == 0
        assert lake.versions() == versions
        assert opslake("rebuild", "--silver", "tickets").code == 0
        assert held(lake) == restored


def test_bronze_that_was_restored_gets_the_later_days_by_loading_them_again(
    tmp_path: Path, own_session: SparkSession
) -> None:
    """Silver has all of it already and stays as it is."""
    lake = Trial(own_session, tmp_path, options={"today": TODAY})
    for day in (ONE, TWO):
        lake.deliver(day, *RIGHT[day])
        lake.load(start=day, end=day)
    bronze, silver = lake.rows("bronze/tickets"), lake.versions()["silver/tickets"]
    table = DeltaTable(str(lake.lake / "bronze" / "tickets"))
    table.restore(min(c["version"] for c in table.history() if str(TWO) in c.get("userMetadata", "")) - 1)
    assert {row["_logical_date"] for row in lake.rows("bronze/tickets")} == {ONE}

    lake.load(start=TWO, end=TWO, force=True)

    found = lake.rows("bronze/tickets")
    assert sorted(map(repr, without(found, LINEAGE))) == sorted(map(repr, without(bronze, LINEAGE)))
    assert lake.versions()["silver/tickets"] == silver

"""`opslake forget` where records don't say openly whose they are, and what it can't see."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.exception_export import export_exceptions
from spark_jobs.planning import Choice
from spark_jobs.replaying import Asked
from tests.contract_texts import TICKETS_OF_CUSTOMERS
from tests.e2e.processes import put, ticket
from tests.e2e.test_forget import (
    BEN,
    HEADER,
    PEOPLE,
    PEOPLE_HEADER,
    PERSONAL,
    SECRET,
    WHO,
    found_in,
    pipe,
    purged,
    select_all,
)

pytestmark = pytest.mark.usefixtures("three_tables")

MINE, OTHERS = f",{WHO},ann@example.org", ",CUST-2,ben@example.org"
UNKNOWN = HEADER.replace("customer_id", "cust_no")
SHORT = f"{WHO},Xi Q,ann@example.org,1980-02-03,1 Elm Street,2020-01-01"
BEFORE = "".join(
    line for line in TICKETS_OF_CUSTOMERS.splitlines(keepends=True) if not re.search("customer_|contact|  prop", line)
)
"""The contract as it was when nothing of the customers was known."""
SILVER = [
    ("T01", "forgotten", None),
    ("T02", "forgotten", None),
    ("T03", "CUST-2", "ben@example.org"),
    ("T06", "forgotten", None),
]


def deliver(landing: Path) -> None:
    """The second and third day have unknown columns, the fourth no header; of two lists the first is never read."""
    put(landing, "tickets", 2, UNKNOWN, [ticket(2, "02 08:00") + f",{WHO},c@d"], 2)
    refers = [ticket(3, "03 08:00") + OTHERS, ticket(5, "never") + OTHERS, ticket(6, "never") + MINE]
    put(landing, "tickets", 3, f"{HEADER},referred_by", [f"{row},{WHO}" for row in refers], 3)
    put(landing, "tickets", 4, ticket(7, "04 08:00", updated="04 09:00") + MINE, [ticket(8, "04 08:00") + OTHERS], 4)
    put(landing, "people", 1, PEOPLE_HEADER, [SHORT, BEN], 1)
    put(landing, "people", 2, PEOPLE_HEADER, [SHORT, BEN, "call Xi Q", "born,1980-02-03", "call Ben Other"], 2)


def expect_gone(lake: Path) -> None:
    """No file says anything of the customer."""
    assert found_in(lake) == {kind: set() for kind in PERSONAL}


@pytest.mark.slow
def test_records_that_don_t_say_openly_whose_they_are(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id came in unknown columns, in a header's place, in a correction; lists and a table weren't looked at.

    Corrected rows find their exceptions, a rebuild gives what is there, and later loads know the customer again.
    """
    monkeypatch.setenv("FORGET_SECRET", SECRET)
    monkeypatch.setitem(PERSONAL, "name", r"Xi Q")
    lake, landing, contract = tmp_path / "lake", tmp_path / "landing", tmp_path / "contracts" / "tickets.odcs.yaml"
    contract.parent.mkdir()
    (contract.parent / "people.odcs.yaml").write_text(PEOPLE, encoding="utf-8")
    contract.write_text(BEFORE)
    put(landing, "tickets", 1, HEADER, [ticket(1, "01 08:00") + MINE, ticket(4, "never") + MINE], 1)
    assert pipe(lake, landing, spark).run(Choice()).exit_code == 0
    contract.write_text(TICKETS_OF_CUSTOMERS)
    deliver(landing)
    its = pipe(lake, landing, spark)
    assert its.run(Choice()).exit_code == 1
    assert found_in(lake)["id"] >= {"bronze/tickets", "exception/tickets", "silver/people", "state/ingestion_state"}
    corrected = tmp_path / "open.csv"
    export_exceptions(str(lake), its.contracts["tickets"], str(corrected))
    header, *lines = corrected.read_text().splitlines()
    corrected.write_text("\n".join([header, *(x.replace("never", "2024-05-03 09:00:00") for x in lines if "T06" in x)]))
    shutil.copytree(lake / "gold" / "backlog_daily", lake / "gold" / "earlier")

    report, forgot = its.forget([WHO])
    assert (report.exit_code, forgot.unknown) == (0, ("gold/earlier",))
    assert [Path(path).name for path in forgot.unseen] == ["2024-05-01.csv"]
    assert "/people/" in forgot.unseen[0]
    assert [Path(path).name for path in forgot.sources if "/tickets/" in path] == [
        f"2024-05-0{n}.csv" for n in (1, 2, 3, 4)
    ]
    assert pipe(lake, landing, spark).replay(Asked("tickets", file=str(corrected))).exit_code == 0
    life = select_all(lake, "exception/tickets", "status, raw_record")
    assert life == [("open", "forgotten"), ("open", "forgotten"), ("resolved", "forgotten")]
    malformed = select_all(lake, "exception/people", "raw_record")
    assert malformed == [("call Ben Other",), ("forgotten",), ("forgotten",)]
    expect_gone(purged(lake, landing))
    assert select_all(lake, "silver/tickets", "ticket_id, customer_id, contact") == SILVER
    pipe(lake, landing, spark).rebuild(silver="tickets")
    assert select_all(lake, "silver/tickets", "ticket_id, customer_id, contact") == SILVER

    purged(lake, landing)
    put(landing, "tickets", 5, UNKNOWN, [ticket(9, "05 08:00") + f",{WHO},c@d", f"call {WHO.lower()}."], 5)
    put(
        landing,
        "tickets",
        6,
        ticket(7, "04 08:00", updated="04 09:00") + f",{WHO},c@d",
        [ticket(8, "04 08:00") + f",{WHO},"],
        6,
    )
    assert pipe(lake, landing, spark).run(Choice()).exit_code == 1
    expect_gone(lake)
    assert ("T09", "forgotten", None) in select_all(lake, "silver/tickets", "ticket_id, customer_id, contact")

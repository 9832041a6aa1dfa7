"""Tabs of a Google Sheet, from a local server that speaks its API; no Spark."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from spark_jobs.contract import Contract, load_contract
from spark_jobs.errors import SourceError, Unreachable
from spark_jobs.sources import sheet as source
from spark_jobs.sources.record import Asked, File
from tests.sheets_server import AGENTS, SheetsServer, sheets_server

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)


@pytest.fixture
def agents() -> Contract:
    """The built-in contract."""
    return load_contract("complaint_agents")


def read(contract: Contract, day: date = DAY) -> list[dict[str, Any]]:
    """The records of the tab, as Bronze would have them."""
    with source.opened(contract, source.find(contract, Asked({}, day))) as tabs:
        files = [File(d.path, d.modified, day, d.delivery, d.size) for d in tabs.deliveries[day]]
        return list(tabs.here(files, run_id="r", load_time=datetime(2024, 3, 3, tzinfo=UTC)).to_pylist())


def test_a_tab_is_its_rows_in_their_order_under_the_first_as_header(sheets: SheetsServer, agents: Contract) -> None:
    """Headers are matched like any other; blank rows have no number, and cells left out at a row's end are empty."""
    sheets.books["book"]["agents"] = [*AGENTS[:2], ["", " "], AGENTS[2], ["3", "Cy", "Senior", "Kano", "note"]]
    rows = read(agents)
    assert [(r["_row_number"], r["id"], r["name"], r["experience"], r["state"]) for r in rows] == [
        (1, "1", "Ann", "Junior", "Lagos"),
        (2, "2", "Bo", "", ""),
        (3, "3", "Cy", "Senior", "Kano"),
    ]
    assert {r["_source_file"] for r in rows} == {"sheet://Book book/agents"}


def test_a_tab_is_as_of_the_latest_day_until_its_content_changes(sheets: SheetsServer, agents: Contract) -> None:
    """The same content stays the delivery of the day that it came on; other content is the next day's."""
    found = source.find(agents, Asked({}, DAY))
    (first,) = found[DAY]
    assert source.find(agents, Asked({DAY: (first,)}, NEXT)) == {DAY: [first]}

    sheets.books["book"]["agents"] = [AGENTS[0], AGENTS[2], AGENTS[1]]
    changed = source.find(agents, Asked({DAY: (first,)}, NEXT))
    assert list(changed) == [NEXT]
    assert changed[NEXT][0].checksum != first.checksum

    sheets.books["book"]["agents"] = AGENTS
    third = date(2024, 3, 3)
    back = source.find(agents, Asked({DAY: (first,), NEXT: tuple(changed[NEXT])}, third))
    assert {day: d.checksum for day, (d,) in back.items()} == {third: first.checksum}


def test_what_is_loaded_is_what_the_tab_holds_then(sheets: SheetsServer, agents: Contract) -> None:
    """Not what it held when the run was planned: the checksum follows."""
    found = source.find(agents, Asked({}, DAY))
    sheets.books["book"]["agents"] = AGENTS[:2]
    with source.opened(agents, found) as tabs:
        assert tabs.deliveries[DAY][0].checksum != found[DAY][0].checksum
        assert len(tabs.cells["sheet://Book book/agents"]) == 2


def test_tabs_may_have_a_day_in_their_name(sheets: SheetsServer, agents: Contract) -> None:
    """Then each is that day's delivery; others aren't read."""
    sheets.books["book"] = {"agents 2024-03-01": AGENTS, "agents 2024-03-02": AGENTS[:2], "agents": [["x"]]}
    dated = replace(agents, path="agents %Y-%m-%d")
    found = source.find(dated, Asked({}, NEXT))
    assert {day: [d.path for d in files] for day, files in found.items()} == {
        DAY: ["sheet://Book book/agents 2024-03-01"],
        NEXT: ["sheet://Book book/agents 2024-03-02"],
    }


def test_a_missing_tab_is_named_with_those_that_are_there(sheets: SheetsServer, agents: Contract) -> None:
    """A tab that differs in case only is the one that is meant, where it is alone."""
    sheets.books["book"] = {"Agents": AGENTS}
    assert list(source.find(agents, Asked({}, DAY))) == [DAY]
    sheets.books["book"] = {"agent": AGENTS, "Notes": []}
    with pytest.raises(SourceError) as caught:
        source.find(agents, Asked({}, DAY))
    assert str(caught.value) == (
        "sheet://Book book: there is no such tab; found: 'agents'; allowed: agent, Notes; did you mean 'agent'?"
    )


def test_a_tab_without_a_header_is_an_error_that_names_it(sheets: SheetsServer, agents: Contract) -> None:
    """An empty tab is no list of nobody."""
    sheets.books["book"]["agents"] = []
    with pytest.raises(SourceError, match="sheet://Book book/agents: the tab has no header"):
        read(agents)


@pytest.mark.parametrize(
    ("book", "told"),
    [
        (
            "private",
            "complaint_agents, spreadsheet env:COMPLAINTS_SHEET: the service account may not read it; share it",
        ),
        ("absent", "complaint_agents, spreadsheet env:COMPLAINTS_SHEET: there is no such spreadsheet"),
    ],
)
def test_a_spreadsheet_that_cant_be_read_is_named_by_its_reference(
    sheets: SheetsServer, agents: Contract, monkeypatch: pytest.MonkeyPatch, book: str, told: str
) -> None:
    """With what to do about it."""
    monkeypatch.setenv("COMPLAINTS_SHEET", book)
    with pytest.raises(SourceError) as caught:
        source.find(agents, Asked({}, DAY))
    assert str(caught.value).startswith(told)
    assert sheets.requests == [f"/v4/spreadsheets/{book}"]


def test_google_is_asked_three_times_where_it_is_out_of_order(sheets: SheetsServer, agents: Contract) -> None:
    """Twice is borne; the third time the dataset fails."""
    sheets.failures = [503, 429]
    assert list(source.find(agents, Asked({}, DAY))) == [DAY]
    sheets.failures = [500, 503, 429]
    with pytest.raises(Unreachable, match=r"Google says no \(429\)"):
        source.find(agents, Asked({}, DAY))


def test_a_key_that_is_not_the_accounts_is_refused_and_shown_nowhere(
    sheets: SheetsServer, agents: Contract, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor is a credential that is no service account at all."""
    with sheets_server(pytest.MonkeyPatch()) as other:
        stolen = {**sheets.account, "private_key": other.account["private_key"]}
    for credential in (json.dumps(stolen), "s3cret", '{"private_key": "s3cret"}', '"s3cret"'):
        monkeypatch.setenv("COMPLAINTS_SHEET_CREDENTIALS", credential)
        with pytest.raises(SourceError, match="service account") as caught:
            source.find(agents, Asked({}, DAY))
        told = f"{caught.value!r} {caught.value.__cause__!r} {capfd.readouterr()}"
        assert "s3cret" not in told
        assert "PRIVATE KEY" not in told

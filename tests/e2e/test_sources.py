"""Tables and tabs through the whole engine: from a real PostgreSQL server and a server that speaks the Sheets API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs import tries
from spark_jobs.contract import load_contract
from spark_jobs.sources import postgres as source
from spark_jobs.sources import schema
from spark_jobs.sources.record import Asked, File
from state.ledger import Status
from tests.e2e.conftest import NewTrial
from tests.e2e.trial import Trial
from tests.postgres_server import PASSWORD, PostgresServer
from tests.sheets_server import AGENTS, SheetsServer
from tests.sources.postgres_tables import COLUMNS, Record, drop_all, name_of, put_table, request

DAY, NEXT, TODAY = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)
WEB, PEOPLE = "web_complaints", "complaint_agents"


@pytest.fixture
def web(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """The server that the built-in contract of web complaints reads, without a table."""
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))
    drop_all(postgres)
    yield postgres
    drop_all(postgres)


@pytest.fixture
def two_days(new_trial: NewTrial) -> Trial:
    """A lake on the third of March."""
    return new_trial("two_days", today=TODAY)


def silver(trial: Trial, dataset: str = WEB) -> list[dict[str, Any]]:
    """The table's rows in the order of their first column, less what a rebuild stamps anew."""
    rows = trial.rows(f"silver/{dataset}")
    kept = [{name: value for name, value in row.items() if name not in ("_ingested_at", "_run_id")} for row in rows]
    return sorted(kept, key=lambda row: str(next(iter(row.values()))))


def test_jdbc_gives_bronze_what_the_driver_gives_it(web: PostgresServer, spark: SparkSession) -> None:
    """In parts, of several tables with columns of their own; expected are the rows in Python's own order.

    What Spark shows of its plan has no password.
    """
    first: list[Record] = [request(f"k{n % 40:02}'?", customer_id=f"c{n}") for n in range(90)]
    first += [request(None), request("é\t\\", agent_id="")]
    put_table(web, DAY, first)
    second = [(key, None, 'bad "mood"') for key in ("b", "a")]
    put_table(web, NEXT, second, columns=("Request ID", "index", "my Mood"))
    contract = load_contract(WEB)
    contract = replace(contract, options={**contract.options, "partitionRows": 20, "fetchSize": 7})
    web.execute(f"ANALYZE {name_of(DAY)}")
    at = datetime(2024, 3, 3, tzinfo=UTC)
    with source.opened(contract, source.find(contract, Asked({}, NEXT))) as tables:
        files = [File(d.path, d.modified, day, d.delivery, d.size) for day, ds in tables.deliveries.items() for d in ds]
        here = tables.here(files, run_id="r", load_time=at).to_pylist()
        frame = tables.there(spark, files, iter, schema(contract.source_names), run_id="r", load_time=at)
        plan: Any = frame._jdf.queryExecution()
        told = plan.toString() + plan.simpleString() + plan.stringWithStats()
        there = [row.asDict(recursive=True) for row in frame.collect()]
        assert len(tables.extracts[files[0].path].parts) > 2
    assert "JDBC" in told
    assert PASSWORD not in told
    for row in (*here, *there):
        row["_extra"] = dict(row["_extra"] or {}) or None
        row["_file_modified"] = row["_load_time"] = None  # naive from Spark
    by_place = lambda row: (row["_logical_date"], row["_row_number"])  # noqa: E731
    assert sorted(there, key=by_place) == sorted(here, key=by_place)
    ordered = sorted(first, key=lambda record: [(value is not None, (value or "").encode()) for value in record])
    of_day = [row for row in sorted(there, key=by_place) if row["_logical_date"] == DAY]
    assert [tuple(row[name] for name in COLUMNS) for row in of_day] == ordered
    other = [row for row in sorted(there, key=by_place) if row["_logical_date"] == NEXT]
    assert [(row["request_id"], row["_extra"], row["_header"]) for row in other] == [
        (key, {"my_mood": 'bad "mood"'}, '["Request ID", "index", "my Mood"]') for key in ("a", "b")
    ]


@pytest.mark.slow
def test_a_day_is_loaded_corrected_and_rebuilt_without_its_source(
    web: PostgresServer, new_trial: NewTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by Spark: figures add up, nothing is done twice, and Bronze is enough to start again."""
    trial = new_trial("lake", today=TODAY, driver_rows=0)
    good = [request(f"k{n}") for n in range(18)]
    put_table(web, DAY, [*good, request("k0", customer_id="c0"), request("bad", customer_id="?")])
    put_table(web, NEXT, [request("k1", resolution_date="2024-03-02 09:00:00"), request("late")])
    assert trial.load().exit_code == 0
    figures = {day: {n: c for n, c in f.items() if c} for day, f in trial.figures(WEB).items()}
    assert figures == {
        DAY: {"read": 20, "inserted": 18, "duplicates": 1, "rejected": 1},
        NEXT: {"read": 2, "inserted": 1, "updated": 1},
    }
    (reject,) = trial.exceptions("open", dataset=WEB)
    assert (reject["reject_reason"], reject["_source_file"], reject["_row_number"]) == (
        "missing_customer_id", "postgres://customer_complaints.Web_form_request_2024_03_01", 1,
    )  # fmt: skip

    versions = trial.versions()
    assert trial.load().days == []
    assert trial.load(force=True, start=DAY, end=DAY).exit_code == 0
    assert trial.versions() == versions

    web.execute(f"DELETE FROM {name_of(NEXT)} WHERE request_id = 'late'", "SELECT pg_stat_force_next_flush()")
    (corrected,) = trial.load().days
    assert (corrected.logical_date, corrected.figures and corrected.figures.absent) == (NEXT, 1)

    before = silver(trial)
    drop_all(web)
    for name in web.environment:
        monkeypatch.delenv(name)
    trial.pipeline(with_gold=False).rebuild(silver=WEB)
    assert silver(trial) == before
    secret = PASSWORD.encode()
    assert [path for path in trial.lake.rglob("*") if path.is_file() and secret in path.read_bytes()] == []


@pytest.mark.engine
def test_a_missing_table_fails_its_day_under_its_name_and_nothing_else(web: PostgresServer, two_days: Trial) -> None:
    """Tickets of the same run load; the table that comes later is loaded then."""
    trial = two_days
    put_table(web, DAY, [request("a")])
    trial.deliver(DAY, "T1,2024-03-01 08:00:00,,8,High,Login,Open,,2024-03-01 08:00:00")
    later = Trial(trial.spark, trial.folder, options={"today": date(2024, 3, 5)})
    later.history = trial.history
    report = later.load(end=NEXT)
    assert (trial.days()[DAY].status, trial.days(WEB)[DAY].status) == (Status.SUCCEEDED, Status.SUCCEEDED)
    failed = {day.logical_date: day for day in report.days if day.dataset == WEB and day.status is Status.FAILED}
    assert failed[NEXT].error_message is not None
    assert failed[NEXT].error_message.endswith(": customer_complaints.Web_form_request_2024_03_02")
    assert report.exit_code == 1

    put_table(web, NEXT, [request("b")])
    later.load(end=NEXT)
    assert trial.days(WEB)[NEXT].status is Status.SUCCEEDED


@pytest.mark.engine
def test_a_server_that_is_away_fails_its_dataset_and_nothing_else(
    web: PostgresServer, two_days: Trial, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The ledger says so on the last day; when it is back, everything is loaded. No message has the password."""
    trial = two_days
    put_table(web, DAY, [request("a")])
    put_table(web, NEXT, [request("b")])
    trial.deliver(DAY, "T1,2024-03-01 08:00:00,,8,High,Login,Open,,2024-03-01 08:00:00")
    monkeypatch.setenv("WEB_COMPLAINTS_URL", "postgresql://127.0.0.1:1/complaints")
    report = trial.load(end=DAY)
    assert report.exit_code == 3
    assert trial.days()[DAY].status is Status.SUCCEEDED
    state = trial.days(WEB)[DAY]
    assert (state.status, state.error_class) == (Status.FAILED, "Unreachable")
    assert "127.0.0.1:1" in (state.error_message or "")

    monkeypatch.setenv("WEB_COMPLAINTS_URL", web.url)
    trial.load()
    assert {day: s.status for day, s in trial.days(WEB).items()} == {DAY: Status.SUCCEEDED, NEXT: Status.SUCCEEDED}
    assert PASSWORD not in "".join(capfd.readouterr())


@pytest.mark.engine
def test_a_server_that_goes_away_after_the_plan_fails_all_days_at_once(
    web: PostgresServer, two_days: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three tries for all of them together, not for each; the next run loads them."""
    put_table(web, DAY, [request("a")])
    put_table(web, NEXT, [request("b")])
    find, opened, tried = source._find, source.opened, list[int]()

    def find_and_lose(*asked: Any) -> Any:
        found = find(*asked)
        monkeypatch.setenv("WEB_COMPLAINTS_URL", "postgresql://127.0.0.1:1/complaints")
        return found

    monkeypatch.setattr(source, "_find", find_and_lose)
    monkeypatch.setattr(source, "opened", lambda *asked: (tried.append(len(asked[1])), opened(*asked))[1])
    assert two_days.load().exit_code == 3
    assert tried == [2, 2, 2]
    assert {s.error_class for s in two_days.days(WEB).values()} == {"Unreachable"}

    monkeypatch.setattr(source, "_find", find)
    monkeypatch.setenv("WEB_COMPLAINTS_URL", web.url)
    two_days.load()
    assert {s.status for s in two_days.days(WEB).values()} == {Status.SUCCEEDED}


def test_a_tab_is_applied_in_one_commit_and_none_when_nothing_differs(sheets: SheetsServer, two_days: Trial) -> None:
    """Who isn't in it any more is gone; who is equal stays as it was, with its lineage."""
    trial = two_days
    assert trial.load(dataset=PEOPLE).exit_code == 0
    assert [(r["agent_id"], r["name"], r["experience"]) for r in silver(trial, PEOPLE)] == [
        ("1", "Ann", "Junior"),
        ("2", "Bo", None),
    ]
    first, versions = silver(trial, PEOPLE), trial.versions()
    assert trial.load(dataset=PEOPLE).days == []
    assert trial.versions() == versions

    sheets.books["book"]["agents"] = [AGENTS[0], AGENTS[1], ["3", "Cy", "Senior", "Kano"]]
    next_day = Trial(trial.spark, trial.folder, options={"today": date(2024, 3, 4)})
    (loaded,) = next_day.load(dataset=PEOPLE).days
    assert loaded.logical_date == TODAY
    assert {name: count for name, count in trial.figures(PEOPLE)[TODAY].items() if count} == {
        "read": 2, "inserted": 1, "unchanged": 1, "deleted": 1,
    }  # fmt: skip
    assert silver(trial, PEOPLE)[0] == first[0]
    assert trial.versions()["silver/complaint_agents"] == versions["silver/complaint_agents"] + 1


@pytest.mark.engine
def test_an_empty_tab_a_missing_one_and_one_of_nonsense_leave_the_old_list(
    sheets: SheetsServer, two_days: Trial
) -> None:
    """Each fails the dataset under the tab's name; the list is never emptied by accident, nor half."""
    trial = two_days
    trial.load(dataset=PEOPLE)
    before = silver(trial, PEOPLE)
    wrong: list[tuple[dict[str, list[list[str]]], str]] = [
        ({"agents": AGENTS[:1]}, "the delivery is empty"),
        ({"agents": [["NamE", "state"], ["Ann", "Lagos"]]}, "required column agent_id is missing"),
        ({"agents": [*AGENTS, ["", "Nobody"], ["?", "None"]]}, "2 of 4 records were rejected"),
        ({"Agenten": AGENTS}, "there is no such tab"),
        ({}, "there is no such tab"),
    ]
    for number, (tabs, told) in enumerate(wrong):
        sheets.books["book"] = tabs
        later = Trial(trial.spark, trial.folder, options={"today": date(2024, 3, 4 + number)})
        report = later.load(dataset=PEOPLE)
        assert report.exit_code in (1, 3)
        assert any(told in (day.error_message or "") for day in report.days), told
        assert silver(trial, PEOPLE) == before


@pytest.mark.engine
def test_a_backfill_loads_a_tab_once_for_its_latest_day(sheets: SheetsServer, two_days: Trial) -> None:
    """Whatever the size of its batches."""
    assert sheets.books
    report = two_days.backfill(batch_days=1, with_gold=False, dataset=PEOPLE, start=date(2024, 2, 20), end=DAY)
    assert [(day.logical_date, day.status) for day in report.days] == [(DAY, Status.SUCCEEDED)]


def test_column_oriented_json_and_scrambled_csv_load_by_their_built_in_contracts(two_days: Trial) -> None:
    """A folder with a blank, headers of every kind, a leading index, indexes out of order."""
    trial = two_days
    folder = trial.landing / "Call Logs"
    folder.mkdir(parents=True)
    header = ",call ID,customeR iD,COMPLAINT_catego ry,agent ID,call_start_time,call_end_time,resolutionstatus"
    header += ",callLogsGenerationDate"
    rows = [
        "0,L1,c1,Billing,,2024-03-01 10:00:00,2024-03-01 10:05:30,resolved,2024-03-01",
        *(f"{n},L{n},c1,Billing,4,2024-03-01 10:00:00,,Backlog,2024-03-01" for n in range(2, 12)),
        "12,L12,c1,Billing,4,2024-03-01 10:00:00,2024-03-01 09:00:00,Backlog,2024-03-01",
    ]
    (folder / "call_logs_day_2024-03-01.csv").write_text("\n".join([header, *rows]) + "\n")
    social = trial.landing / "social_medias/media_complaint_day_2024-03-01.json"
    social.parent.mkdir()
    keys = "complaint_id", "customer_id", "resolution_status", "request_date", "media_channel"
    values = {"complaint_id": "S", "resolution_status": "Backlog", "request_date": "2024-03-01T07:00:00Z"}
    cells = {k: {str(n): values.get(k, "X") + (str(n) if k == "complaint_id" else "") for n in (10, 9)} for k in keys}
    del cells["media_channel"]["9"]
    social.write_text(json.dumps(cells))
    assert trial.load(end=DAY).exit_code == 0
    call = next(row for row in trial.rows("silver/call_logs") if row["call_id"] == "L1")
    assert (call["agent_id"], call["resolution_status"], call["duration_seconds"], call["request_date"]) == (
        "-1", "Resolved", 330, DAY,
    )  # fmt: skip
    assert [r["reject_reason"] for r in trial.exceptions(dataset="call_logs")] == ["call_ended_before_start"]
    rows_of_social = trial.rows("silver/social_complaints")
    found = {row["complaint_id"]: (row["media_channel"], row["_row_number"]) for row in rows_of_social}
    assert found == {"S9": (None, 1), "S10": ("X", 2)}

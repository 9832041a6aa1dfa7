"""The contract of calls: what each row becomes, and under which reasons one is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.contract import Contract, followers, load_contract, read_file

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

DAY = date(2024, 3, 5)
HEADER = ("call_id", "caller_id", "agent_id", "call_start_time", "call_end_time", "call_status", "call_date")
GOOD = {
    "call_id": "7",
    "caller_id": "42",
    "agent_id": "501",
    "call_start_time": "10:00:00",
    "call_end_time": "10:05:30",
    "call_status": "COMPLETED",
    "call_date": None,
}
BY_ID_AND_DATE = """\
kind: DataContract
apiVersion: v3.1.0
id: mine
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
schema:
  - name: calls
    properties:
      - {name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}
"""


def extended(text: str) -> Contract:
    """The contract in a text that extends a built-in one and has nothing wrong with it."""
    file = read_file("mine.odcs.yaml", text)
    assert [str(finding) for finding in file.findings] == []
    assert file.contract is not None
    return file.contract


def judged(
    spark: SparkSession, *rows: dict[str, Any], contract: Contract | None = None, zone: str = "UTC"
) -> list[Row]:
    """The rows of one delivery of 2024-03-05 as the engine reads them, in their order; good but for what's given."""
    from spark_jobs.rules import validate
    from spark_jobs.sources import schema

    contract = contract or load_contract("calls")
    at = datetime(2024, 3, 6, tzinfo=UTC)
    lineage = {
        "_source_file": "calls.csv",
        "_file_modified": at,
        "_delivery": "d1",
        "_logical_date": DAY,
        "_load_time": at,
        "_run_id": "r1",
    }
    records = [GOOD | row | lineage | {"_row_number": n} for n, row in enumerate(rows)]
    from spark_jobs.lake import columns_of

    shape = columns_of(schema(contract.source_names))
    bronze = spark.createDataFrame([tuple(r.get(f.name) for f in shape.fields) for r in records], shape)
    return validate(bronze, contract, business_timezone=zone).orderBy("_row_number").collect()


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no call id": ({"call_id": None}, ["missing_call_id"]),
    "a token for nothing": ({"call_id": "N/A"}, ["missing_call_id"]),
    "a call id with letters": ({"call_id": "C12"}, ["non_numeric_call_id"]),
    "a call id with a sign": ({"call_id": "-12"}, ["non_numeric_call_id"]),
    "a call id with a plus": ({"call_id": "+12"}, ["non_numeric_call_id"]),
    "a call id with a half": ({"call_id": "12.5"}, ["non_numeric_call_id"]),
    "a call id of 19 digits": ({"call_id": "1" * 19}, ["non_numeric_call_id"]),
    "a call id in scientific notation": ({"call_id": "1e3"}, ["non_numeric_call_id"]),
    "no caller": ({"caller_id": ""}, ["missing_caller_id"]),
    "a caller with letters": ({"caller_id": "anonymous"}, ["non_numeric_caller_id"]),
    "no agent": ({"agent_id": " "}, ["missing_agent_id"]),
    "an agent with letters": ({"agent_id": "A001"}, ["non_numeric_agent_id"]),
    "no start": ({"call_start_time": None}, ["invalid_call_start_time"]),
    "a start with one digit": ({"call_start_time": "9:5:00"}, ["invalid_call_start_time"]),
    "a start without seconds": ({"call_start_time": "09:05"}, ["invalid_call_start_time"]),
    "a start at hour 24": ({"call_start_time": "24:00:00"}, ["invalid_call_start_time"]),
    "a start at second 60": ({"call_start_time": "10:00:60"}, ["invalid_call_start_time"]),
    "a start that is a date alone": ({"call_start_time": "2024-03-05"}, ["invalid_call_start_time"]),
    "a start on the 30th of February": ({"call_start_time": "2024-02-30 10:00:00"}, ["invalid_call_start_time"]),
    "a full start at hour 24": ({"call_start_time": "2024-03-05T24:00:00"}, ["invalid_call_start_time"]),
    "a full start with one digit": ({"call_start_time": "2024-3-5 9:05:00"}, ["invalid_call_start_time"]),
    "a start with one digit of a call that would be too long": (
        {"call_start_time": "9:05:00", "call_end_time": "23:00:00"},
        ["invalid_call_start_time"],
    ),
    "a full start without colons": ({"call_start_time": "2024-03-05 100000"}, ["invalid_call_start_time"]),
    "a full start with a zone's name": ({"call_start_time": "2024-03-05 10:00:00 CET"}, ["invalid_call_start_time"]),
    "a start in words": ({"call_start_time": "noon"}, ["invalid_call_start_time"]),
    "no end": ({"call_end_time": None}, ["invalid_call_end_time"]),
    "an end at hour 24": ({"call_end_time": "24:00:00"}, ["invalid_call_end_time"]),
    "a full end that no clock shows": ({"call_end_time": "2024-03-05 10:61:00"}, ["invalid_call_end_time"]),
    "no status": ({"call_status": None}, ["unknown_call_status"]),
    "a status of another list": ({"call_status": "MISSED"}, ["unknown_call_status"]),
    "a date that isn't one": ({"call_date": "2024-02-30"}, ["invalid_call_date"]),
    "a date in another format": ({"call_date": "05/03/2024"}, ["invalid_call_date"]),
    "a full end before a full start": (
        {"call_start_time": "2024-03-05 10:00:00", "call_end_time": "2024-03-05T09:59:59Z"},
        ["call_ended_before_start"],
    ),
    "a full end before a bare start on a date of its own": (
        {"call_date": "2024-03-05", "call_start_time": "10:00:00", "call_end_time": "2024-03-05 09:59:59"},
        ["call_ended_before_start"],
    ),
    "a full end a day after a bare start": (
        {"call_start_time": "10:00:00", "call_end_time": "2024-03-05 09:59:59"},
        ["call_too_long"],
    ),
    "a second more than four hours": (
        {"call_start_time": "10:00:00", "call_end_time": "14:00:01"},
        ["call_too_long"],
    ),
    "over midnight and too long": ({"call_start_time": "10:00:00", "call_end_time": "09:00:00"}, ["call_too_long"]),
    "full timestamps a day apart": (
        {"call_start_time": "2024-03-04 10:00:00", "call_end_time": "2024-03-05 10:00:00"},
        ["call_too_long"],
    ),
    "everything": (
        dict.fromkeys(HEADER[:-1]) | {"call_date": "soon"},
        [
            "missing_call_id",
            "missing_caller_id",
            "missing_agent_id",
            "invalid_call_start_time",
            "invalid_call_end_time",
            "unknown_call_status",
            "invalid_call_date",
        ],
    ),
}


def test_each_wrong_row_is_refused_under_its_reasons_and_no_others(spark: SparkSession) -> None:
    """Of a row with several faults all are told, in the contract's order."""
    rows = judged(spark, *(row for row, _ in WRONG.values()))

    assert dict(zip(WRONG, (row["_reasons"] for row in rows), strict=True)) == {
        name: reasons for name, (_, reasons) in WRONG.items()
    }


RIGHT: dict[str, tuple[dict[str, Any], tuple[str, str, str, int]]] = {
    "bare times": ({}, ("2024-03-05", "2024-03-05 10:00:00", "2024-03-05 10:05:30", 330)),
    "the ends of a day": (
        {"call_start_time": "23:59:59", "call_end_time": "00:00:00"},
        ("2024-03-05", "2024-03-05 23:59:59", "2024-03-06 00:00:00", 1),
    ),
    "no time at all": (
        {"call_start_time": "00:00:00", "call_end_time": "00:00:00"},
        ("2024-03-05", "2024-03-05 00:00:00", "2024-03-05 00:00:00", 0),
    ),
    "four hours over midnight": (
        {"call_start_time": "22:00:00", "call_end_time": "02:00:00"},
        ("2024-03-05", "2024-03-05 22:00:00", "2024-03-06 02:00:00", 14400),
    ),
    "a date of its own": (
        {"call_date": "2024-02-29", "call_start_time": "23:50:00", "call_end_time": "00:10:00"},
        ("2024-02-29", "2024-02-29 23:50:00", "2024-03-01 00:10:00", 1200),
    ),
    "full timestamps": (
        {"call_start_time": "2024-03-04 23:00:00", "call_end_time": "2024-03-05T00:30:00"},
        ("2024-03-04", "2024-03-04 23:00:00", "2024-03-05 00:30:00", 5400),
    ),
    "offsets": (
        {"call_start_time": "2024-03-05T01:00:00+02:00", "call_end_time": "2024-03-04T23:30:00Z"},
        ("2024-03-04", "2024-03-04 23:00:00", "2024-03-04 23:30:00", 1800),
    ),
    "short offsets": (
        {"call_start_time": "2024-03-05T01:00:00+02", "call_end_time": "2024-03-05T01:30:00+0200"},
        ("2024-03-04", "2024-03-04 23:00:00", "2024-03-04 23:30:00", 1800),
    ),
    "fractions, of which whole seconds count": (
        {"call_start_time": "2024-03-05 10:00:00.750", "call_end_time": "2024-03-05 10:00:02,500"},
        ("2024-03-05", "2024-03-05 10:00:00.750000", "2024-03-05 10:00:02.500000", 1),
    ),
    "a full start and a bare end": (
        {"call_start_time": "2024-03-04 23:00:00", "call_end_time": "23:10:00"},
        ("2024-03-04", "2024-03-04 23:00:00", "2024-03-04 23:10:00", 600),
    ),
    "a full start and a bare end of the next day": (
        {"call_start_time": "2024-03-04 23:00:00", "call_end_time": "00:10:00"},
        ("2024-03-04", "2024-03-04 23:00:00", "2024-03-05 00:10:00", 4200),
    ),
    "a bare start and a full end": (
        {"call_start_time": "23:00:00", "call_end_time": "2024-03-06 00:10:00"},
        ("2024-03-05", "2024-03-05 23:00:00", "2024-03-06 00:10:00", 4200),
    ),
    "a bare start and a full end of another day": (
        {"call_start_time": "10:00:00", "call_end_time": "2024-02-29 10:10:00"},
        ("2024-02-29", "2024-02-29 10:00:00", "2024-02-29 10:10:00", 600),
    ),
    "a date beside a full start of another day": (
        {"call_date": "2024-03-01", "call_start_time": "2024-03-04 23:00:00", "call_end_time": "23:10:00"},
        ("2024-03-01", "2024-03-04 23:00:00", "2024-03-04 23:10:00", 600),
    ),
}


def test_times_and_dates_become_instants_and_a_duration(spark: SparkSession) -> None:
    """A bare end before its start is of the next day; a full start has its own date; else the delivery's day holds."""
    rows = judged(spark, *(row for row, _ in RIGHT.values()))

    assert [row["_reasons"] for row in rows] == [[] for _ in RIGHT]
    found = [
        (f"{row.call_date}", f"{row.call_started_at}", f"{row.call_ended_at}", row.duration_seconds) for row in rows
    ]
    assert dict(zip(RIGHT, found, strict=True)) == {name: expected for name, (_, expected) in RIGHT.items()}


def test_identifiers_lose_their_decimals_and_times_stay_as_given(spark: SparkSession) -> None:
    """12.0 is 12; a status is stored in the contract's spelling."""
    (row,) = judged(
        spark, {"call_id": "12.0", "agent_id": "00501", "call_start_time": " 10:00:00", "call_status": "dropped"}
    )

    assert row["_reasons"] == []
    assert (row.call_id, row.agent_id, row.call_start_time, row.call_status) == (12, 501, "10:00:00", "DROPPED")


def test_bare_times_are_of_the_contracts_zone_and_a_full_starts_date_of_the_business(spark: SparkSession) -> None:
    """In New York 23:00 is 04:00 of the next day in UTC; an instant's date is Tokyo's, where the business is."""
    own = extended(BY_ID_AND_DATE.replace("schema:", "  - {property: zone, value: America/New_York}\nschema:"))
    full = {"call_start_time": "2024-03-05 23:00:00", "call_end_time": "23:30:00"}
    end = {"call_start_time": "23:00:00", "call_end_time": "2024-03-06T04:30:00Z"}

    bare, whole, mixed = judged(
        spark, {"call_start_time": "23:00:00", "call_end_time": "00:30:00"}, full, end, contract=own, zone="Asia/Tokyo"
    )

    assert (bare.call_date, bare.call_started_at, bare.duration_seconds) == (DAY, datetime(2024, 3, 6, 4), 5400)
    assert (whole.call_date, whole.call_started_at, whole.duration_seconds) == (
        date(2024, 3, 6),
        datetime(2024, 3, 6, 4),
        1800,
    )
    assert (mixed.call_date, mixed.call_started_at, mixed.duration_seconds) == (DAY, datetime(2024, 3, 6, 4), 1800)


def test_an_hour_that_the_clock_skips_gives_no_negative_duration(spark: SparkSession) -> None:
    """02:30 moves on to 03:30 in New York on 2024-03-10; a call that ends at 03:10 by the clock took no time."""
    own = extended(BY_ID_AND_DATE.replace("schema:", "  - {property: zone, value: America/New_York}\nschema:"))

    (row,) = judged(
        spark,
        {"call_date": "2024-03-10", "call_start_time": "02:30:00", "call_end_time": "03:10:00"},
        contract=own,
    )

    assert (row["_reasons"], row.duration_seconds) == ([], 0)


def test_a_bare_start_lies_before_its_full_end_in_a_night_that_has_an_hour_twice(spark: SparkSession) -> None:
    """In New York 01:10 comes again twenty minutes after 01:50 on 2024-11-03."""
    own = extended(BY_ID_AND_DATE.replace("schema:", "  - {property: zone, value: America/New_York}\nschema:"))

    (row,) = judged(spark, {"call_start_time": "01:50:00", "call_end_time": "2024-11-03T01:10:00-05:00"}, contract=own)

    assert (row["_reasons"], row.call_date, row.duration_seconds) == ([], date(2024, 11, 3), 1200)


def test_the_longest_call_is_the_contracts(spark: SparkSession) -> None:
    """max_call_hours of a contract of one's own takes the place of four."""
    text = BY_ID_AND_DATE.replace("schema:", "  - {property: thresholds, value: {max_call_hours: 0.5}}\nschema:")

    rows = judged(spark, {"call_end_time": "10:30:00"}, {"call_end_time": "10:30:01"}, contract=extended(text))

    assert [row["_reasons"] for row in rows] == [[], ["call_too_long"]]


def test_which_versions_give_their_date_is_told(spark: SparkSession) -> None:
    """A date of its own does, and a full time; two bare ones don't."""
    rows = judged(
        spark,
        {"call_date": "2024-03-05"},
        {"call_start_time": "2024-03-05 10:00:00"},
        {},
        {"call_end_time": "2024-03-05 10:30:00"},
    )

    assert [row["_given_call_date"] for row in rows] == [True, True, False, True]


def test_silver_keeps_the_decided_columns_and_reasons_in_the_decided_order() -> None:
    """Names and types are what Gold and other readers rely on."""
    calls = load_contract("calls")
    assert [f"{c.name} {c.type}" for c in calls.stored] == [
        "call_id bigint",
        "caller_id bigint",
        "agent_id bigint",
        "call_start_time string",
        "call_end_time string",
        "call_status string",
        "call_date date",
        "call_started_at timestamp",
        "call_ended_at timestamp",
        "duration_seconds bigint",
    ]
    assert calls.reasons == (
        "missing_call_id",
        "non_numeric_call_id",
        "missing_caller_id",
        "non_numeric_caller_id",
        "missing_agent_id",
        "non_numeric_agent_id",
        "invalid_call_start_time",
        "invalid_call_end_time",
        "unknown_call_status",
        "invalid_call_date",
        "call_ended_before_start",
        "call_too_long",
    )
    assert (calls.key, calls.event_date, calls.ordering) == (("call_id",), "call_date", None)


def test_what_follows_from_a_carried_date_is_computed_again_with_what_it_needs() -> None:
    """Instants and duration, and the unstored readings that they use."""
    assert [c.name for c in followers(load_contract("calls"))] == [
        "call_start_full",
        "call_end_full",
        "call_start_wall",
        "call_end_wall",
        "call_started_at",
        "call_ended_at",
        "duration_seconds",
    ]


def test_a_contract_of_ones_own_may_make_the_date_part_of_the_key() -> None:
    """Then nothing is carried, and a row without a date would have a reason."""
    own = extended(BY_ID_AND_DATE)
    assert own.key == ("call_id", "call_date")
    assert own.carried == ()
    assert own.reasons == (*load_contract("calls").reasons, "missing_call_date")


def test_the_key_of_calls_may_not_be_another_and_that_of_tickets_not_wider() -> None:
    """A wider key still names a call once per day; Gold's table of tickets relies on the ticket."""
    other = BY_ID_AND_DATE.replace("properties:\n", "properties:\n      - {name: call_id, primaryKey: false}\n")
    found = "\n".join(map(str, read_file("mine.odcs.yaml", other).findings))
    assert "not the key that Gold relies on; found: 'call_date'; allowed: call_id" in found

    tickets = BY_ID_AND_DATE.replace("name: calls", "name: tickets").replace("call_date", "created_at")
    found = "\n".join(map(str, read_file("mine.odcs.yaml", tickets).findings))
    assert "not the key that Gold relies on" in found


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("required: true, primaryKey: true", "primaryKey: true", "call_date.primaryKey: a key column is"),
        (
            "{name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}",
            "{name: duration_seconds, transformLogic: length(in_call_end_time) + day(call_date)}",
            "duration_seconds.transformLogic: is computed again from Silver's row when a carried column changes",
        ),
        (
            "{name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}",
            "{name: agent_id, customProperties: [{property: fallback, value: '1'}]}",
            "agent_id.fallback: only a carried column has a fallback",
        ),
        (
            "{name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}",
            "{name: agent_id, customProperties: [{property: carried, value: true}]}",
            "agent_id.carried: a required column is in every version",
        ),
        (
            "schema:",
            "  - {property: loadMode, value: replace}\nschema:",
            "call_date.carried: a replace dataset has no versions to carry from",
        ),
        (
            "schema:",
            "  - {property: orderingColumn, value: changed_at}\nschema:",
            "call_date.carried: a carried column needs versions in the order of their deliveries",
        ),
        (
            "{name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}",
            "{name: call_date, customProperties: [{property: fallback, value: to_date(call_started_at)}]}",
            "call_date.transformLogic: uses a derived column that comes after it; found: 'call_started_at'",
        ),
        (
            "{name: call_date, required: true, primaryKey: true, primaryKeyPosition: 2}",
            "{name: team, physicalType: string, customProperties: [{property: carried, value: true}, "
            "{property: fallback, value: string(call_date)}]}",
            "team.carried: can't follow from a carried column, nor what is delivered from what is derived",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused(old: str, new: str, told: str) -> None:
    """Each finding names the column, the value and what to do."""
    assert old in BY_ID_AND_DATE
    findings = read_file("mine.odcs.yaml", BY_ID_AND_DATE.replace(old, new)).findings
    assert told in "\n".join(map(str, findings))

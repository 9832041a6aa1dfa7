"""Agent events whose half hours were worked out on paper."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Figures, HeldBack, LakeTruth, LandedDelivery, classify, gold_of_activity

MON, TUE, WED = (date(2024, 3, day) for day in (4, 5, 6))
HEADER = "Done On,Extension,Action,Details"
IDENTITY = "agent_id,extension,call_agent_id,complaint_agent_id,assignee"
Cells = tuple[object, ...]


def event(at: str, action: str, details: str = "", extension: str = "2001") -> dict[str, Any]:
    """A Silver event with what Gold reads of it; `at` is `ddThh:mm[:ss]` of March 2024 in UTC, or a whole instant."""
    text = at if len(at) > 11 else f"2024-03-{at}"
    done_on = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return {"extension": extension, "done_on": done_on, "action": action, "details": details}


def intervals(*events: dict[str, Any], horizon: date = MON, zone: str = "UTC", hours: float = 12) -> list[Cells]:
    """Label, productive seconds, and number of events of each half hour."""
    rows = gold_of_activity(events, [], horizon, zone, hours)["agent_activity_intervals"]
    return [(row["interval_label"], row["productive_seconds"], row["events"]) for row in rows]


def table(name: str, *events: dict[str, Any], horizon: date = MON, zone: str = "UTC") -> list[Cells]:
    """A table's rows as tuples; extension 2001 is A001's."""
    identities = [{"agent_id": "A001", "extension": "2001"}, {"agent_id": "A002", "extension": None}]
    return [tuple(row.values()) for row in gold_of_activity(events, identities, horizon, zone)[name]]


def test_time_is_spread_over_every_half_hour_that_it_touches() -> None:
    """The specification's example: 09:10 to 10:40."""
    rows = table("agent_activity_intervals", event("04T09:10", "ONLINE"), event("04T10:40", "OFFLINE"))
    assert [(row[3], row[5]) for row in rows] == [
        ("09:00", D("0.3333")),
        ("09:30", D("0.5")),
        ("10:00", D("0.5")),
        ("10:30", D("0.1667")),
    ]
    assert rows[0] == ("2001", datetime(2024, 3, 4, 9, tzinfo=UTC), MON, "09:00", 1200, D("0.3333"), 1, "A001")


def test_an_extension_of_nobody_keeps_its_own_name() -> None:
    """Nothing is guessed."""
    assert table("agent_activity_intervals", event("04T09:00", "OFFLINE", extension="2099"))[0][-1] == "extension:2099"


@pytest.mark.parametrize(
    ("action", "details", "seconds"),
    [
        ("ONLINE", "", 600),
        ("REMVCEON", "x", 600),
        ("OFFLINE", "BackOffice", 600),
        ("OFFLINE", "Lunch", 0),
        ("OFFLINE", "", 0),
        ("REMVCEOFF", "Backoffice", 0),
    ],
)
def test_what_is_productive(action: str, details: str, seconds: int) -> None:
    """On line, on line from afar, and the back office."""
    assert intervals(event("04T09:00", action, details), event("04T09:10", "REMVCEOFF")) == [("09:00", seconds, 2)]


def test_the_last_of_an_instants_events_holds() -> None:
    """By the order of actions: ONLINE, OFFLINE, REMVCEON, REMVCEOFF; then by details."""
    assert intervals(event("04T09:00", "OFFLINE"), event("04T09:00", "ONLINE")) == [("09:00", 0, 2)]
    same = [event("04T09:00", "OFFLINE", details) for details in ("Backoffice", "Aside")]
    assert intervals(*same, event("04T09:01", "OFFLINE")) == [("09:00", 60, 3)]


def test_a_forgotten_log_off_is_cut() -> None:
    """One hour and a quarter at most, then nothing until the next event."""
    told = intervals(event("04T09:00", "ONLINE"), event("04T12:00", "OFFLINE"), hours=1.25)
    assert told == [("09:00", 1800, 1), ("09:30", 1800, 0), ("10:00", 900, 0), ("12:00", 0, 1)]


def test_time_runs_over_midnight_and_not_past_the_horizon() -> None:
    """Monday's state goes on until Tuesday; with Monday as the horizon it ends at midnight."""
    night = (event("04T23:45", "ONLINE"), event("05T00:10", "OFFLINE"))
    assert intervals(*night) == [("23:30", 900, 1)]
    assert intervals(*night, horizon=TUE) == [("23:30", 900, 1), ("00:00", 600, 1)]


def test_extensions_are_apart() -> None:
    """One leaves, the other stays."""
    told = intervals(
        event("04T09:00", "ONLINE", extension="1"),
        event("04T09:10", "OFFLINE", extension="2"),
        event("04T09:20", "OFFLINE", extension="1"),
    )
    assert told == [("09:00", 1200, 2), ("09:00", 0, 1)]


def test_half_hours_are_those_of_the_business_clock() -> None:
    """Kathmandu is 5 h 45 min ahead: 09:10 UTC is 14:55 there."""
    told = intervals(event("04T09:10", "ONLINE"), event("04T09:20", "OFFLINE"), zone="Asia/Kathmandu")
    assert told == [("14:30", 300, 1), ("15:00", 300, 1)]


def test_an_hour_that_occurs_twice_has_four_half_hours() -> None:
    """Berlin, 2024-10-27: from 02:40 summer time to 02:10 winter time half an hour passes."""
    told = (event("2024-10-27T00:40", "ONLINE"), event("2024-10-27T01:10", "OFFLINE"))
    assert intervals(*told, horizon=date(2024, 10, 27), zone="Europe/Berlin") == [("02:30", 1200, 1), ("02:00", 600, 1)]


def test_a_week_is_summed_from_seconds() -> None:
    """Sunday night's 20 minutes go half to each week; the new week has productive time and one event."""
    told = [
        event("2024-03-08T09:00", "ONLINE"),
        event("2024-03-08T10:00:01", "OFFLINE"),
        event("2024-03-10T23:50", "REMVCEON"),
        event("2024-03-11T00:10", "REMVCEOFF"),
    ]
    at = [each["done_on"] for each in told]
    assert table("agent_activity_weekly", *told, horizon=date(2024, 3, 11)) == [
        ("2001", MON, 2024, 10, D("1.1669"), 2, D("0.5835"), at[0], at[2]),
        ("2001", date(2024, 3, 11), 2024, 11, D("0.1667"), 1, D("0.1667"), at[3], at[3]),
    ]


def test_a_week_without_productive_time_has_no_average_and_one_without_events_no_instants() -> None:
    """The first week has an event and no time; the year of an ISO week is that of its Thursday."""
    (row,) = table("agent_activity_weekly", event("2024-12-30T09:00", "OFFLINE"), horizon=date(2024, 12, 31))
    assert row[1:7] == (date(2024, 12, 30), 2025, 1, D("0"), 0, None)
    *_, last = table("agent_activity_weekly", event("2024-03-10T23:00", "ONLINE"), horizon=date(2024, 3, 11))
    assert last[1:] == (date(2024, 3, 11), 2024, 11, D("11"), 1, D("11"), None, None)


def test_a_day_without_events_counts_as_empty() -> None:
    """Monday has two half hours, Tuesday none, up to the horizon."""
    first, second = table(
        "activity_completeness", event("04T09:20", "ONLINE"), event("04T09:40", "OFFLINE"), horizon=TUE
    )
    assert first[:3] == (MON, 48, 2)
    assert isinstance(first[3], list)
    assert (len(first[3]), first[3][:2], first[3][18:20], first[4]) == (
        46,
        ["00:00", "00:30"],
        ["10:00", "10:30"],
        False,
    )
    assert (second[:3], len(second[3]) if isinstance(second[3], list) else 0) == ((TUE, 48, 0), 48)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Berlin", "2024-03-31", 46),
        ("Europe/Berlin", "2024-10-27", 50),
        ("Australia/Lord_Howe", "2024-10-06", 47),
        ("Australia/Lord_Howe", "2024-04-07", 49),
        ("UTC", "2024-03-31", 48),
    ],
)
def test_days_on_which_the_clocks_change_have_another_length(zone: str, day: str, expected: int) -> None:
    """Half hours of the day itself."""
    told = table("activity_completeness", event(f"{day}T12:00", "OFFLINE"), horizon=date.fromisoformat(day), zone=zone)
    (row,) = [each for each in told if str(each[0]) == day]
    assert (row[1], row[2]) == (expected, 1)


def test_nobody_at_all_gives_no_rows() -> None:
    """No event, no row in any table."""
    assert gold_of_activity([], [], MON) == {
        "agent_activity_intervals": [],
        "agent_activity_weekly": [],
        "activity_completeness": [],
    }


def after(folder: Path, dataset: str, header: str, *deliveries: tuple[date, list[str]]) -> LakeTruth:
    """The lake after these deliveries, in this order; no reject ratio holds a day back."""
    made = []
    for number, (day, lines) in enumerate(deliveries):
        path = folder / f"{number}.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        made.append(LandedDelivery(dataset, day, path))
    return classify(made, dataset, max_reject_ratio="1")


@pytest.mark.parametrize(
    ("record", "reasons"),
    [
        ("3/4/24 9:05,2001,online,", None),
        ("3/4/2024 9:05:30,2001,OFFLINE,Lunch", None),
        ("2024-03-04T09:05:30+01:00,2001,REMVCEON,", None),
        ("-,2001,ONLINE,", ("missing_done_on",)),
        ("3/4/24,2001,ONLINE,", ("invalid_done_on",)),
        ("3/4/24 9:05,?,ONLINE,", ("missing_extension",)),
        ("3/4/24 9:05,2001,LOGIN,", ("unknown_action",)),
        ("3/4/24 9:05,2001,,", ("unknown_action",)),
        ("13/4/24 9:05,,AWAY,", ("invalid_done_on", "missing_extension", "unknown_action")),
        ("3/4/24 9:05,2001", ("malformed_record",)),
    ],
)
def test_every_reason_against_an_event_is_given(tmp_path: Path, record: str, reasons: tuple[str, ...] | None) -> None:
    """One record alone in its delivery, with the reasons against it, or in Silver."""
    truth = after(tmp_path, "agent_events", HEADER, (MON, [record]))
    assert [each.reasons for each in truth.rejects] == ([reasons] if reasons else [])
    assert len(truth.silver) == (0 if reasons else 1)


def test_an_event_is_its_own_key_nulls_included(tmp_path: Path) -> None:
    """The same event in other words and without details is the same; other details make another event."""
    told = ["3/4/24 9:05,2001,OFFLINE,", "2024-03-04 09:05:00,2001,offline,N/A", "3/4/24 9:05,2001,OFFLINE,Lunch"]
    truth = after(tmp_path, "agent_events", HEADER, (MON, told), (TUE, told[:1]))
    assert truth.figures[MON] == Figures(read=3, inserted=2, duplicates=1)
    assert truth.figures[TUE] == Figures(read=1, unchanged=1)
    found = sorted(
        (row.content.details, row.content.action_rank, row.content.ops_date) for row in truth.silver.values()
    )
    assert found == [("", 2, MON), ("Lunch", 2, MON)]


def test_the_list_of_identities_is_whole(tmp_path: Path) -> None:
    """Who isn't in it any more is gone; an empty cell is an id that the agent doesn't have."""
    first, second = ["A1,2001,501,,ada", "A2,2002,,C2,"], ["A1,2001,501,,ada", "A3,2002,502.0,,"]
    truth = after(tmp_path, "agent_identity", IDENTITY, (MON, first), (TUE, second))
    assert truth.figures[TUE] == Figures(read=2, inserted=1, unchanged=1, deleted=1)
    assert [row["call_agent_id"] for row in truth.silver_rows()] == [501, 502]


def test_two_agents_with_one_id_hold_the_list_back(tmp_path: Path) -> None:
    """The list before it stays; the same agent twice is a duplicate and no such thing."""
    good, bad = ["A1,2001,,,", "A1,2001,,,"], ["A1,2001,,,", "A2,2001,,,"]
    truth = after(tmp_path, "agent_identity", IDENTITY, (MON, good), (TUE, bad))
    assert truth.figures[MON] == Figures(read=2, inserted=1, duplicates=1)
    assert truth.held_back == {TUE: HeldBack("not_unique", 2, 0)}
    assert list(truth.silver) == ["A1"]

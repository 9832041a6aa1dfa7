from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from spark_jobs.contract import Contract
from state.due import MISSING_DELIVERY, Dataset, Due, what_is_due
from state.landing import Delivery
from state.ledger import DayState, Status

TODAY = date(2024, 3, 10)
NOON = datetime(2024, 3, 10, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Calls:
    dataset: str = "calls"
    path: str = "calls/%Y-%m-%d.csv"
    starts_on: date | None = None
    missing_days: Literal["fail", "skip"] = "fail"
    sla_hours: int = 24
    ready_marker: bool = False
    load_mode: Literal["merge", "replace"] = "merge"


AGENTS = Calls(missing_days="skip", load_mode="replace")


def of(day: int) -> date:
    """A day of March 2024."""
    return date(2024, 3, day)


def file(content: str) -> Delivery:
    """A file whose checksum is its content."""
    return Delivery(f"/landing/{content}.csv", 1, content, NOON)


def landing(**days: str) -> dict[date, list[Delivery]]:
    """`d5="ab"` is a delivery of two files, with contents a and b, for March 5."""
    return {of(int(day[1:])): [file(content) for content in contents] for day, contents in days.items()}


def state(day: int, status: Status, contents: str = "", attempt: int = 1, **more: Any) -> DayState:
    """A ledger row for a day of March whose deliveries have these contents, a letter each."""
    files = tuple(file(content) for content in contents)
    return DayState("calls", of(day), status, attempt=attempt, run_id="r-1", deliveries=files, **more)


def asked(
    files: Mapping[date, list[Delivery]],
    states: Iterable[DayState] = (),
    *,
    contract: Dataset | None = None,
    now: datetime = NOON,
    zone: str = "UTC",
    **limits: Any,
) -> list[Due]:
    """What is due at noon of March 10."""
    return what_is_due(contract or Calls(), files, states, today=TODAY, now=now, zone=zone, **limits)


def shown(due: Iterable[Due]) -> dict[int, tuple[str, int]]:
    """Day of March to action and attempt."""
    return {one.logical_date.day: (one.action, one.attempt) for one in due}


def test_the_contract_of_the_engine_is_a_dataset_here() -> None:
    """mypy checks the shape; this checks that a Contract is taken as it is."""
    contract: Dataset = Contract("calls", "1", (), ("call_id",), path="calls/%Y-%m-%d.csv")

    assert asked(landing(d9="a"), contract=contract) == [Due("calls", of(9), "load", "new delivery", (file("a"),), 1)]


def test_every_day_from_the_first_delivery_to_yesterday_is_due_gaps_included() -> None:
    """Oldest first; today's delivery isn't whole yet."""
    due = asked(landing(d10="x", d9="c", d5="a", d7="b"))

    assert [(d.logical_date.day, d.action) for d in due] == [
        (5, "load"),
        (6, "missing"),
        (7, "load"),
        (8, "missing"),
        (9, "load"),
    ]


def test_nothing_delivered_yet_and_no_first_day_is_nothing_due() -> None:
    """A dataset begins with its first delivery."""
    assert asked({}) == []


def test_a_dataset_begins_on_the_day_of_its_contract() -> None:
    """Earlier deliveries are left alone, later days without one are missing."""
    assert shown(asked(landing(d4="a", d8="b"), contract=Calls(starts_on=of(7)))) == {
        7: ("missing", 0),
        8: ("load", 1),
        9: ("wait", 0),
    }


S, F, R, P, K = Status.SUCCEEDED, Status.FAILED, Status.RUNNING, Status.PENDING, Status.SKIPPED


@pytest.mark.parametrize(
    ("content", "before", "expected"),
    [
        pytest.param("a", None, ("load", 1), id="a new delivery"),
        pytest.param("a", state(9, P, attempt=0), ("load", 1), id="what was waited for came"),
        pytest.param("a", state(9, S, "a"), None, id="a finished day"),
        pytest.param("b", state(9, S, "a"), ("load", 1), id="a corrected delivery"),
        pytest.param("a", state(9, S, "b", loaded=("a", "b")), ("load", 1), id="a correction taken back"),
        pytest.param("ab", state(9, S, "a"), ("load", 1), id="one more file"),
        pytest.param("a", state(9, S, "ab"), None, id="one of the files vanished after success"),
        pytest.param("", state(9, S, "a"), None, id="the only file vanished after success"),
        pytest.param("a", state(9, F, "a", 1), ("load", 2), id="failed once"),
        pytest.param("a", state(9, F, "a", 2), ("load", 3), id="failed twice"),
        pytest.param("a", state(9, F, "a", 3), None, id="failed three times"),
        pytest.param("b", state(9, F, "a", 3), ("load", 1), id="corrected after three failures"),
        pytest.param("a", state(9, F, "", 0, error_class="missing_delivery"), ("load", 1), id="came after all"),
        pytest.param("a", state(9, K, ""), ("load", 1), id="came after it was skipped"),
        pytest.param("a", state(9, K, "a"), None, id="skipped with this very delivery"),
        pytest.param("a", state(9, R, "a"), ("load", 2), id="its run died"),
        pytest.param("a", state(9, R, "a", 3), ("load", 4), id="a death is no failure of the day"),
        pytest.param("a", state(9, R, "a", 2, silver_version=4), ("finish", 2), id="its run died after Silver"),
        pytest.param("b", state(9, R, "a", 2, silver_version=4), ("load", 1), id="died after Silver, then corrected"),
        pytest.param("", state(9, R, "a", 2, silver_version=4), ("finish", 2), id="died after Silver, file vanished"),
    ],
)
def test_a_day_is_due_by_what_the_ledger_says_of_it(
    content: str, before: DayState | None, expected: tuple[str, int] | None
) -> None:
    """Each row is a delivery, a ledger row and the action with its attempt."""
    due = asked(landing(d9=content), [before] if before else [], start=of(9))

    assert shown(due) == ({} if expected is None else {9: expected})


def test_a_dead_run_is_named_in_the_reason() -> None:
    """`plan` says why a day that looks begun is taken up."""
    assert asked(landing(d9="a"), [state(9, R, "a")])[0].reason == "run r-1 died"


def test_the_days_of_a_living_run_are_left_alone() -> None:
    """Who only looks knows from the lease which run lives."""
    states = [state(8, R, "a", silver_version=2), state(9, R, "b")]

    assert asked(landing(d8="a", d9="b"), states, live_run="r-1") == []
    assert asked({}, states, live_run="r-1") == []
    assert len(asked(landing(d8="a", d9="b"), states, live_run="r-2")) == 2


def test_rows_of_other_datasets_say_nothing() -> None:
    """A ledger read whole may be given."""
    other = DayState("tickets", of(9), S, deliveries=(file("a"),))

    assert shown(asked(landing(d9="a"), [other])) == {9: ("load", 1)}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(state(9, S, "a"), ("load", 2), id="finished"),
        pytest.param(state(9, F, "a", 3), ("load", 4), id="failed three times"),
        pytest.param(state(9, R, "a", 2, silver_version=4), ("finish", 2), id="to be finished"),
    ],
)
def test_force_makes_a_day_due_again(before: DayState, expected: tuple[str, int]) -> None:
    """Another attempt, so that whoever names batches by attempts gives it another name."""
    assert shown(asked(landing(d9="a"), [before], force=True)) == {9: expected}


def test_force_cannot_load_what_is_not_there() -> None:
    """A finished day whose file vanished stays finished."""
    assert asked({}, [state(9, S, "a")], force=True) == []


@pytest.mark.parametrize(
    ("now", "missing_days", "action"),
    [
        (datetime(2024, 3, 10, 5, 59, tzinfo=UTC), "fail", "wait"),
        (datetime(2024, 3, 10, 6, 0, tzinfo=UTC), "fail", "missing"),
        (datetime(2024, 3, 10, 5, 59, tzinfo=UTC), "skip", "wait"),
        (datetime(2024, 3, 10, 6, 0, tzinfo=UTC), "skip", "skip"),
    ],
)
def test_a_day_without_a_delivery_waits_for_its_service_level(
    now: datetime, missing_days: Literal["fail", "skip"], action: str
) -> None:
    """The hours count from the end of the logical date."""
    contract = Calls(starts_on=of(9), sla_hours=6, missing_days=missing_days)

    assert shown(asked({}, contract=contract, now=now)) == {9: (action, 0)}


@pytest.mark.parametrize(("utc_hour", "action"), [(9, "wait"), (10, "missing")])
def test_a_logical_date_ends_at_midnight_of_the_business_zone(utc_hour: int, action: str) -> None:
    """March 9 ends at 5:00 UTC in New York; on March 10 clocks go forward, yet 5 hours stay 5 hours."""
    contract = Calls(starts_on=of(9), sla_hours=5)
    now = datetime(2024, 3, 10, utc_hour, tzinfo=UTC)

    assert shown(asked({}, contract=contract, now=now, zone="America/New_York")) == {9: (action, 0)}


@pytest.mark.parametrize(
    "before",
    [state(8, F, error_class="missing_delivery"), state(8, K), state(8, S, "a"), state(8, S)],
)
def test_a_day_that_is_settled_without_a_delivery_is_not_due_again(before: DayState) -> None:
    """A missing day fails once, not with every run."""
    assert asked({}, [before], start=of(8), end=of(8)) == []


def test_a_failed_day_whose_file_was_taken_away_is_a_missing_one() -> None:
    """There is nothing left to try; what it waits for now is a delivery."""
    assert shown(asked({}, [state(8, F, "a", 2)], end=of(8))) == {8: ("missing", 2)}


def never(_dataset: str, _day: date) -> bool:
    """No marker at all."""
    return False


def only(day: int) -> Callable[[str, date], bool]:
    """The marker of one day of `calls`."""
    return lambda dataset, asked_day: (dataset, asked_day) == ("calls", of(day))


def test_a_delivery_counts_once_its_marker_is_there() -> None:
    """Without it the day waits, and fails when its time is over, also where days may be missing."""
    contract = Calls(ready_marker=True, missing_days="skip")

    due = asked(landing(d7="a", d8="b", d9="c"), contract=contract, ready=only(8))

    assert shown(due) == {7: ("missing", 0), 8: ("load", 1), 9: ("wait", 0)}
    assert [d.deliveries for d in due] == [(), (file("b"),), ()]


def test_a_marker_is_not_asked_for_where_the_contract_has_none() -> None:
    """Most datasets have no markers."""
    assert shown(asked(landing(d9="a"), ready=never)) == {9: ("load", 1)}


def test_before_the_first_delivery_a_day_is_missed_where_it_is_asked_for_by_the_datasets_name() -> None:
    """As a later day would be; without the name, an end, or the contract's wish nothing was ever to come."""
    assert shown(asked({}, start=of(7), end=of(8), named=True)) == {7: ("missing", 0), 8: ("missing", 0)}
    assert shown(asked({}, start=of(9), end=of(9), named=True)) == {9: ("wait", 0)}
    for limits in ({"start": of(7), "end": of(8)}, {"start": of(7), "named": True}, {"end": of(8), "named": True}):
        assert asked({}, **limits) == []
    assert asked({}, contract=AGENTS, start=of(7), end=of(8), named=True) == []
    assert asked(landing(d8="a"), start=of(6), end=of(7), named=True) == []


def test_a_day_that_was_missed_so_is_no_first_day() -> None:
    """A date that was mistyped leaves its own row and doesn't have every day after it missed."""
    missed = state(1, Status.FAILED, error_class=MISSING_DELIVERY)
    assert asked({}, [missed]) == []
    assert shown(asked(landing(d9="a"), [missed])) == {9: ("load", 1)}
    assert shown(asked(landing(d1="a"), [missed], end=of(1))) == {1: ("load", 1)}


def test_start_and_end_limit_what_is_due() -> None:
    """Both are included."""
    assert list(shown(asked(landing(d5="a", d6="b", d7="c", d8="d"), start=of(6), end=of(7)))) == [6, 7]


def test_an_explicit_end_may_reach_todays_delivery_if_it_is_there() -> None:
    """Who asks for today gets what has come, never a missing today and never tomorrow."""
    assert list(shown(asked(landing(d9="a", d10="b", d11="c"), end=of(12)))) == [9, 10]
    assert list(shown(asked(landing(d9="a"), end=of(10)))) == [9]
    assert list(shown(asked(landing(d9="a", d10="b"), start=of(10), end=of(10)))) == [10]


def test_of_whole_dataset_deliveries_only_the_latest_is_loaded() -> None:
    """The earlier ones are skipped with a reason that names the one that replaces them."""
    due = asked(landing(d5="a", d7="b", d9="c"), contract=AGENTS)

    assert shown(due) == {5: ("skip", 0), 6: ("skip", 0), 7: ("skip", 0), 8: ("skip", 0), 9: ("load", 1)}
    assert due[2].reason == "superseded by the delivery of 2024-03-09"
    assert due[2].deliveries == (file("b"),)


@pytest.mark.parametrize(
    ("files", "states", "expected"),
    [
        pytest.param({"d8": "a", "d9": "b"}, [state(9, S, "b")], {8: ("skip", 0)}, id="an older one came late"),
        pytest.param({"d8": "x", "d9": "b"}, [state(8, S, "a"), state(9, S, "b")], {}, id="an older one was corrected"),
        pytest.param({"d8": "a", "d9": "b"}, [state(8, K, "a"), state(9, S, "b")], {}, id="all settled"),
        pytest.param(
            {"d8": "a", "d9": "x"}, [state(8, S, "a"), state(9, S, "b")], {9: ("load", 1)}, id="latest corrected"
        ),
        pytest.param(
            {"d8": "a", "d9": "b"}, [state(8, S, "a"), state(9, F, "b", 3)], {}, id="the latest failed for good"
        ),
        pytest.param({"d8": "a", "d9": "b"}, [state(9, F, "b", 3)], {8: ("load", 1)}, id="the best that can be had"),
        pytest.param(
            {"d8": "a", "d9": "b"},
            [state(9, R, "b", silver_version=1)],
            {8: ("skip", 0), 9: ("finish", 1)},
            id="finish",
        ),
    ],
)
def test_an_older_whole_dataset_never_follows_a_newer_one(
    files: dict[str, str], states: list[DayState], expected: dict[int, tuple[str, int]]
) -> None:
    """Each row is the landing, the ledger and what is due."""
    assert shown(asked(landing(**files), states, contract=AGENTS, start=of(8))) == expected


def test_force_loads_again_the_latest_whole_dataset_only() -> None:
    """Forcing an older one would take the dataset back in time."""
    states = [state(8, S, "a"), state(9, S, "b")]

    assert shown(asked(landing(d8="a", d9="b"), states, contract=AGENTS, force=True)) == {9: ("load", 2)}
    assert asked(landing(d8="a", d9="b"), states, contract=AGENTS, force=True, end=of(8)) == []


def test_a_settled_days_marker_is_not_asked_for() -> None:
    """Each question is a request to a store: a long history would cost as many."""
    asked: list[date] = []
    day, next_day = date(2026, 3, 1), date(2026, 3, 2)
    file = Delivery("/in/1.csv", 1, "a" * 64, datetime(2026, 3, 2, tzinfo=UTC))
    other = Delivery("/in/2.csv", 1, "b" * 64, datetime(2026, 3, 3, tzinfo=UTC))

    due = what_is_due(
        SimpleNamespace(
            dataset="tickets",
            path="",
            starts_on=None,
            missing_days="fail",
            sla_hours=24,
            ready_marker=True,
            load_mode="merge",
        ),
        {day: [file], next_day: [other]},
        [DayState("tickets", day, Status.SUCCEEDED, 1, deliveries=(file,))],
        today=date(2026, 3, 3),
        now=datetime(2026, 3, 3, 8, tzinfo=UTC),
        zone="UTC",
        ready=lambda _dataset, asked_for: asked.append(asked_for) is None,
    )

    assert [d.logical_date for d in due] == [next_day]
    assert asked == [next_day]

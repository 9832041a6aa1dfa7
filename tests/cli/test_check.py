"""`opslake check`: results by exit code, as a table and as JSON; who is told of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from state.ledger import DayState, Ledger, Status
from state.runs import Run, Runs
from tests.cli.conftest import Command
from tests.cli.tables import write_intervals
from tests.http_receiver import Inbox

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)  # of yesterday: the tests' today is 2026-03-05
DAY = [MIDNIGHT + n * timedelta(minutes=30) for n in range(48)]


def ran(root: Path, ended: datetime) -> None:
    """A run that came to its end then."""
    Runs(str(root)).put(Run("r1", "opslake run", ended, ended, 0))


def ledger(root: Path, **statuses: Status) -> None:
    """Tickets of March 2026, a day per keyword (`d4=…`)."""
    days = {int(name[1:]): status for name, status in statuses.items()}
    Ledger(str(root)).put(*(DayState("tickets", date(2026, 3, n), s, 1, "r1") for n, s in days.items()))


def test_a_complete_day_is_well(opslake: Command, root: Path) -> None:
    """Yesterday, without a date; exit code 0."""
    write_intervals(root, "2001", "UTC", DAY)

    answer = opslake("check", "completeness")

    assert answer.code == 0
    assert answer.line("2026-03-04", "complete").split() == ["2026-03-04", "48", "48", "0", "complete"]


def test_missing_half_hours_are_listed(opslake: Command, root: Path) -> None:
    """Exit code 1; every label of the day stands there."""
    write_intervals(root, "2001", "UTC", [t for t in DAY if t.hour != 9])

    answer = opslake("check", "completeness", "--date", "2026-03-04")

    assert answer.code == 1
    assert answer.line("incomplete").split() == ["2026-03-04", "48", "46", "2", "incomplete"]
    assert answer.line("missing 2026-03-04") == "missing 2026-03-04 09:00, 09:30"


def test_a_load_that_never_came_counts_as_nothing(opslake: Command) -> None:
    """The table isn't even there: 0 of 48."""
    answer = opslake("check", "completeness", "--json")

    assert answer.code == 1
    found = answer.json
    assert (found["intervals_expected"], found["intervals_present"], found["is_complete"]) == (48, 0, False)
    assert len(found["missing_intervals"]) == 48


def test_json_says_window_and_zone(opslake: Command, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spring day in Berlin: 46, and instants in UTC beside the labels."""
    monkeypatch.setenv("OPSLAKE_BUSINESS_TIMEZONE", "Europe/Berlin")
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    write_intervals(root, "2001", "Europe/Berlin", [start + n * timedelta(minutes=30) for n in range(46) if n != 4])

    found = opslake("check", "completeness", "--date", "2026-03-29", "--json").json

    assert found == {
        "window": "2026-03-29",
        "start": "2026-03-28T23:00:00+00:00",
        "end": "2026-03-29T22:00:00+00:00",
        "business_timezone": "Europe/Berlin",
        "intervals_expected": 46,
        "intervals_present": 45,
        "missing_intervals": ["03:00"],
        "missing_starts": ["2026-03-29T01:00:00+00:00"],
        "is_complete": False,
    }


def test_the_last_hours_end_where_today_begins(opslake: Command, root: Path) -> None:
    """With today set to 2026-03-05 the last 2 hours are 22:00 to 24:00 of the day before."""
    write_intervals(root, "2001", "UTC", DAY[44:47])

    answer = opslake("check", "completeness", "--last-hours", "2", "--json")

    assert answer.code == 1
    assert answer.json["intervals_expected"] == 4
    assert answer.json["missing_intervals"] == ["23:30"]


@pytest.mark.parametrize(
    "arguments",
    [["--date", "2026-03-04", "--last-hours", "2"], ["--last-hours", "0"], ["--date", "yesterday"], ["--nonsense"]],
)
def test_what_can_not_be_meant_is_wrong_usage(opslake: Command, arguments: list[str]) -> None:
    """Exit code 2."""
    assert opslake("check", "completeness", *arguments).code == 2


def test_everything_fresh_is_well(opslake: Command, root: Path) -> None:
    """Exit code 0; datasets that never came and promise nothing don't count."""
    ran(root, datetime.now(UTC))
    ledger(root, d4=Status.SUCCEEDED)

    answer = opslake("check", "freshness")

    assert answer.code == 0
    assert answer.line("tickets").split() == ["tickets", "fresh", "24", "h", "2026-03-04", "0", "days"]


def test_what_is_not_fresh_is_listed_with_its_reason(opslake: Command, root: Path) -> None:
    """Exit code 1: 03-03 failed, 03-04 never came (its time is over: the clock runs on though today is set)."""
    ran(root, datetime.now(UTC))
    ledger(root, d2=Status.SUCCEEDED)
    Ledger(str(root)).put(
        DayState("tickets", date(2026, 3, 3), Status.FAILED, 1, error_class="DataError", error_message="too bad")
    )

    answer, found = opslake("check", "freshness"), opslake("check", "freshness", "--json").json

    assert answer.code == 1
    assert answer.line("tickets 2026-03-03 late") == "tickets 2026-03-03 late too bad"
    assert "no delivery until 2026-03-06 00:00 UTC" in answer.line("tickets 2026-03-04 missing")
    (tickets,) = [d for d in found["datasets"] if d["dataset"] == "tickets"]
    assert (tickets["status"], tickets["sla_hours"], tickets["last_succeeded"]) == ("missing", 24, "2026-03-02")
    assert [(d["logical_date"], d["status"]) for d in tickets["days"]] == [
        ("2026-03-03", "late"),
        ("2026-03-04", "missing"),
    ]
    assert found["is_fresh"] is False


def test_a_lake_without_a_run_for_a_day_is_not_fresh(opslake: Command, root: Path) -> None:
    """Exit code 1, and the last run is named."""
    ran(root, MIDNIGHT)
    ledger(root, d4=Status.SUCCEEDED)

    answer = opslake("check", "freshness")

    assert answer.code == 1
    assert "no_run" in answer.line("tickets")
    assert "2026-03-04 00:00 UTC" in answer.line("no run")


def test_only_a_run_that_loads_is_a_run(opslake: Command, root: Path) -> None:
    """Maintenance and a rebuild look for no delivery, however often they come; a run that finds nothing due does."""
    ran(root, MIDNIGHT)
    ledger(root, d4=Status.SUCCEEDED)
    assert [opslake("maintain").code, opslake("rebuild", "--all").code] == [0, 0]
    answer = opslake("check", "freshness")
    assert (answer.code, "2026-03-04 00:00 UTC" in answer.line("no run")) == (1, True)

    assert opslake("run").code == 0
    assert opslake("check", "freshness").code == 0
    assert [(run.command.split()[1], run.loads) for run in Runs(str(root)).last(3)] == [
        ("run", True),
        ("rebuild", False),
        ("maintain", False),
    ]


def test_a_check_tells_once_of_what_it_finds_and_again_after_it_was_well(
    opslake: Command, root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incomplete, incomplete, complete, incomplete: two messages; the exit codes are as without a receiver."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", inbox.url)
    write_intervals(root, "2001", "UTC", DAY[1:])
    table = root / "gold/agent_activity_intervals"
    check = ("-q", "check", "completeness")

    codes = [opslake(*check).code, opslake(*check).code]
    write_intervals(root, "2001", "UTC", DAY[:1])
    codes.append(opslake(*check).code)
    table.rename(root / "away")
    codes.append(opslake(*check).code)

    assert codes == [1, 1, 0, 1]
    assert inbox.titles == [
        "opslake: agent activity of 2026-03-04: 1 of 48 half hours are missing",
        "opslake: agent activity of 2026-03-04: 48 of 48 half hours are missing",
    ]
    assert "(UTC): 2026-03-04: 00:00\n" in inbox.letters[0]["message"]


def test_a_check_of_freshness_tells_per_dataset_and_day(
    opslake: Command, root: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two missing days and no run: three messages, none the second time."""
    monkeypatch.setenv("OPSLAKE_NOTIFY", inbox.url)
    ran(root, MIDNIGHT)
    ledger(root, d2=Status.SUCCEEDED)

    assert opslake("check", "freshness").code == 1
    assert inbox.emptied() == [
        "opslake: tickets of 2026-03-03 is missing",
        "opslake: tickets of 2026-03-04 is missing",
        "opslake: no run in 24 hours",
    ]
    assert opslake("check", "freshness").code == 1
    assert inbox.titles == []


def test_nothing_is_told_or_written_without_receivers(opslake: Command, root: Path) -> None:
    """A check then only looks."""
    opslake("check", "completeness")
    opslake("check", "freshness")

    assert not root.exists()


def test_receivers_can_be_tried(opslake: Command, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 where one doesn't take the message, 0 where all do, 2 where there are none."""
    assert opslake("check", "notifications").code == 2

    monkeypatch.setenv("OPSLAKE_NOTIFY", inbox.url)
    assert opslake("check", "notifications").code == 0
    assert inbox.titles == ["opslake: a test"]

    monkeypatch.setenv("OPSLAKE_NOTIFY", f"{inbox.url}, nosuch://token")
    answer = opslake("check", "notifications")
    assert answer.code == 1
    assert "took the message" in answer.line("notify[1]")
    assert "nosuch://***" in answer.line("notify[2]")
    assert "token" not in answer.out + answer.err
    assert "hunter2" not in answer.out + answer.err

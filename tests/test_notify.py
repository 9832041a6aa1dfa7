"""What is told after a run: from the ledger and the other state tables, to a receiver on this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from spark_jobs.errors import EngineError, SourceError
from spark_jobs.notify import after_run
from spark_jobs.settings import Settings, split_urls
from spark_jobs.verdicts import Ended
from state.ledger import DayState, Figures, Ledger, Status
from state.notifications import Notifications
from state.progress import Progress, TableProgress
from tests.cli.tables import write_intervals
from tests.http_receiver import Inbox

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
HALF_HOURS = [MIDNIGHT + n * timedelta(minutes=30) for n in range(48)]
Told = Callable[..., list[str]]


def day(number: int, status: Status = Status.SUCCEEDED, attempt: int = 1, **facts: Any) -> DayState:
    """Tickets of a day of March 2026 in the ledger."""
    return DayState("tickets", date(2026, 3, number), status, attempt, "r1", **facts)


def failed(number: int, attempt: int = 1) -> DayState:
    """A day whose delivery couldn't be read."""
    return day(number, Status.FAILED, attempt, error_class="SourceError", error_message="not a CSV: line 7")


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A lake whose tickets came up to yesterday."""
    lake = str(tmp_path / "lake")
    Ledger(lake).put(day(3), day(4))
    return lake


@pytest.fixture
def settings(root: str, tmp_path: Path, inbox: Inbox) -> Settings:
    """Settings of 2026-03-05 with the inbox as receiver."""
    return Settings(
        lake=root, landing=str(tmp_path / "landing"), today=date(2026, 3, 5), notify=(SecretStr(inbox.url),)
    )


@pytest.fixture
def told(settings: Settings, inbox: Inbox) -> Told:
    """Puts days into the ledger, ends a run, and gives the titles of the messages that followed."""

    def after(*states: DayState, **end: Any) -> list[str]:
        Ledger(settings.lake).put(*states)
        after_run(settings, Ended("opslake run", "r1", days=states, **end))
        return inbox.emptied()

    return after


def test_a_run_after_which_all_is_well_tells_nothing(told: Told, root: str) -> None:
    """And remembers nothing."""
    assert told() == []
    assert Notifications(root).lasting() == []


def test_a_failed_day_is_told_once_over_all_its_attempts(told: Told, root: str) -> None:
    """Three attempts by three runs, and a run that gave it up."""
    title = "opslake: tickets of 2026-03-04 failed (SourceError)"

    assert [told(failed(4, 1)), told(failed(4, 2)), told(failed(4, 3)), told()] == [[title], [], [], []]
    (row,) = Notifications(root).lasting()
    assert (row.event, row.subject, row.run_id) == ("run_failed", "tickets 2026-03-04", "r1")


def test_a_message_says_what_where_in_figures_and_what_to_do(settings: Settings, inbox: Inbox) -> None:
    """The error, the lake and day, and the command."""
    Ledger(settings.lake).put(failed(4))
    after_run(settings, Ended("opslake run", "r1"))

    text = inbox.letters[0]["message"]
    assert "What: not a CSV: line 7" in text
    assert f"Where: lake {settings.lake}, dataset tickets, day 2026-03-04, run r1" in text
    assert "Figures: none" in text
    assert "`opslake run --dataset tickets --date 2026-03-04 --force`" in text


def test_a_day_that_was_well_in_between_is_told_again(told: Told) -> None:
    """Failed, succeeded, failed under a corrected delivery."""
    assert [len(told(state)) for state in (failed(4), day(4), failed(4))] == [1, 0, 1]


def test_a_day_that_is_tried_at_the_moment_is_not_well_yet(told: Told) -> None:
    """Its run was killed; the next one fails as before."""
    assert [len(told(state)) for state in (failed(4), day(4, Status.RUNNING), failed(4))] == [1, 0, 0]


def test_each_day_that_fails_is_an_event_of_its_own(told: Told) -> None:
    """While 03-03 stands, 03-04 is news."""
    told(failed(3))

    assert told(failed(4)) == ["opslake: tickets of 2026-03-04 failed (SourceError)"]


def test_too_many_rejects_are_told_as_such_with_both_figures(settings: Settings, inbox: Inbox) -> None:
    """3 of 20 against 10.0%; no second message says that the day failed."""
    figures = Figures(read=20, inserted=17, rejected=3)
    Ledger(settings.lake).put(day(4, Status.FAILED, figures=figures, error_class="DataError", error_message="too many"))
    after_run(settings, Ended("opslake run", "r1"))

    (letter,) = inbox.letters
    assert letter["title"] == "opslake: tickets of 2026-03-04: 15.0% of the records were rejected"
    assert "more than 10.0% (maxRejectRatio)" in letter["message"]
    assert "Figures: 3 rejected of 20 read" in letter["message"]
    assert "--accept-rejects" in letter["message"]


def test_rejects_at_the_ratio_are_no_reason(told: Told) -> None:
    """2 of 20 is 10%, which passes: what failed was something else."""
    state = day(4, Status.FAILED, figures=Figures(read=20, rejected=2), error_class="DataError")

    assert told(state) == ["opslake: tickets of 2026-03-04 failed (DataError)"]


def test_a_missing_delivery_is_told_as_missing_and_not_as_a_failure(told: Told) -> None:
    """Once, and again only after it came and went missing anew."""
    missing = day(4, Status.FAILED, error_class="missing_delivery", error_message="no delivery until then")

    assert told(missing) == ["opslake: tickets of 2026-03-04 is missing"]
    assert told(missing) == []


def test_a_gold_table_that_fails_is_told_until_it_is_published(told: Told, root: str) -> None:
    """Failed twice, waiting for another one, failed, published, failed: two messages."""
    counts = []
    for status in ("FAILED", "FAILED", "WAITING", "FAILED", "OK", "FAILED"):
        Progress(root).put(TableProgress("backlog_daily", status=status, message="backlog_size is negative"))
        counts.append(told())

    title = "opslake: the Gold table backlog_daily failed"
    assert counts == [[title], [], [], [], [], [title]]


def test_a_run_that_an_error_ends_is_told_until_one_is_well(told: Told) -> None:
    """Whatever the runs' ids."""
    error = EngineError("the store doesn't answer", where="s3a://lake")
    title = "opslake: the run failed (EngineError)"

    assert [told(error=error), told(error=error), told(), told(error=error)] == [[title], [], [], [title]]


def test_another_error_is_told_though_the_first_one_stands(told: Told) -> None:
    """Another kind of error, or another place; numbers in it don't count, and neither does the order."""
    ends = [
        EngineError("no space left", where="s3a://lake/state/runs/00017.json"),
        SourceError("the tab isn't there", where="sheet/tickets"),
        EngineError("it doesn't answer", where="s3a://landing/tickets"),
        EngineError("still no space", where="s3a://lake/state/runs/00018.json"),
    ]

    assert [told(error=error) for error in ends] == [
        ["opslake: the run failed (EngineError)"],
        ["opslake: the run failed (SourceError)"],
        ["opslake: the run failed (EngineError)"],
        [],
    ]
    assert [len(told(error=error)) for error in (None, ends[1])] == [0, 1]


def test_many_events_of_a_kind_are_one_message(told: Told, settings: Settings, inbox: Inbox, root: str) -> None:
    """A receiver that is set up on a lake with a bad month isn't flooded; each event is remembered."""
    Ledger(root).put(*(failed(n) for n in range(1, 5)), day(5))
    months = [DayState("tickets", date(2026, 2, n), Status.FAILED, error_class="SourceError") for n in range(1, 29)]
    Ledger(root).put(*months)
    after_run(settings, Ended("opslake run", "r1"))

    (letter,) = inbox.letters
    assert letter["title"] == "opslake: 32 times run_failed"
    assert "- and 2 before these" in letter["message"]
    assert "- tickets of 2026-03-04 failed (SourceError)" in letter["message"]
    assert len(Notifications(root).lasting()) == 32
    inbox.emptied()
    assert told(failed(4, 2)) == []


def test_what_could_not_be_sent_is_sent_by_the_next_run(told: Told, inbox: Inbox) -> None:
    """The receiver answers with an error, then not any more."""
    inbox.answer = 500
    assert told(failed(4)) == []

    inbox.answer = 200
    assert told(failed(4, 2)) == ["opslake: tickets of 2026-03-04 failed (SourceError)"]


def test_a_landing_that_can_not_be_opened_keeps_no_failure_from_being_told(settings: Settings, inbox: Inbox) -> None:
    """The freshness isn't known then, what failed is."""
    unknown = settings.model_copy(update={"landing": "nosuchstore://bucket"})
    after_run(unknown, Ended("opslake run", "r1", error=EngineError("no landing")))

    assert inbox.titles == ["opslake: the run failed (EngineError)"]


def test_a_lake_that_can_not_be_written_raises_nothing(settings: Settings, inbox: Inbox, tmp_path: Path) -> None:
    """The message goes out though it can't be remembered: told twice is better than never."""
    (tmp_path / "file").write_text("")
    after_run(settings.model_copy(update={"lake": str(tmp_path / "file")}), Ended("x", "r1", error=EngineError("no")))

    assert inbox.titles == ["opslake: the run failed (EngineError)"]


def activity(number: int) -> DayState:
    """A loaded day of agent activity."""
    return DayState("agent_events", date(2026, 3, number), Status.SUCCEEDED, 1, "r1")


def test_half_hours_that_miss_after_a_load_are_told(told: Told, root: str) -> None:
    """Of the day that was loaded; a late delivery that fills them makes it well."""
    write_intervals(Path(root), "2001", "UTC", HALF_HOURS[2:])

    assert told(activity(4)) == ["opslake: agent activity of 2026-03-04: 2 of 48 half hours are missing"]
    assert told(activity(4)) == []

    write_intervals(Path(root), "2001", "UTC", HALF_HOURS[:2])
    write_intervals(Path(root), "2001", "UTC", [t + timedelta(days=1) for t in HALF_HOURS])
    assert told(activity(5)) == []
    assert Notifications(root).lasting() == []


def test_yesterdays_activity_is_missed_though_only_tickets_came(told: Told, root: str) -> None:
    """A load that never came counts as 0 half hours; a lake that never had activity hears nothing of it."""
    assert told(day(4)) == []

    Ledger(root).put(activity(3))
    assert told(day(4)) == [
        "opslake: agent_events of 2026-03-04 is missing",
        "opslake: agent activity of 2026-03-04: 48 of 48 half hours are missing",
    ]
    assert told(day(4)) == []


def test_all_days_of_a_backfill_are_checked_and_their_half_hours_listed(
    settings: Settings, inbox: Inbox, root: str
) -> None:
    """Nine days in one message: the first lacks a morning, 02-28 two half hours, the last is whole, 03-01 not there."""
    days = [date(2026, 2, n) for n in range(21, 29)] + [date(2026, 3, 1), date(2026, 3, 2)]
    lacking = {day: [23] for day in days} | {days[0]: [*range(14), 20], days[7]: [2, 3], days[8]: [*range(48)]}
    lacking[days[9]] = []
    for one in days:
        start = datetime(one.year, one.month, one.day, tzinfo=UTC)
        there = [start + n * timedelta(minutes=30) for n in range(48) if n not in lacking[one]]
        write_intervals(Path(root), "2001", "UTC", there)
    write_intervals(Path(root), "2001", "UTC", HALF_HOURS)
    loaded = [DayState("agent_events", one, Status.SUCCEEDED, 1, "r1") for one in days]
    Ledger(root).put(*loaded, activity(3), activity(4))

    after_run(settings, Ended("opslake backfill", "r1", days=loaded))

    (letter,) = inbox.letters
    assert letter["title"] == "opslake: 9 times incomplete_intervals"
    assert letter["message"].splitlines()[:2] == [
        "- agent activity of 2026-02-21: 15 of 48 half hours are missing: 00:00 to 06:30, 10:00",
        "- agent activity of 2026-02-22: 1 of 48 half hours are missing: 11:30",
    ]
    assert "- agent activity of 2026-02-28: 2 of 48 half hours are missing: 01:00, 01:30" in letter["message"]
    assert "- agent activity of 2026-03-01: 48 of 48 half hours are missing: 00:00 to 23:30" in letter["message"]


def test_half_hours_that_a_replay_fills_are_seen(told: Told, root: str) -> None:
    """It loads no day, and doesn't look at yesterday either."""
    write_intervals(Path(root), "2001", "UTC", HALF_HOURS[2:])
    told(activity(4))
    write_intervals(Path(root), "2001", "UTC", HALF_HOURS[:2])

    assert told(subject="replay") == []
    assert Notifications(root).lasting() == []


def test_incomplete_activity_is_logged_without_a_receiver(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check belongs to the load, not to the notifications; nothing is written."""
    from spark_jobs.log import configure

    configure("json")
    settings = Settings(lake=root, landing=str(tmp_path), today=date(2026, 3, 5))
    after_run(settings, Ended("opslake run", "r1", days=[activity(4)]))

    assert '"window": "2026-03-04", "expected": 48, "present": 0, "event": "activity.incomplete"' in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "lake/state/notifications").exists()


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("", []),
        ("json://a/b", ["json://a/b"]),
        ("json://a slack://b/c\n mailto://d", ["json://a", "slack://b/c", "mailto://d"]),
        ("json://a,slack://b , mailto://u:p@c?to=x,y", ["json://a", "slack://b", "mailto://u:p@c?to=x,y"]),
        ('["json://a", "mailto://u:p@c?to=x y"]', ["json://a", "mailto://u:p@c?to=x y"]),
    ],
)
def test_addresses_are_split_where_the_next_one_begins(text: str, urls: list[str]) -> None:
    """Blanks, commas before another address, or a JSON list."""
    assert split_urls(text) == urls


def test_settings_do_not_show_addresses(settings: Settings) -> None:
    """Not even where they are printed whole."""
    assert "hunter2" not in repr(settings) + str(settings.model_dump())

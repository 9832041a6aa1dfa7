"""`check`: whether the lake is as it should be, by exit code. Starts no JVM and imports no pyspark."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import LOOK, Day, Json, app, settings
from spark_jobs.cli.show import Cell, counted, instant, show_json, show_line, show_table, state_of
from spark_jobs.errors import DATA_FAILED, OK, UsageError

if TYPE_CHECKING:
    from spark_jobs.completeness import Completeness, Window
    from spark_jobs.freshness import Freshness, OpenDay
    from spark_jobs.settings import Settings

LISTED_DAYS = 20
group = typer.Typer(help="Check completeness and freshness; exit code 1 when something is wrong.", no_args_is_help=True)
app.add_typer(group, name="check", rich_help_panel=LOOK)


@group.command()
def completeness(
    date: Day = None,
    last_hours: Annotated[
        int | None, typer.Option(min=1, max=8784, help="The last N hours instead of a day, in whole half hours.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that every half hour of a day has agent activity; without a date: of yesterday in business time."""
    from spark_jobs import notify
    from spark_jobs.completeness import check_completeness

    chosen = settings()
    found = check_completeness(chosen.lake, _window(chosen, date, last_hours))
    if as_json:
        show_json(_completeness_json(found))
    else:
        _show_completeness(found)
    notify.after_completeness(chosen, found)
    raise typer.Exit(OK if found.is_complete else DATA_FAILED)


@group.command()
def freshness(
    days: Annotated[int | None, typer.Option(min=1, help="Look at the last N days only.")] = None,
    as_json: Json = False,
) -> None:
    """Check that every dataset has come within its contract's latency, and that a run has ended lately."""
    from spark_jobs import notify
    from spark_jobs.contract import load_contracts
    from spark_jobs.freshness import look

    chosen = settings()
    found = look(chosen, load_contracts(chosen.contracts), last_days=days)
    if as_json:
        show_json(_freshness_json(found))
    else:
        _show_freshness(found)
    notify.after_freshness(chosen, found, whole=days is None)
    raise typer.Exit(OK if found.is_fresh else DATA_FAILED)


@group.command()
def notifications(as_json: Json = False) -> None:
    """Send every receiver a test message and say which of them took it."""
    from spark_jobs import notify

    chosen = settings()
    if not chosen.notify:
        raise UsageError("nobody is to be told", where="setting 'notify'", hint="see docs/notifications.md")
    found = notify.try_receivers(chosen)
    if as_json:
        show_json([{"receiver": name, "problem": problem} for name, problem in found])
    else:
        show_table(("receiver", "result"), [[name, problem or "took the message"] for name, problem in found])
    raise typer.Exit(DATA_FAILED if any(problem for _, problem in found) else OK)


def _window(chosen: Settings, day: datetime | None, hours: int | None) -> Window:
    from spark_jobs.completeness import present_moment, window_of_day, window_of_hours

    if day is not None and hours is not None:
        raise UsageError("--date is one day", where="opslake check completeness", hint="leave out --last-hours or it")
    if hours is not None:
        return window_of_hours(hours, present_moment(chosen), chosen.zone)
    return window_of_day(day.date() if day else chosen.business_today - timedelta(days=1), chosen.zone)


def _show_completeness(found: Completeness) -> None:
    missing = len(found.missing)
    verdict = "complete" if found.is_complete else "incomplete"
    row: list[Cell] = [found.window.name, str(found.expected), str(found.present), str(missing), state_of(verdict)]
    show_table(("window", "expected", "present", "missing", "result"), [row], right=("expected", "present", "missing"))
    for day, labels in found.by_day.items():
        show_line((f"missing {day} ", "red"), ", ".join(labels))


def _completeness_json(found: Completeness) -> dict[str, Any]:
    return {
        "window": found.window.name,
        "start": found.window.start,
        "end": found.window.end,
        "business_timezone": found.window.zone.key,
        "intervals_expected": found.expected,
        "intervals_present": found.present,
        "missing_intervals": found.labels,
        "missing_starts": found.missing,
        "is_complete": found.is_complete,
    }


def _show_freshness(found: Freshness) -> None:
    rows: list[list[Cell]] = [
        [d.dataset, state_of(d.condition), f"{d.sla_hours} h", str(d.last_succeeded or ""), counted(len(d.days), "day")]
        for d in found.datasets
    ]
    show_table(("dataset", "result", "latency", "last day", "open"), rows)
    for one in found.datasets:
        if len(one.days) > LISTED_DAYS:
            show_line(f"{one.dataset}: {len(one.days) - LISTED_DAYS} earlier days, see --json")
        for day in one.days[-LISTED_DAYS:]:
            show_line((f"{day.dataset} {day.logical_date} {day.condition} ", "red"), day.reason)
    if not found.has_run:
        last = instant(found.last_run.finished_at) + " UTC" if found.last_run else "never"
        show_line(("no run ", "red"), f"has come to its end in the last 24 hours; the last one did: {last}")


def _freshness_json(found: Freshness) -> dict[str, Any]:
    run = found.last_run
    return {
        "checked_at": found.checked_at,
        "is_fresh": found.is_fresh,
        "has_run": found.has_run,
        "last_run": run and {"run_id": run.run_id, "finished_at": run.finished_at, "exit_code": run.exit_code},
        "datasets": [
            {
                "dataset": d.dataset,
                "status": d.condition,
                "sla_hours": d.sla_hours,
                "last_succeeded": d.last_succeeded,
                "days": [_open_day_json(day) for day in d.days],
            }
            for d in found.datasets
        ],
    }


def _open_day_json(day: OpenDay) -> dict[str, Any]:
    return {
        "logical_date": day.logical_date,
        "status": day.condition,
        "deadline": day.deadline,
        "reason": day.reason,
    }

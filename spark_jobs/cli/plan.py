"""`plan`: what a run would do and why. It writes nothing and takes no lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import LOOK, Dataset, Day, Json, app, known_dataset, settings
from spark_jobs.cli.show import Cell, instant, show_json, show_line, show_table, size_of
from spark_jobs.errors import UsageError

if TYPE_CHECKING:
    from spark_jobs.forecast import Forecast
    from spark_jobs.planning import Plan
    from spark_jobs.settings import Settings
    from state.due import Due
    from state.lease import LeaseRow

ACTIONS = ("load", "finish", "missing", "skip", "wait")
LISTED_DAYS = 30


@app.command(rich_help_panel=LOOK)
def plan(
    date: Day = None,
    start: Day = None,
    end: Day = None,
    dataset: Dataset = None,
    max_days: Annotated[int | None, typer.Option(min=1, help="At most so many days.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="As if days that are settled were to be loaded again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a run would load, and which Gold tables it would compute, with the reasons."""
    from spark_jobs.forecast import forecast
    from spark_jobs.pipeline import Pipeline
    from spark_jobs.planning import Choice, make_plan
    from state.lease import current

    first, last = _range(date, start, end)
    if force and first is None and dataset is None:
        raise UsageError("--force needs a day", where="opslake plan", hint="give --date YYYY-MM-DD, or a --dataset")
    pipeline = Pipeline(settings(), "opslake plan")
    known_dataset(dataset, pipeline.contracts)
    lease = current(pipeline.settings.lake)
    holder = lease if lease is not None and not lease.free(datetime.now(UTC)) else None
    choice = Choice(dataset, first, last, max_days, force)
    found = make_plan(
        pipeline.settings,
        pipeline.contracts,
        choice,
        ledger=pipeline.ledger,
        live_run=holder.run_id if holder else None,
    )
    gold = forecast(pipeline.publisher(), {d.dataset for d in found.due if d.action == "load"})
    if as_json:
        show_json(_json(pipeline.settings, holder, found, gold))
    else:
        _show(pipeline.settings, holder, found, gold)


def _range(day: datetime | None, start: datetime | None, end: datetime | None) -> tuple[date | None, date | None]:
    if day is not None and (start or end):
        raise UsageError("--date is one day", where="opslake plan", hint="leave out --start and --end, or --date")
    if start is not None and end is not None and start > end:
        raise UsageError("--start is after --end", value=f"{start:%Y-%m-%d} > {end:%Y-%m-%d}", hint="swap them")
    first, last = (day, day) if day else (start, end)
    return first.date() if first else None, last.date() if last else None


def _show(chosen: Settings, holder: LeaseRow | None, found: Plan, gold: Sequence[Forecast]) -> None:
    if holder is not None:
        since = f"since {instant(holder.acquired_at)} UTC ({holder.command}, process {holder.pid} on {holder.host})"
        show_line(("held ", "yellow"), f"run {holder.run_id} holds the lake {since}: a run now would exit 75")
    for one in found.silent:
        show_line(("silent ", "red"), f"{one.dataset} can't be asked, a run now would exit 3: {one.error}")
    if not found.due and not gold:
        show_line("nothing is due")
        return
    if found.due:
        show_table(
            ("dataset", "day", "what", "files", "size", "delivery", "why"),
            _rows(chosen, found.due),
            right=("files", "size"),
        )
        show_line(_sum(found.due))
    if gold:
        show_line()
        rows = [[g.table, "whole" if g.whole else "what moved", g.reason] for g in gold]
        show_table(("gold table", "computed", "because"), rows)
    elif found.has("load"):
        show_line("no Gold table follows from that")


def _rows(chosen: Settings, dues: Sequence[Due]) -> list[list[Cell]]:
    """A row per day; where there are many, one per stretch of days of the same kind."""
    if len(dues) <= LISTED_DAYS:
        return [_row(chosen, [due]) for due in dues]
    stretches: dict[tuple[str, str, str], list[list[Due]]] = {}
    for due in dues:
        reason = due.reason if due.action in ("load", "finish") else ""
        same = stretches.setdefault((due.dataset, due.action, reason), [[]])
        if same[-1] and (due.logical_date - same[-1][-1].logical_date).days > 1:
            same.append([])
        same[-1].append(due)
    found = [stretch for same in stretches.values() for stretch in same]
    return [_row(chosen, part) for part in sorted(found, key=lambda p: (p[0].logical_date, p[0].dataset))]


def _row(chosen: Settings, part: Sequence[Due]) -> list[Cell]:
    first, last = part[0], part[-1]
    days = str(first.logical_date) + (f" to {last.logical_date} ({len(part)} days)" if len(part) > 1 else "")
    files = [f for due in part for f in due.deliveries]
    names = [f.path.removeprefix(chosen.landing + "/") for f in files]
    shown = "" if not names else names[0] if len(names) == 1 else f"{names[0]} …"
    size = size_of(sum(f.size for f in files)) if files else ""
    return [first.dataset, days, first.action, str(len(files) or ""), size, shown, first.reason]


def _sum(dues: Iterable[Due]) -> str:
    words = {"load": "to load", "finish": "to finish", "missing": "missing", "skip": "to skip", "wait": "waiting"}
    counts = {action: [d for d in dues if d.action == action] for action in ACTIONS}
    parts = [f"{len(found)} {words[action]}" for action, found in counts.items() if found]
    size = sum(f.size for d in counts["load"] for f in d.deliveries)
    return f"days: {', '.join(parts)}" + (f"; {size_of(size)} to read" if size else "")


def _json(chosen: Settings, holder: LeaseRow | None, found: Plan, gold: Sequence[Forecast]) -> dict[str, Any]:
    return {
        "lake": chosen.lake,
        "landing": chosen.landing,
        "held_by": holder and vars(holder),
        "days": [
            {**vars(d), "deliveries": [{**vars(f), "delivery": f.delivery} for f in d.deliveries]} for d in found.due
        ],
        "silent": [{"dataset": s.dataset, "logical_date": s.logical_date, "error": str(s.error)} for s in found.silent],
        "gold": [vars(g) for g in gold],
    }

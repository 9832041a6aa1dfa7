"""`status`: what the lake holds and how it fares. Starts no JVM and imports no pyspark."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import LOOK, Dataset, Json, app, known_dataset, settings
from spark_jobs.cli.show import CLASSES, Cell, counted, instant, show_json, show_line, show_table, state_of

if TYPE_CHECKING:
    from spark_jobs.overview import DatasetView, Gap, Overview
    from spark_jobs.settings import Settings
    from state.ledger import DayState

FIGURES = (*CLASSES, "ratio")
SHOWN_GAPS = 5
SKIPPED = "SKIPPED"


@app.command(rich_help_panel=LOOK)
def status(
    dataset: Dataset = None,
    days: Annotated[int, typer.Option(min=1, help="The latest days of each dataset.")] = 7,
    as_json: Json = False,
) -> None:
    """Show the latest days, what is open, and who holds the lake."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.overview import look

    chosen = settings()
    contracts = load_contracts(chosen.contracts)
    known_dataset(dataset, contracts)
    found = look(chosen, contracts, dataset=dataset, days=days)
    if as_json:
        show_json(_json(found, chosen))
    elif found.is_empty:
        show_line(f"{chosen.lake} holds nothing yet: `opslake plan` shows what a run would load")
    else:
        _show_head(found, chosen)
        _show_days(found)


def _show_head(found: Overview, chosen: Settings) -> None:
    rows: list[list[Cell]] = [["lake", chosen.lake], ["last run", _last_run(found)], ["lease", _lease(found)]]
    rows += [["horizon", f"{d.dataset} {d.horizon}"] for d in found.datasets if d.horizon]
    for view in found.datasets:
        rows += [["open", f"{view.dataset} {_gap(gap)}"] for gap in view.gaps[-SHOWN_GAPS:]]
        if len(view.gaps) > SHOWN_GAPS:
            rows.append(["open", f"{view.dataset}: {len(view.gaps) - SHOWN_GAPS} earlier gaps, see --json"])
    good = [g for g in found.gold if g.status == "OK"]
    if good:
        upto = {str(g.horizon) for g in good}
        rows.append(["gold", f"{counted(len(good), 'table')} ok up to {', '.join(sorted(upto))}"])
    rows += [
        ["gold", f"{g.table} {g.status}: {g.message or 'no reason recorded'}"] for g in found.gold if g not in good
    ]
    show_table(("", ""), rows)


def _last_run(found: Overview) -> str:
    run = found.run
    if run is None:
        return "none"
    start = f"{run.run_id} ({run.command}) of {instant(run.started_at)} UTC"
    if run.finished_at is not None:
        seconds = (run.finished_at - run.started_at).total_seconds()
        return f"{start}, exit code {run.exit_code} after {seconds:.0f} s" + (f": {run.error}" if run.error else "")
    alive = found.held and found.lease is not None and found.lease.run_id == run.run_id
    return f"{start}, running" if alive else f"{start}, died without an end"


def _lease(found: Overview) -> str:
    lease = found.lease
    if lease is None or not found.held:
        return "free"
    return f"run {lease.run_id} since {instant(lease.acquired_at)} UTC, process {lease.pid} on {lease.host}"


def _gap(gap: Gap) -> str:
    days = str(gap.first) if gap.days == 1 else f"{gap.first} to {gap.last} ({gap.days} days)"
    return f"{days} {gap.status}" + (f": {gap.message}" if gap.message and gap.days == 1 else "")


def _show_days(found: Overview) -> None:
    rows = [
        _row(part[0]) if len(part) == 1 else _skipped(part)
        for view in found.datasets
        for is_skipped, run in groupby(view.days, key=lambda day: day.status == SKIPPED)
        for part in ([list(run)] if is_skipped else [[day] for day in run])
    ]
    if rows:
        headers = ("dataset", "day", "status", *FIGURES, "delivery", "when (UTC)", "remarks")
        show_line()
        show_table(headers, rows, right=FIGURES)


def _skipped(days: Sequence[DayState]) -> list[Cell]:
    """Days in a row without a delivery that needn't have one, latest first, as one line."""
    span = f"{days[-1].logical_date} to {days[0].logical_date}"
    unknown = [""] * (len(FIGURES) + 2)
    return [days[0].dataset, span, state_of(SKIPPED), *unknown, f"{len(days)} days without a delivery"]


def _row(day: DayState) -> list[Cell]:
    figures = day.figures
    counts = [f"{getattr(figures, name):,}" for name in CLASSES] if figures else [""] * len(CLASSES)
    delivery = day.deliveries[0].delivery if len(day.deliveries) == 1 else f"{len(day.deliveries)} files"
    return [
        day.dataset,
        str(day.logical_date),
        state_of(day.status),
        *counts,
        "" if ratio_of(day) is None else f"{ratio_of(day):.1%}",
        delivery if day.deliveries else "",
        instant(day.finished_at),
        _remarks(day),
    ]


def _remarks(day: DayState) -> str:
    parts = [day.error_message] if day.error_message else []
    parts += [f"attempt {day.attempt}"] if day.attempt > 1 else []
    parts += ["rejects accepted"] if day.accepted_rejects else []
    parts += ["not in Gold yet"] if day.gold_pending else []
    figures = day.figures
    if figures is not None:
        parts += [f"{getattr(figures, name):,} {name}" for name in ("absent", "deleted") if getattr(figures, name)]
        parts += [f"{name}: {count:,}" for name, count in sorted(figures.warnings.items())]
    return ", ".join(parts)


def ratio_of(day: DayState) -> float | None:
    """Rejected records by records read; None where none were read."""
    return day.figures.rejected / day.figures.read if day.figures and day.figures.read else None


def _json(found: Overview, chosen: Settings) -> dict[str, Any]:
    return {
        "lake": chosen.lake,
        "business_today": chosen.business_today,
        "empty": found.is_empty,
        "last_run": found.run and vars(found.run),
        "lease": found.lease and {**vars(found.lease), "held": found.held},
        "datasets": [_dataset_json(view) for view in found.datasets],
        "gold": [vars(g) for g in found.gold],
    }


def _dataset_json(view: DatasetView) -> dict[str, Any]:
    return {
        "dataset": view.dataset,
        "horizon": view.horizon,
        "counts": view.counts,
        "gaps": [{**vars(gap), "days": gap.days} for gap in view.gaps],
        "days": [_day_json(day) for day in view.days],
    }


def _day_json(day: DayState) -> dict[str, Any]:
    return {**vars(day), "figures": day.figures and day.figures.to_json(), "reject_ratio": ratio_of(day)}

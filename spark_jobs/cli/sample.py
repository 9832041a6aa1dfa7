"""`sample`: deliveries to try the lake with, in any volume, with known dirt and the truth about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import PREPARE, Json, app
from spark_jobs.cli.show import show_json, show_line, show_table
from spark_jobs.errors import UsageError

CONTRACTS = "_contracts"

if TYPE_CHECKING:
    from spark_jobs.sample import Truth

FIGURES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")
DAYS = ["%Y-%m-%d"]


@app.command(rich_help_panel=PREPARE)
def sample(
    out: Annotated[Path, typer.Option(help="The landing root to write below.")],
    start: Annotated[datetime, typer.Option(formats=DAYS, metavar="YYYY-MM-DD", help="The first day.")],
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 7,
    tickets_per_day: Annotated[int, typer.Option(min=1, help="New tickets a day, on average.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    no_dirt: Annotated[bool, typer.Option("--no-dirt", help="Only good rows in plain files.")] = False,
    skip: Annotated[
        list[datetime] | None, typer.Option(formats=DAYS, metavar="YYYY-MM-DD", help="A day without a file.")
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Only this dataset (may be repeated); all of them by default.")
    ] = None,
    postgres_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where web complaints become tables (env:NAME names a variable); else Parquet."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write sample deliveries of every dataset, and the truth about them."""
    from spark_jobs.sample import DATASETS, write_sample

    parameters = {
        "start": start.date(),
        "days": days,
        "tickets_per_day": tickets_per_day,
        "seed": seed,
        "dirt": not no_dirt,
        "skip": sorted(one.date() for one in skip or ()),
        "datasets": [name for name in DATASETS if not dataset or name in dataset],
    }
    unknown = sorted(set(dataset or ()) - set(DATASETS))
    if unknown:
        raise UsageError("no such dataset in the sample", where="--dataset", value=unknown, allowed=", ".join(DATASETS))
    _refuse_other_sample(out, parameters)
    truth = write_sample(out, postgres_url=postgres_url, **parameters)  # type: ignore[arg-type]
    if as_json:
        show_json({"landing": out.absolute(), "truth": truth.folder.absolute(), **truth.totals()})
    else:
        _show(out, start.date(), days, truth)


def _refuse_other_sample(out: Path, parameters: Mapping[str, Any]) -> None:
    """Files of an earlier sample that this one doesn't overwrite would make the truth wrong."""
    told = out / "_truth" / "sample.json"
    if told.exists():
        before = json.loads(told.read_text(encoding="utf-8")).get("parameters", {})
        if all(before.get(name) == json.loads(json.dumps(value, default=str)) for name, value in parameters.items()):
            return
    elif not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    raise UsageError(
        "the directory holds something else already",
        where=str(out),
        hint="take an empty one: the truth is of all of it",
    )


def _show(out: Path, start: date, days: int, truth: Truth) -> None:
    sums = truth.totals()["totals"]
    rows = [[name, *(f"{figures[f]:,}" for f in FIGURES)] for name, figures in sums.items()]
    show_table(("dataset", *FIGURES), rows, right=FIGURES)
    reasons = [
        [name, reason.removeprefix("reason:"), f"{count:,}"]
        for name, figures in sums.items()
        for reason, count in figures.items()
        if reason.startswith("reason:")
    ]
    if reasons:
        show_line()
        show_table(("dataset", "rejected for", "records"), reasons, right=("records",))
    last = start + timedelta(days=days - 1)
    show_line()
    show_line(f"deliveries of {start} to {last} below {out}, the truth about them below {truth.folder}")
    if (out / CONTRACTS).exists():
        show_line(f"files in the place of servers are read with --contracts {out / CONTRACTS}")
    show_line(f"next: opslake --landing {out} --lake LAKE backfill --start {start} --end {last}")

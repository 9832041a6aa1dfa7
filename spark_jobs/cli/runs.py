"""`run`, `backfill` and `rebuild`: the commands that change the lake."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Annotated

import typer

from spark_jobs.cli.app import Dataset, Day, Json, app, known_dataset, settings
from spark_jobs.cli.show import show_report
from spark_jobs.errors import UsageError
from spark_jobs.planning import Choice


def as_date(value: datetime | None) -> date | None:
    """The date of an option."""
    return value.date() if value else None


def command_line() -> str:
    """The command as it was given, for the run's record."""
    return " ".join(["opslake", *sys.argv[1:]])


@app.command()
def run(
    date: Day = None,
    dataset: Dataset = None,
    max_days: Annotated[int | None, typer.Option(min=1, help="At most so many days; the next day only: 1.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Load days again that have succeeded or given up.")] = False,
    accept_rejects: Annotated[
        bool, typer.Option("--accept-rejects", help="Let days pass whose reject ratio is too high; recorded.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load what is due, oldest first, and bring Gold up to it. Without a date: all that is due."""
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline

    day = as_date(date)
    if force and day is None and dataset is None:
        raise UsageError("--force needs a day", where="opslake run", hint="give --date YYYY-MM-DD, or a --dataset")
    with watched(settings(), command_line()) as ended:
        pipeline = Pipeline(settings(), command_line())
        known_dataset(dataset, pipeline.contracts)
        choice = Choice(dataset, day, day, max_days, force, accept_rejects)
        report = ended.as_of(pipeline.run(choice))
        show_report(report, as_json=as_json)
    raise typer.Exit(report.exit_code)


@app.command()
def backfill(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")],
    batch_days: Annotated[int | None, typer.Option(min=1, help="Days loaded by one commit.")] = None,
    dataset: Dataset = None,
    force: Annotated[bool, typer.Option("--force", help="Load days again that have succeeded.")] = False,
    accept_rejects: Annotated[bool, typer.Option("--accept-rejects")] = False,
    as_json: Json = False,
) -> None:
    """Load many days in one Spark job, in batches; Bronze and figures are kept per day."""
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline

    if start > end:
        raise UsageError("--start is after --end", value=f"{start:%Y-%m-%d} > {end:%Y-%m-%d}", hint="swap them")
    with watched(settings(), command_line()) as ended:
        pipeline = Pipeline(settings(), command_line())
        known_dataset(dataset, pipeline.contracts)
        choice = Choice(dataset, start.date(), end.date(), None, force, accept_rejects)
        report = ended.as_of(pipeline.backfill(choice, batch_days or pipeline.settings.batch_days))
        show_report(report, as_json=as_json)
    raise typer.Exit(report.exit_code)


@app.command()
def rebuild(
    tables: Annotated[list[str] | None, typer.Argument(help="Gold tables; none: --all or --silver.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every Gold table.")] = False,
    silver: Annotated[str | None, typer.Option(help="Rebuild this dataset's Silver from Bronze, then Gold.")] = None,
    as_json: Json = False,
) -> None:
    """Build Gold tables from Silver anew, or Silver from Bronze."""
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline

    if sum((bool(tables), everything, silver is not None)) != 1:
        raise UsageError("say what to rebuild", where="opslake rebuild", allowed="TABLE…, --all or --silver DATASET")
    with watched(settings(), command_line(), "rebuild") as ended:
        pipeline = Pipeline(settings(), command_line())
        known_dataset(silver, pipeline.contracts)
        report = ended.as_of(pipeline.rebuild(tables or (), silver))
        show_report(report, as_json=as_json)
    raise typer.Exit(report.exit_code)

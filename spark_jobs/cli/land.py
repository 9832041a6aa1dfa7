"""`land`: a large export into daily deliveries."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from spark_jobs.cli.app import PREPARE, Json, app, known_dataset, settings
from spark_jobs.cli.show import err, show_json, show_line


@app.command(rich_help_panel=PREPARE)
def land(
    file: Annotated[str, typer.Argument(help="The export: a file, or the URI of one; maybe gzipped.")],
    dataset: Annotated[str, typer.Option(help="The dataset whose deliveries it holds.")],
    by: Annotated[str, typer.Option(metavar="COLUMN", help="The column that says to which day a record belongs.")],
    undated: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="The day of records whose own can't be read; else they go to a file of their own.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the days in the place of other deliveries, as corrections.")
    ] = False,
    work: Annotated[
        Path | None, typer.Option(help="A folder with room for the export, unzipped; else the system's for such files.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="So many objects are put at a time.")] = 8,
    as_json: Json = False,
) -> None:
    """Split an export into a delivery per day and put them into the landing root; the same command resumes."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.land import split, upload

    chosen = settings()
    contracts = load_contracts(chosen.contracts)
    known_dataset(dataset, contracts)
    contract = contracts[dataset]
    rest = undated.date() if undated else None
    with _progress("splitting", quiet=as_json) as told:
        folder = work or Path(tempfile.gettempdir())
        parts = split(_absolute(file), contract, by, zone=chosen.zone, work=folder, undated=rest, told=told)
    with _progress("putting", quiet=as_json) as told:
        name = PurePosixPath(file).name.partition(".")[0]
        done = upload(parts, contract, chosen.landing, name, replace=replace, threads=threads, told=told)
    shutil.rmtree(parts.folder)
    if as_json:
        show_json({"landing": chosen.landing, "records": parts.records, **vars(done)})
        return
    show_line(f"{parts.records} records; {len(done.put)} files put, {len(done.there)} were there already")
    if done.undated:
        what = f"{done.undated_records} records have no {by} that can be read"
        show_line(("warning ", "yellow"), f"{what}: {done.undated}, which no run loads")


def _absolute(file: str) -> str:
    return file if "://" in file else str(Path(file).expanduser().absolute())


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where a person looks."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)

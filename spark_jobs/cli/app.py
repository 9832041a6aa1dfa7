"""The commands and their options; each group of commands has a file of its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

import typer

from spark_jobs import __version__
from spark_jobs.errors import UsageError, nearest
from spark_jobs.log import configure
from spark_jobs.settings import Settings, load_settings

app = typer.Typer(
    help="A lakehouse for support operations: daily deliveries to Delta tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data, which is masked otherwise.")]
Dataset = Annotated[str | None, typer.Option(help="Only this dataset.")]

LOOK, PREPARE = "Look, changing nothing", "Prepare"
"""Headings of `opslake --help` beside that of the commands that change the lake."""

_options: dict[str, str | None] = {}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"opslake {__version__}")
        raise typer.Exit


@app.callback()
def root(
    lake: Annotated[str | None, typer.Option(help="The lake's root; else OPSLAKE_LAKE or opslake.toml.")] = None,
    landing: Annotated[str | None, typer.Option(help="The landing root.")] = None,
    contracts: Annotated[str | None, typer.Option(help="A directory of contracts of your own.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only results and warnings.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,  # noqa: ARG001
) -> None:
    """Options that every command takes."""
    _options.clear()
    _options.update(lake=lake, landing=landing, contracts=contracts)
    configure(settings().log_format, quiet=quiet)


def settings() -> Settings:
    """The settings in force for this command line."""
    return load_settings(**_options)


def known_dataset(name: str | None, known: Collection[str]) -> None:
    """Refuse the name of a dataset that there is no contract for; None is no name."""
    if name is not None and name not in known:
        raise UsageError("unknown dataset", value=name, allowed=sorted(known), hint=nearest(name, known))


# Each registers its commands, in the order of `opslake --help`.
from spark_jobs.cli import runs, maintain, forget, status, plan, check, exceptions, trace, contract  # noqa: E402, F401, I001
from spark_jobs.cli import sample, land, publish, doctor  # noqa: E402, F401

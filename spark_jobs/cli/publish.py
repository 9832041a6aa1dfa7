"""`publish`: show the lake's tables in BigQuery or Athena. Starts no JVM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from spark_jobs.cli.app import PREPARE, Json, app, settings
from spark_jobs.cli.show import Cell, counted, show_json, show_line, show_table, state_of
from spark_jobs.errors import UsageError

if TYPE_CHECKING:
    from spark_jobs.catalog.outcome import Outcome

Uri = Annotated[str | None, typer.Option(help="The lake's root as the cloud sees it; else the setting `lake`.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]

group = typer.Typer(help="Show the lake's tables in BigQuery or Athena: docs/publish.md.", no_args_is_help=True)
app.add_typer(group, name="publish", rich_help_panel=PREPARE)


@group.command()
def bigquery(
    project: Annotated[str | None, typer.Option(help="Google Cloud project; else `bigquery_project`.")] = None,
    dataset: Annotated[str | None, typer.Option(help="The analysts' dataset; else `bigquery_dataset`.")] = None,
    connection: Annotated[
        str | None, typer.Option(metavar="PROJECT.LOCATION.NAME", help="Else `bigquery_connection`.")
    ] = None,
    uri: Uri = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Create or update BigLake tables of all layers, and the views that analysts see."""
    _needs("google.cloud.bigquery", "gcp")
    from spark_jobs.catalog import bigquery as catalogue
    from spark_jobs.catalog.survey import survey
    from spark_jobs.contract import load_contracts

    chosen = settings()
    reader = connection or chosen.bigquery_connection
    if reader is None:
        hint = "set bigquery_connection, or --connection PROJECT.LOCATION.NAME; `make deploy-gcp` makes one"
        raise UsageError("no connection to read the bucket with", where="opslake publish bigquery", hint=hint)
    name = dataset or chosen.bigquery_dataset
    target = catalogue.Target(name, chosen.bigquery_restricted_dataset or f"{name}_restricted", reader)
    contracts = load_contracts(chosen.contracts)
    found = survey(chosen.lake, contracts, uri)
    catalogue.refuse_elsewhere(found)
    client = catalogue.connect(project or chosen.bigquery_project)
    done = catalogue.publish(found, contracts, chosen.business_timezone, target, client, dry_run=dry_run)
    _show(done, dry_run=dry_run, as_json=as_json)


@group.command()
def athena(
    database: Annotated[str | None, typer.Option(help="The analysts' database; else `glue_database`.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; else `aws_region`.")] = None,
    uri: Uri = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Register the tables of all layers, and the views over them, in the Glue catalog."""
    _needs("boto3", "aws")
    from spark_jobs.catalog import glue
    from spark_jobs.catalog.survey import survey
    from spark_jobs.contract import load_contracts

    chosen = settings()
    name = database or chosen.glue_database
    target = glue.Target(name, chosen.glue_restricted_database or f"{name}_restricted")
    contracts = load_contracts(chosen.contracts)
    found = survey(chosen.lake, contracts, uri)
    client = glue.connect(region or chosen.aws_region)
    done = glue.publish(found, contracts, chosen.business_timezone, target, client, dry_run=dry_run)
    _show(done, dry_run=dry_run, as_json=as_json)


def _needs(module: str, extra: str) -> None:
    """The clouds' clients are an extra of the package; each is loaded only by its own command."""
    from importlib import import_module

    try:
        import_module(module)
    except ImportError as error:
        raise UsageError(f"{module} isn't installed", hint=f"pip install 'opslake[{extra}]'") from error


def _show(outcomes: Sequence[Outcome], *, dry_run: bool, as_json: bool) -> None:
    from spark_jobs.catalog.outcome import changes_anything, counts

    if as_json:
        figures = {"dry_run": dry_run, "changed": changes_anything(outcomes), "counts": counts(outcomes)}
        show_json(figures | {"objects": [vars(one) for one in outcomes]})
        return
    told = [one for one in outcomes if one.action not in ("unchanged", "skipped")]
    rows: list[list[Cell]] = [[one.kind, one.name, state_of(one.action), one.reason] for one in told]
    if rows:
        show_table(("what", "name", "would be" if dry_run else "was", "because"), rows)
    skipped = [one.name for one in outcomes if one.action == "skipped"]
    if skipped:
        show_line(("not in the lake yet ", "yellow"), ", ".join(skipped))
    verdict = ", ".join(f"{number} {action}" for action, number in counts(outcomes).items() if action != "skipped")
    if not told:
        show_line(f"nothing to change: {counted(len(outcomes) - len(skipped), 'object')} as they should be")
    else:
        show_line(f"{verdict}{'; nothing was changed (dry run)' if dry_run else ''}")

"""`opslake exceptions`: the rejected records. `replay` alone starts a JVM, where it has something to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spark_jobs.cli.app import LOOK, Day, Json, Unmask, app, known_dataset, settings
from spark_jobs.cli.show import Cell, counted, instant, plain, show_json, show_line, show_table, state_of
from spark_jobs.errors import UsageError

if TYPE_CHECKING:
    from spark_jobs.exception_rows import Listing

SHORT_ID = 12
Reason = Annotated[str | None, typer.Option(help="Only records refused for this reason.")]
group = typer.Typer(
    help="Rejected records: list them, show one with its raw text, correct them in a file, replay them.",
    no_args_is_help=True,
)
app.add_typer(group, name="exceptions", rich_help_panel=LOOK)


class LifeState(StrEnum):
    """Where an exception stands in its life."""

    OPEN = "open"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"
    INFORMATIONAL = "informational"


@group.command("list")
def list_(
    dataset: Annotated[str, typer.Argument()],
    date: Day = None,
    reason: Reason = None,
    status: Annotated[LifeState | None, typer.Option(help="Only exceptions in this state.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most so many; counts are of all.")] = 20,
    unmask: Unmask = False,
    as_json: Json = False,
) -> None:
    """Count a dataset's exceptions per reason, then list the latest."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.exception_rows import list_exceptions
    from spark_jobs.masking import masked_exception

    contracts = load_contracts(settings().contracts)
    known_dataset(dataset, contracts)
    day = date.date() if date else None
    found = list_exceptions(settings().lake, contracts[dataset], day=day, reason=reason, status=status, limit=limit)
    if not unmask:
        found = replace(found, rows=tuple(masked_exception(row, contracts[dataset]) for row in found.rows))
    if as_json:
        show_json(vars(found))
    elif not found.total:
        show_line("no exceptions" + (" like that" if date or reason or status else ""))
    else:
        _show_list(found)


@group.command()
def show(
    exception: Annotated[str, typer.Argument(metavar="ID|FILE:RECORD", help="An id, a beginning of one, or a record.")],
    unmask: Unmask = False,
    as_json: Json = False,
) -> None:
    """Show one exception whole, with the record as it was delivered."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.exception_rows import find_exceptions
    from spark_jobs.masking import masked_exception

    contracts = load_contracts(settings().contracts)
    found = find_exceptions(settings().lake, contracts, exception)
    if not unmask:
        found = [masked_exception(row, contracts[row["dataset"]]) for row in found]
    if as_json:
        show_json(found)
        return
    for row in found:
        _show_row(row)


@group.command()
def export(
    dataset: Annotated[str, typer.Argument()],
    to: Annotated[str, typer.Option(metavar="FILE", help="A CSV file that isn't there yet.")],
    date: Day = None,
    reason: Reason = None,
    unmask: Annotated[bool, typer.Option("--unmask", help="Write personal data into the file.")] = False,
    as_json: Json = False,
) -> None:
    """Write the open exceptions to a CSV file, to be corrected there."""
    from spark_jobs.contract import load_contracts
    from spark_jobs.exception_export import export_exceptions
    from spark_jobs.masking import has_personal

    contracts = load_contracts(settings().contracts)
    known_dataset(dataset, contracts)
    if has_personal(contracts[dataset]) and not unmask:
        raise UsageError(
            "its records hold personal data, which a file to correct them in would show",
            where=f"opslake exceptions export {dataset}",
            hint="give --unmask if that is meant, and keep the file where nobody else reads it",
        )
    day = date.date() if date else None
    number = export_exceptions(settings().lake, contracts[dataset], to, day=day, reason=reason)
    if as_json:
        show_json({"exceptions": number, "file": to if number else None})
    elif not number:
        show_line("no open exceptions" + (" like that" if date or reason else "") + ", so no file")
    else:
        again = f"opslake exceptions replay {dataset} --file {to}"
        show_line(f"{counted(number, 'open exception')} in {to}; correct them there, then run `{again}`")


@group.command()
def replay(
    dataset: Annotated[str, typer.Argument()],
    date: Day = None,
    reason: Reason = None,
    file: Annotated[str | None, typer.Option(help="A CSV file of corrected records, made by `export`.")] = None,
    as_json: Json = False,
) -> None:
    """Validate open exceptions again by the contract in force, or take corrected records from a file."""
    from spark_jobs.cli.runs import command_line
    from spark_jobs.cli.show import show_replay
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline
    from spark_jobs.replaying import Asked

    if file is not None and (date is not None or reason is not None):
        raise UsageError(
            "a file names its exceptions itself", where="opslake exceptions replay", hint="leave --date and --reason"
        )
    with watched(settings(), command_line(), "replay") as ended:
        pipeline = Pipeline(settings(), command_line())
        known_dataset(dataset, pipeline.contracts)
        report = ended.as_of(pipeline.replay(Asked(dataset, date.date() if date else None, reason, file)))
        show_replay(report, as_json=as_json)
    raise typer.Exit(report.exit_code)


def _show_list(found: Listing) -> None:
    counts = [[c["reason"], state_of(c["status"]), f"{c['records']:,}"] for c in found.counts]
    show_table(("reason", "status", "records"), counts, right=("records",))
    if not found.rows:
        return
    show_line()
    show_table(
        ("id", "day", "status", "file", "record", "key", "reasons"), [_row(r) for r in found.rows], right=("record",)
    )
    if len(found.rows) < found.total:
        show_line((f"the latest {len(found.rows)} of {found.total:,}; --limit lists more", "dim"))


def _row(row: Mapping[str, Any]) -> list[Cell]:
    from spark_jobs.exception_rows import key_of

    return [
        row["exception_id"][:SHORT_ID],
        str(row["_logical_date"]),
        state_of(row["status"]),
        row["_source_file"].rpartition("/")[2],
        str(row["_row_number"]),
        key_of(row),
        ", ".join(row["reject_reasons"]),
    ]


def _show_row(row: Mapping[str, Any]) -> None:
    from spark_jobs.exception_rows import key_of

    facts: list[list[Cell]] = [
        ["exception", row["exception_id"]],
        ["dataset", row["dataset"]],
        ["status", state_of(row["status"])],
        ["reasons", ", ".join(row["reject_reasons"])],
        ["key", key_of(row)],
        ["resolved by", row["resolved_by"] or ""],
        ["file", row["_source_file"]],
        ["record", str(row["_row_number"])],
        ["delivery", f"{row['_delivery']} of {row['_logical_date']}"],
        ["first seen", f"{instant(row['first_seen'])} UTC in run {row['_run_id']}"],
        ["rules", row["rule_set"]],
    ]
    show_table(("", ""), [fact for fact in facts if fact[1]])
    show_line(("as delivered", "bold"))
    fields = fields_of(row["raw_record"])
    if fields is None:
        show_line(row["raw_record"] or "")
    else:
        show_table(("", ""), [[name, "" if text is None else str(text)] for name, text in fields.items()])
    show_line()


def fields_of(raw: str | None) -> dict[str, Any] | None:
    """The fields of a record that was kept as a JSON object; None where it was kept as text."""
    try:
        found = json.loads(raw or "")
    except ValueError:
        return None
    return {str(name): plain(value) for name, value in found.items()} if isinstance(found, dict) else None

"""`contract lint` and `contract new`: contracts are checked, and drafted from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spark_jobs.cli.app import PREPARE, Json, app, settings
from spark_jobs.cli.show import counted, show_json, show_line
from spark_jobs.errors import OK, WRONG_USAGE, UsageError

if TYPE_CHECKING:
    from spark_jobs.contract import Finding

SUFFIX = ".odcs.yaml"
GUESS = "# guess:"
group = typer.Typer(help="Check contracts, or draft one from a file.", no_args_is_help=True)
app.add_typer(group, name="contract", rich_help_panel=PREPARE)


@group.command()
def lint(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]…", help="Files or directories.")] = None,
    sql: Annotated[
        bool, typer.Option("--sql", help="Let Spark parse every expression, and resolve its names.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check contracts: those named, else the built-in and your own ones. Exit code 2 when something is wrong."""
    from spark_jobs.contract.library import contract_files

    own = settings().contracts
    asked: list[Sequence[str]] = [paths] if paths else [(), (own,)] if own else [()]
    files = [file for names in asked for file in contract_files(names)]
    findings = [finding for file in files for finding in file.findings]
    if sql and not findings:
        from spark_jobs.contract_sql import sql_findings
        from spark_jobs.pipeline import start_session

        spark = start_session(settings(), 0)
        findings = [f for file in files if file.contract for f in sql_findings(spark, file.contract)]
    if as_json:
        show_json({"files": [file.name for file in files], "findings": [_json(finding) for finding in findings]})
    else:
        for finding in findings:
            show_line(str(finding))
        many = counted(len(files), "contract")
        show_line(f"{many}, {counted(len(findings), 'finding')}" if findings else f"{many}: ok")
    raise typer.Exit(WRONG_USAGE if findings else OK)


@group.command()
def new(
    file: Annotated[Path, typer.Argument(help="A delivery: CSV or JSON, perhaps gzipped.")],
    dataset: Annotated[
        str | None, typer.Option(help="The name of the new dataset; else taken from the file's.")
    ] = None,
    onto: Annotated[
        str | None, typer.Option("--for", metavar="DATASET", help="Map it onto a built-in dataset.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .yaml file or a directory of contracts; else standard output.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draft a contract from a file; every guess is marked with what speaks for it."""
    from spark_jobs.contract import load_contract
    from spark_jobs.draft import dataset_name, draft_contract

    if dataset and onto:
        raise UsageError("--dataset names a new one, --for a built-in one", hint="give one of them")
    builtin = load_contract(onto) if onto else None
    name = onto or dataset or dataset_name(file)
    is_file = out is not None and out.suffix in (".yaml", ".yml")
    target = out if out is None or is_file else out / f"{name}{SUFFIX}"
    if target is not None and target.exists():
        raise UsageError("there is a file already", where=str(target), hint="take another name, or remove it")
    text = draft_contract(file, dataset=None if onto else name, onto=builtin)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    _tell_draft(name, text, target, as_json=as_json)


def _tell_draft(name: str, text: str, target: Path | None, *, as_json: bool) -> None:
    guesses = sum(line.strip().startswith(GUESS) for line in text.splitlines())
    if as_json:
        show_json({"dataset": name, "path": target, "guesses": guesses, "contract": text})
    elif target is None:
        typer.echo(text, nl=False)
    else:
        show_line(f"wrote {target}: {guesses} places marked `{GUESS}` are to be judged")
        if not target.name.endswith(SUFFIX):
            show_line(f"a directory of contracts is read for files called *{SUFFIX}")
        show_line(f"then: opslake contract lint --sql {target}")


def _json(finding: Finding) -> dict[str, object]:
    rest = {name: value for name, value in vars(finding).items() if name != "mark"}
    return {"file": finding.mark.file, "line": finding.mark.line, **rest}

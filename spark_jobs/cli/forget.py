"""`forget`: the command that removes what the lake knows of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spark_jobs.cli.app import Json, app, settings
from spark_jobs.cli.show import show_json, show_line, show_noncurrent, show_table, show_unknown
from spark_jobs.errors import UsageError
from state.versions import noncurrent

if TYPE_CHECKING:
    from spark_jobs.forgetting import Forgot
    from spark_jobs.pipeline import Report

COMMAND = "opslake forget"
"""What the run's record says, without the ids."""


@app.command()
def forget(
    customer_id: Annotated[
        list[str] | None, typer.Option(help="A customer's id as delivered; may be repeated.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A text file of ids, one a line.")] = None,
    as_json: Json = False,
) -> None:
    """Remove a customer from every layer; what the customer did stays counted, as nobody's."""
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline

    ids = [*(customer_id or ()), *(_ids_in(file) if file is not None else ())]
    if not any(one.strip() for one in ids):
        raise UsageError("say whom to forget", where=COMMAND, allowed="--customer-id ID, or --file FILE")
    with watched(settings(), COMMAND, "forget") as ended:
        report, forgot = Pipeline(settings(), COMMAND).forget(ids)
        ended.as_of(report)
        _show(report, forgot, as_json=as_json)
    raise typer.Exit(report.exit_code)


def _ids_in(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't be read: {error}", where="--file", value=str(file)) from error


def _show(report: Report, forgot: Forgot, *, as_json: bool) -> None:
    roots = {"landing": settings().landing, "lake": settings().lake}
    kept = {root: noncurrent(root) for root in roots.values() if "://" in root}
    if as_json:
        tables = [vars(table) for table in report.tables if table.status != "untouched"]
        told = {"rows": forgot.rows, "delete_elsewhere": forgot.sources, "may_hold_records": forgot.unseen}
        told |= {"delete_noncurrent_versions": kept, "unknown_tables": forgot.unknown}
        show_json({"run_id": report.run_id, "exit_code": report.exit_code, **told, "tables": tables})
        return
    if forgot.rows:
        show_table(("table", "rows"), [[name, f"{rows:,}"] for name, rows in forgot.rows.items()], right=("rows",))
    else:
        show_line("the lake had nothing of them any more")
    _show_deliveries("yours to delete, with their records", forgot.sources)
    _show_deliveries("yours to look into: not in Bronze, and may have records of theirs", forgot.unseen)
    show_unknown(forgot.unknown)
    show_noncurrent(kept)
    show_line("older versions of the lake's tables still hold them until `opslake maintain --purge`")
    show_line(f"run {report.run_id} took {report.seconds:.1f} s, exit code {report.exit_code}")


def _show_deliveries(said: str, paths: Sequence[str]) -> None:
    if paths:
        show_line()
        show_line((f"{said}: {len(paths):,}", "bold"))
        for path in paths:
            show_line(f"  {path}")

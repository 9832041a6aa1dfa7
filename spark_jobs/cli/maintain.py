"""`maintain`: the command that tidies the lake and changes no row."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from spark_jobs.cli.app import Json, app, settings
from spark_jobs.cli.runs import command_line
from spark_jobs.cli.show import Cell, counted, show_json, show_line, show_noncurrent, show_table, show_unknown, size_of
from state.versions import noncurrent

if TYPE_CHECKING:
    from spark_jobs.maintenance import Maintained


@app.command()
def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Keep nothing but the current versions: ends time travel.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compact small files, order them by day, remove old versions, retire corrected deliveries."""
    from spark_jobs.errors import DATA_FAILED
    from spark_jobs.maintenance import forecast
    from spark_jobs.maintenance import maintain as care
    from spark_jobs.notify import watched
    from spark_jobs.pipeline import Pipeline

    if dry_run:
        _show(forecast(Pipeline(settings(), command_line()), purge_history=purge), dry_run=True, as_json=as_json)
        return
    with watched(settings(), command_line(), "maintain") as ended:
        done = care(Pipeline(settings(), command_line()), purge_history=purge)
        assert done.report is not None  # it ran
        ended.as_of(done.report)
        _show(done, dry_run=False, as_json=as_json)
    held_back = purge and any(care.kept_because for care in done.tables)
    raise typer.Exit(DATA_FAILED if held_back else done.report.exit_code)


def _show(done: Maintained, *, dry_run: bool, as_json: bool) -> None:
    lake = settings().lake
    kept = {lake: noncurrent(lake)} if done.purged and "://" in lake else {}
    if as_json:
        run = {"run_id": done.report.run_id, "seconds": round(done.report.seconds, 2)} if done.report else {}
        tables = [asdict(care) for care in done.tables]
        told = {"dry_run": dry_run, "purge": done.purged, "figures": done.figures, "tables": tables}
        told["unknown_tables"] = done.unknown
        show_json({**run, **told, **({"delete_noncurrent_versions": kept} if kept else {})})
        return
    worked = [care for care in done.tables if not care.is_nothing]
    rows: list[list[Cell]] = [
        [
            care.table,
            f"{care.files_before:,}" if dry_run else f"{care.files_before:,} → {care.files_after:,}",
            size_of(care.bytes_after),
            f"{care.rewritten:,}",
            f"{care.retired:,}",
            f"{care.restated:,}",
            f"{care.removed:,}",
            "" if dry_run else size_of(care.bytes_removed),
            care.kept_because or "",
        ]
        for care in worked
    ]
    headers = ("table", "files", "size", "rewritten", "retired", "restated", "removed", "freed", "kept because")
    if rows:
        show_table(headers, rows, right=headers[1:8])
    what = "would be done" if dry_run else "was done"
    show_line(f"{counted(len(done.tables), 'table')}; nothing {what} for {len(done.tables) - len(worked)} of them")
    if done.purged:
        show_line(
            ("time travel ends here: ", "yellow"), f"only current versions {'would be' if dry_run else 'are'} left"
        )
        show_noncurrent(kept)
    show_unknown(done.unknown)
    if done.report is not None:
        show_line(f"run {done.report.run_id} took {done.report.seconds:.1f} s")

"""`doctor`: whether a run would have what it needs. Starts no JVM."""

from __future__ import annotations

import typer

from spark_jobs.cli.app import LOOK, Json, app, settings
from spark_jobs.cli.show import Cell, counted, show_json, show_line, show_table, state_of
from spark_jobs.errors import ENGINE_FAILED, OK


@app.command(rich_help_panel=LOOK)
def doctor(as_json: Json = False) -> None:
    """Check settings, Java, jars, stores, rights, tables and clocks; exit code 3 when something isn't right."""
    from spark_jobs.doctor import examine

    found = list(examine(settings()))
    wrong = [one for one in found if not one.is_ok]
    if as_json:
        show_json({"is_ok": not wrong, "findings": [{**vars(one), "is_ok": one.is_ok} for one in found]})
    else:
        rows: list[list[Cell]] = []
        for one in found:
            rows.append([one.check, state_of("ok" if one.is_ok else "wrong"), one.told])
            rows += [] if one.is_ok else [["", "", f"to do: {one.todo}"]]
        show_table(("", "", ""), rows)
        show_line("all is well" if not wrong else f"{counted(len(wrong), 'thing')} to do")
    raise typer.Exit(ENGINE_FAILED if wrong else OK)

"""What the commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from spark_jobs.errors import OpslakeError

if TYPE_CHECKING:
    from spark_jobs.pipeline import Report

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

COLOURS = {"SUCCEEDED": "green", "FAILED": "red", "RUNNING": "yellow", "PENDING": "yellow", "SKIPPED": "dim"}
CLASSES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")
SHOWN_DAYS = 12


def show_error(error: Exception) -> None:
    """One message on standard error; what isn't ours says so."""
    if isinstance(error, OpslakeError):
        err.print(f"[red]error:[/red] {_escaped(str(error))}", soft_wrap=True)
        return
    err.print(f"[red]error:[/red] {type(error).__name__}: {_escaped(str(error))}", soft_wrap=True)
    err.print("this wasn't foreseen: please report it with the command and the log", style="dim")


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    out.print(json.dumps(value, default=_plain, indent=2, ensure_ascii=False), soft_wrap=True, markup=False)


def show_report(report: Report, *, as_json: bool) -> None:
    """The summary of a run in figures."""
    if as_json:
        show_json(
            {
                "run_id": report.run_id,
                "exit_code": report.exit_code,
                "seconds": round(report.seconds, 2),
                "figures": report.figures,
                "days": [_day(d) for d in report.days],
                "waiting": [{"dataset": d.dataset, "logical_date": d.logical_date, "why": d.reason} for d in report.waiting],
                "tables": [asdict(t) for t in report.tables],
            }
        )
        return
    if not report.days and not report.tables:
        out.print("nothing is due" + (f"; {len(report.waiting)} days wait for a delivery" if report.waiting else ""))
        return
    _show_days(report)
    _show_tables(report)
    out.print(f"run {report.run_id} took {report.seconds:.1f} s, exit code {report.exit_code}")


def _show_days(report: Report) -> None:
    table = Table("dataset", "day", "status", *CLASSES, box=None, pad_edge=False)
    for name in CLASSES:
        table.columns[3 + CLASSES.index(name)].justify = "right"
    days = sorted(report.days, key=lambda d: (d.dataset, d.logical_date))
    shown = days if len(days) <= SHOWN_DAYS else [d for d in days if d.status != "SUCCEEDED"][:SHOWN_DAYS]
    for day in shown:
        counts = [f"{getattr(day.figures, name):,}" if day.figures else "" for name in CLASSES]
        colour = COLOURS[day.status]
        table.add_row(day.dataset, str(day.logical_date), f"[{colour}]{day.status}[/{colour}]", *counts)
    total = [f"{n:,}" for n in report.figures.values()]
    table.add_row("all", f"{len(days)} days", "", *total, style="bold")
    out.print(table)
    for day in shown:
        if day.error_message:
            out.print(f"[red]{day.dataset} {day.logical_date}[/red] {_escaped(day.error_message)}", soft_wrap=True)


def _show_tables(report: Report) -> None:
    tables = [t for t in report.tables if t.status != "untouched"]
    if not tables:
        return
    table = Table("gold table", "result", "slices", "rows", "seconds", "because", box=None, pad_edge=False)
    for position in (2, 3, 4):
        table.columns[position].justify = "right"
    for one in tables:
        colour = {"failed": "red", "waiting": "yellow", "equal": "dim"}.get(one.status, "green")
        figures = (f"{one.slices:,}", f"{one.rows:,}", f"{one.seconds:.1f}")
        table.add_row(one.table, f"[{colour}]{one.status}[/{colour}]", *figures, _escaped(one.reason))
    out.print()
    out.print(table)
    for one in tables:
        for message in one.messages:
            out.print(f"[red]{one.table}[/red] {_escaped(message)}", soft_wrap=True)


def _day(day: Any) -> dict[str, Any]:
    return {
        "dataset": day.dataset,
        "logical_date": day.logical_date,
        "status": str(day.status),
        "attempt": day.attempt,
        "figures": day.figures.to_json() if day.figures else None,
        "error": day.error_message,
    }


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)

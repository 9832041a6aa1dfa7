"""What the commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from spark_jobs.errors import OpslakeError

if TYPE_CHECKING:
    from spark_jobs.pipeline import Report

out = Console(highlight=False, emoji=False, markup=False)
err = Console(stderr=True, highlight=False, emoji=False, markup=False)

COLOURS = {
    "SUCCEEDED": "green",
    "FAILED": "red",
    "RUNNING": "yellow",
    "PENDING": "yellow",
    "SKIPPED": "dim",
    "WAITING": "yellow",
    "STALE": "yellow",
    "failed": "red",
    "waiting": "yellow",
    "equal": "dim",
    "published": "green",
    "open": "red",
    "resolved": "green",
    "superseded": "dim",
    "informational": "dim",
    "complete": "green",
    "incomplete": "red",
    "fresh": "green",
    "late": "red",
    "missing": "red",
    "no_run": "red",
    "not_started": "dim",
    "created": "green",
    "updated": "yellow",
    "removed": "red",
    "ok": "green",
    "wrong": "red",
}
CLASSES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected")
SHOWN_DAYS = 12
LEAST_LAST = 30  # characters that a last column keeps in a narrow terminal
GAP = 2

Cell: TypeAlias = "str | Text"


def show_error(error: Exception) -> None:
    """One message on standard error; what isn't ours says so."""
    told = str(error) if isinstance(error, OpslakeError) else f"{type(error).__name__}: {error}"
    err.print(Text.assemble(("error: ", "red"), told), soft_wrap=True)
    if not isinstance(error, OpslakeError):
        err.print("this wasn't foreseen: please report it with the command and the log", style="dim")


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    out.file.write(json.dumps(value, default=plain, indent=2, ensure_ascii=False) + "\n")


def show_line(*parts: str | tuple[str, str]) -> None:
    """One line of text, of parts that may have a style; the terminal wraps it."""
    out.print(Text.assemble(*parts), soft_wrap=True)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Collection[str] = ()) -> None:
    """A table of which nothing is cut off: only the last column wraps, and only on a terminal.

    `right` names the columns of figures; headers that are all empty aren't shown. Where the terminal is narrower than
    the rest, it wraps the lines itself.
    """
    widths = [max(len_of(row[at]) for row in [headers, *rows]) for at in range(len(headers))]
    rest = sum(widths[:-1]) + GAP * (len(headers) - 1)
    width = rest + widths[-1]
    if out.is_terminal:
        width = min(width, max(out.width, rest + min(LEAST_LAST, widths[-1])))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=any(headers))
    for at, name in enumerate(headers):
        is_last = at == len(headers) - 1
        table.add_column(
            Text(name),
            justify="right" if name in right else "left",
            no_wrap=not is_last,
            overflow="fold",
            width=None if is_last else widths[at],
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    paper = Console(file=out.file, width=width, force_terminal=out.is_terminal, highlight=False, emoji=False)
    paper.print(table, crop=False)


def len_of(cell: Cell) -> int:
    """The columns of a terminal that a cell's widest line takes."""
    text = cell if isinstance(cell, Text) else Text(cell)
    return max((line.cell_len for line in text.split()), default=0)


def state_of(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=COLOURS.get(status, ""))


def instant(value: datetime | None) -> str:
    """An instant to the minute, UTC; nothing for None."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def counted(number: int, noun: str) -> str:
    """A number of things: 1 row, 2,000 rows."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def size_of(number: int) -> str:
    """Bytes as people say them."""
    amount = float(number)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def plain(value: object) -> object:
    """What JSON has no word for: instants and dates in ISO form, dataclasses as objects, decimals as text."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def show_noncurrent(roots: Mapping[str, list[str] | None]) -> None:
    """What the buckets below these roots keep of objects that are gone; None where nobody could tell."""
    for root, versions in roots.items():
        if versions is None:
            show_line(("noncurrent versions ", "bold"), f"of objects below {root}, where the bucket keeps them")
        else:
            told = counted(len(versions), "noncurrent version") if versions else "no noncurrent versions"
            show_line((told, "bold"), f" of objects below {root}{': `--json` lists them' if versions else ''}")


def show_unknown(tables: Sequence[str]) -> None:
    """Tables of the lake that nobody knows, so that nothing was done for them."""
    if tables:
        show_line((f"left alone, known to no contract and not to Gold: {', '.join(tables)}", "yellow"))
        show_line("  what they hold stays there: bring the contract back, or delete their folders")


def show_report(report: Report, *, as_json: bool) -> None:
    """The summary of a run in figures."""
    if as_json:
        show_json(_report_json(report))
        return
    if not report.days and not report.tables:
        show_line("nothing is due" + (f"; {len(report.waiting)} days wait for a delivery" if report.waiting else ""))
        return
    _show_days(report)
    _show_tables(report)
    show_line(f"run {report.run_id} took {report.seconds:.1f} s, exit code {report.exit_code}")


def show_replay(report: Report, *, as_json: bool) -> None:
    """What a replay did: its records by class, what became of their exceptions, and Gold."""
    done = report.replayed
    assert done is not None  # a report of a replay
    if as_json:
        replayed = {"dataset": done.dataset, **done.summary, "malformed": done.malformed, "held": done.held}
        show_json(_report_json(report) | {"replayed": replayed})
        return
    changed = done.fates.resolved or done.fates.outgrown or done.fates.other_reasons
    if not changed:
        show_line("nothing to do" + ("; what is open fails as before" if done.fates.still_open else ""))
    if done.figures.read:
        cells: list[Cell] = [done.dataset, *(f"{getattr(done.figures, name):,}" for name in CLASSES)]
        fates = (done.fates.resolved + done.fates.outgrown, done.fates.still_open)
        headers = ("dataset", *CLASSES, "resolved", "still open")
        show_table(headers, [[*cells, *(f"{n:,}" for n in fates)]], right=headers[1:])
    if done.fates.other_reasons:
        show_line(f"{counted(done.fates.other_reasons, 'exception')} still open, for other reasons than before")
    if done.malformed:
        show_line(f"{counted(done.malformed, 'malformed record')} can only be corrected in a file (--file)")
    if done.held:
        held = counted(done.held, "open exception")
        show_line(f"{held} of deliveries that aren't in Silver: `opslake run` judges them again with their day")
    _show_tables(report)
    if changed or report.tables:
        show_line(f"run {report.run_id} took {report.seconds:.1f} s, exit code {report.exit_code}")


def _report_json(report: Report) -> dict[str, Any]:
    waiting = [{"dataset": d.dataset, "logical_date": d.logical_date, "why": d.reason} for d in report.waiting]
    return {
        "run_id": report.run_id,
        "exit_code": report.exit_code,
        "seconds": round(report.seconds, 2),
        "figures": report.figures,
        "days": [_day(d) for d in report.days],
        "waiting": waiting,
        "tables": [asdict(t) for t in report.tables],
    }


def _show_days(report: Report) -> None:
    days = sorted(report.days, key=lambda d: (d.dataset, d.logical_date))
    shown = days if len(days) <= SHOWN_DAYS else [d for d in days if d.status != "SUCCEEDED"][:SHOWN_DAYS]
    rows: list[list[Cell]] = []
    for day in shown:
        counts = [f"{getattr(day.figures, name):,}" if day.figures else "" for name in CLASSES]
        rows.append([day.dataset, str(day.logical_date), state_of(day.status), *counts])
    total = ["all", f"{len(days)} days", "", *(f"{n:,}" for n in report.figures.values())]
    rows.append([Text(cell, style="bold") for cell in total])
    show_table(("dataset", "day", "status", *CLASSES), rows, right=CLASSES)
    for day in shown:
        if day.error_message:
            show_line((f"{day.dataset} {day.logical_date} ", "red"), day.error_message)


def _show_tables(report: Report) -> None:
    tables = [t for t in report.tables if t.status != "untouched"]
    if not tables:
        return
    rows: list[list[Cell]] = [
        [t.table, state_of(t.status), f"{t.slices:,}", f"{t.rows:,}", f"{t.seconds:.1f}", t.reason] for t in tables
    ]
    headers = ("gold table", "result", "slices", "rows", "seconds", "because")
    show_line()
    show_table(headers, rows, right=("slices", "rows", "seconds"))
    for one in tables:
        for message in one.messages:
            show_line((f"{one.table} ", "red"), message)


def _day(day: Any) -> dict[str, Any]:
    return {
        "dataset": day.dataset,
        "logical_date": day.logical_date,
        "status": str(day.status),
        "attempt": day.attempt,
        "figures": day.figures.to_json() if day.figures else None,
        "error": day.error_message,
    }

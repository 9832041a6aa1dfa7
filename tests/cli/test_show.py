"""Tables on paper of any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from spark_jobs.cli import show

ROW = ["sla_breaches_daily", "2026-03-04", "SUCCEEDED", "a long reason " * 6]
HEADERS = ("table", "day", "status", "why")


def printed(monkeypatch: pytest.MonkeyPatch, width: int, *, terminal: bool) -> str:
    """ROW as `show_table` prints it."""
    paper = io.StringIO()
    console = Console(file=paper, width=width, force_terminal=terminal, color_system=None, emoji=False, markup=False)
    monkeypatch.setattr(show, "out", console)
    monkeypatch.setenv("NO_COLOR", "1")
    show.show_table(HEADERS, [ROW])
    return paper.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_narrow_terminal_cuts_neither_names_nor_dates_nor_statuses(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Everything but the last column stands in one piece on one line."""
    first_row = printed(monkeypatch, width, terminal=True).splitlines()[1]

    assert all(cell in first_row for cell in ROW[:3])
    assert "…" not in first_row


def test_the_last_column_wraps_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long reason takes several lines, and all of its words are there."""
    lines = printed(monkeypatch, 80, terminal=True).splitlines()

    assert len(lines) > 2
    assert " ".join(lines).count("reason") == 6


def test_in_a_pipe_a_row_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the console believes to be, `grep` sees whole rows."""
    lines = printed(monkeypatch, 30, terminal=False).splitlines()

    assert len(lines) == 2
    assert ROW[3].strip() in lines[1]


def test_brackets_and_colons_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Text of deliveries is no markup and no emoji."""
    show.show_table(("[a]",), [["[red]x[/red] :smile:"]])
    show.show_line("[b] :smile:")
    show.show_json({"c": "[red] :smile:"})

    out = capsys.readouterr().out
    assert "[a]" in out
    assert "[red]x[/red] :smile:" in out
    assert "[b] :smile:" in out
    assert '"[red] :smile:"' in out


@pytest.mark.parametrize(("number", "text"), [(0, "0 B"), (999, "999 B"), (8_300, "8.3 kB"), (12_000_000, "12.0 MB")])
def test_sizes_are_said_in_thousands(number: int, text: str) -> None:
    """Bytes are whole, larger units have one decimal."""
    assert show.size_of(number) == text

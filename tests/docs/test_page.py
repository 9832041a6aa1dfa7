"""Reading a page as steps: what is compared must be able to differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import page
from tests.docs.page import DOCS, Step, commands, holds, rows_of, steps

OUTPUT = "reason   status  records\nlate     open         12\nrun 5f took 1.2 s\n"


def test_output_holds_lines_in_their_order_whatever_their_blanks() -> None:
    """An ellipsis is anything; another figure, another order and half a line are not held."""
    assert holds(OUTPUT, ["reason status records", "late open 12", "run … took …"])
    assert not holds(OUTPUT, ["late open 1"])
    assert not holds(OUTPUT, ["late open 12", "reason status records"])
    assert not holds(OUTPUT, ["late open"])


def test_commands_are_cut_at_their_prompts() -> None:
    """Each has its own lines of output."""
    assert list(commands("$ a b\nx\ny\n$ c\n")) == [(["a", "b"], ["x", "y"]), (["c"], [])]


def test_an_empty_cell_is_null_and_blanks_inside_a_cell_stay() -> None:
    """`| a  b | |` is a text and null."""
    assert rows_of("| x | y |\n|---|---|\n| a  b | |\n") == (["x", "y"], [("a  b", None)])


def test_only_blocks_that_are_marked_are_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table to read and a block without a comment are passed over."""
    text = "| a |\n|---|\n\n```text\nx\n```\n<!-- file: f.txt -->\n```text\ny\n```\n```console\n$ z\n```\n"
    (tmp_path / "p.md").write_text(text)
    monkeypatch.setattr(page, "DOCS", tmp_path)
    assert steps("p.md") == [Step("file", "f.txt", "y\n"), Step("console", "", "$ z\n")]


def test_every_marker_of_a_page_stands_above_what_it_names() -> None:
    """A marker that a blank line parts from its block would silently take the block out of the test."""
    for name in ("adding-a-dataset.md", "adding-a-gold-table.md", "adding-a-source.md"):
        marked = [step for step in steps(name) if step.kind != "console"]
        assert len(marked) == (DOCS / name).read_text(encoding="utf-8").count("<!-- "), name

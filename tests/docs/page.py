"""A page of documentation as steps that can be executed: files, entries of tables in the code, commands, tables.

A fenced block or a Markdown table that belongs to a step has an HTML comment right above it, `<!-- file: PATH -->`,
`<!-- entry: NAME -->` or `<!-- table: LAYER/NAME -->`; a `console` block needs none. Lines of a console block that
begin with `$ ` are commands, the others are lines of output to expect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
STEP = re.compile(
    r"^(?:<!-- (?P<kind>file|entry|table): (?P<name>\S+) -->\n)?"
    r"(?:```(?P<language>\w*)\n(?P<text>.*?)^```$|(?P<rows>(?:^\|[^\n]*\n)+))",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """`kind` is file, entry, table or console; `name` is what the comment names, `text` the block."""

    kind: str
    name: str
    text: str


def steps(page: str) -> list[Step]:
    """What a page does, in order; blocks that belong to nothing are left out."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [_step(match) for match in STEP.finditer(text)]
    return [step for step in found if step.kind]


def _step(match: re.Match[str]) -> Step:
    kind = match["kind"] or ("console" if match["language"] == "console" else "")
    return Step(kind, match["name"] or "", match["rows"] or match["text"])


def commands(console: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each command's words, and the lines that its output is to hold."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *expected = part.strip().splitlines()
        yield command.split(), expected


def holds(output: str, expected: list[str]) -> bool:
    """True when the lines occur in the output in this order; blanks and table lines don't count, … is anything."""
    lines = iter([" ".join(re.findall(r"[^\s│┃|]+", line)) for line in output.splitlines()])
    patterns = [re.escape(" ".join(line.split())).replace("…", ".*") for line in expected]
    return all(any(re.fullmatch(pattern, line) for line in lines) for pattern in patterns)


def rows_of(table: str) -> tuple[list[str], list[tuple[str | None, ...]]]:
    """Column names and rows of a Markdown table; an empty cell is null."""
    lines = [line.strip()[1:-1].split("|") for line in table.strip().splitlines()]
    header, _, *rows = [[cell.removeprefix(" ").removesuffix(" ") for cell in line] for line in lines]
    return header, [tuple(cell or None for cell in row) for row in rows]

"""The elements of one long JSON array, without holding the array: each decoded, or only its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from spark_jobs.errors import SourceError

_SPACES = re.compile(r"[ \t\r\n]*")
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"|["{}\[\],]', re.DOTALL)  # a whole string, or a character that structures

INVALID = object()
"""Stands for the value of an element that is no JSON."""


class _Window:
    """The part of a text that is being looked at, and where in the text it begins."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self.pieces = pieces
        self.text = ""
        self.at = 0
        self.line, self.column = 1, 1  # of text[0]

    def grow(self) -> bool:
        """Forget what was passed and at least double what is left; False at the end of the text."""
        passed = self.text[: self.at]
        self.line, self.column = self.position(self.at)
        blocks = [self.text[len(passed) :]]
        wanted = len(blocks[0])
        self.at = 0
        while wanted >= 0 and (block := next(self.pieces, "")):
            blocks.append(block)
            wanted -= len(block)
        self.text = "".join(blocks)
        return len(blocks) > 1

    def peek(self) -> str:
        """The next character that isn't space, or nothing at the end of the text; `at` stands on it."""
        while True:
            self.at = _SPACES.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.grow():
                return ""

    def position(self, index: int) -> tuple[int, int]:
        """The line and column, both from 1, of a character of the window."""
        line_breaks = self.text.count("\n", 0, index)
        if not line_breaks:
            return self.line, self.column + index
        return self.line + line_breaks, index - self.text.rfind("\n", 0, index)


def array_elements(
    pieces: Iterator[str], decode: Callable[[str, int], tuple[Any, int]], where: str
) -> Iterator[tuple[Any, str]]:
    """Every element as (its value or INVALID, its text as delivered); an element is what stands between two commas.

    `decode(text, start)` gives a value and where it ends; ValueError and RecursionError mean that there is none.
    SourceError, with line and column, when the text is no array: another beginning, no end, or more after the end.
    """
    window = _Window(pieces)
    if window.peek() != "[":
        raise _broken("the text isn't an array", window, where)
    window.at += 1
    if window.peek() == "]":
        closed = True
        window.at += 1
    else:
        closed = False
    while not closed:
        value, text, closed = _next_element(window, decode, where)
        yield value, text
    if window.peek():
        raise _broken("there is text after the end of the array", window, where)


def _next_element(window: _Window, decode: Callable[[str, int], tuple[Any, int]], where: str) -> tuple[Any, str, bool]:
    """The element that begins here, and whether the array ends after it; the window stands behind its separator."""
    window.peek()
    while True:
        value, end = _decoded(window, decode)
        if value is INVALID:
            end = _end_of_element(window.text, window.at)
        if end >= 0:
            follower = _SPACES.match(window.text, end).end()  # type: ignore[union-attr]
            mark = window.text[follower : follower + 1]
            if mark and mark in ",]":
                text = window.text[window.at : end]
                window.at = follower + 1
                return value, text.rstrip() if value is INVALID else text, mark == "]"
        if not window.grow():
            raise _broken("the array doesn't end; its last element begins here", window, where)


def _decoded(window: _Window, decode: Callable[[str, int], tuple[Any, int]]) -> tuple[Any, int]:
    """The value at the window's position when a separator or the window's end follows it, else INVALID."""
    try:
        value, end = decode(window.text, window.at)
    except (ValueError, RecursionError):
        return INVALID, -1
    follower = _SPACES.match(window.text, end).end()  # type: ignore[union-attr]
    if window.text[follower : follower + 1] in ("", ",", "]"):
        return value, end
    return INVALID, -1


def _end_of_element(text: str, start: int) -> int:
    """Where the separator after an element stands, found by quotes and brackets alone; -1 when it isn't in the text."""
    depth = 0
    for mark in _MARK.finditer(text, start):
        character = mark[0]
        if character == '"':
            return -1  # a string that isn't closed yet
        if depth == 0 and character in ",]":
            return mark.start()
        if character in "{[":
            depth += 1
        elif character in "}]" and depth:
            depth -= 1
    return -1


def _broken(what: str, window: _Window, where: str) -> SourceError:
    line, column = window.position(window.at)
    return SourceError(what, where=f"{where}, line {line}, column {column}")  # not what stands there: it is a record

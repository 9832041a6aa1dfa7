"""Spark's datetime patterns, as far as they can be judged without Spark."""

from __future__ import annotations

import re
from collections.abc import Callable

ISO8601 = "ISO8601"
# Letter -> how many may stand together when text is parsed (Spark's own table of pattern letters, which follows
# java.time; letters that Spark only formats with, such as E, are left out).
LETTERS = {
    "G": 4,
    "y": 6,
    "M": 4,
    "L": 4,
    "d": 2,
    "D": 3,
    "a": 1,
    "h": 2,
    "K": 2,
    "k": 2,
    "H": 2,
    "m": 2,
    "s": 2,
    "S": 9,
    "V": 2,
    "z": 4,
    "O": 4,
    "X": 5,
    "x": 5,
    "Z": 5,
}
TIME_LETTERS = frozenset("hKkHmsSa")
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_RUN = re.compile(r"([A-Za-z])\1*")
_ISO = re.compile(r"yyyy-MM-dd((?: |'T')HH:mm(?::ss)?)?")
_TOKEN = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|(.)", re.DOTALL)


def pattern_fault(pattern: str) -> str | None:
    """Why Spark can't parse with the pattern, or None when nothing speaks against it."""
    if pattern == ISO8601:
        return None
    bare = _QUOTED.sub("", pattern)
    if "'" in bare:
        return "a quote isn't closed"
    if bare.count("[") != bare.count("]"):
        return "a bracket isn't closed"
    wrong = next((mark for mark in "{}#" if mark in bare), None)
    if wrong:
        return f"{wrong} is reserved"
    runs = [match.group() for match in _RUN.finditer(bare)]
    for run in runs:
        if run[0] not in LETTERS:
            return f"{run[0]} isn't a letter of a pattern that parses"
        if len(run) > LETTERS[run[0]]:
            return f"{run} is too long"
        if run == "V":
            return "V stands in pairs"
    return _unsettled({run[0] for run in runs})


def outline(pattern: str) -> str:
    """A regular expression that matches every text that the pattern reads, and most others not.

    It knows the pattern's punctuation and where digits must stand, not how many, nor which words.
    """

    def part(letter: str, width: int) -> str:
        is_word = letter not in "yMLdDhKkHmsS" or (letter in "ML" and width > 2)
        return ".+" if is_word else r"[+-]?\d+"

    return f"(?is)^{as_expression(pattern, part)}$"


def iso_form(pattern: str) -> str | None:
    """What the texts of a date or time of ISO 8601 match, digit by digit; None for a pattern of other ones.

    A cast reads them as the pattern does.
    """
    if not _ISO.fullmatch(pattern):
        return None
    return f"^{as_expression(pattern, lambda _, width: rf'[0-9]{{{width}}}')}$"


def as_expression(pattern: str, part: Callable[[str, int], str]) -> str:
    """The pattern as a regular expression; `part` gives that of a letter which stands so many times."""
    parts = []
    for literal, run, letter, other in _TOKEN.findall(pattern):
        if run:
            parts.append(part(letter, len(run)))
        elif other in ("[", "]"):
            parts.append("(?:" if other == "[" else ")?")
        else:
            parts.append(re.escape(other or literal.replace("''", "'") or "'"))
    return "".join(parts)


def _unsettled(letters: set[str]) -> str | None:
    """What the pattern leaves open: without it every text would be unreadable, or read as 1970."""
    if "y" not in letters:
        return "the year (y) is missing"
    if "D" not in letters and not (letters & {"M", "L"} and "d" in letters):
        return "the month (M) or the day (d) is missing; m is the minute, D the day of the year"
    half = bool(letters & {"h", "K"})
    if half and "a" not in letters:
        return "hours of a half day (h, K) need a (AM or PM); hours of a whole day are H"
    if "a" in letters and not half:
        return "AM or PM (a) needs hours of a half day (h, K)"
    if letters & {"m", "s", "S"} and not letters & {"h", "K", "k", "H"}:
        return "the hour is missing"
    return None

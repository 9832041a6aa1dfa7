"""Pieces of YAML with comments, which no YAML library writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import yaml

WIDTH = 116


def scalar(value: Any) -> str:
    """The value as one line of YAML that reads back as the same value, in a block or inside braces."""
    text: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**9)
    return text.strip()[1:-1]


def quoted(header: str) -> str:
    """A delivered text for a comment: in quotes, on one line."""
    return json.dumps(header, ensure_ascii=False)


def setting(name: str, value: Any, indent: str = "  ") -> str:
    """One custom property as a line."""
    return f"{indent}- {{property: {name}, value: {scalar(value)}}}"


def guess(evidence: str, indent: str = "  ") -> str:
    """The comment that marks the line below as a guess."""
    return f"{indent}# guess: {' '.join(evidence.split())}"


def preamble(dataset: str, identifier: str, comments: Sequence[str]) -> list[str]:
    """The head of a contract up to its custom properties."""
    return [
        *(f"# {comment}" for comment in comments),
        "kind: DataContract",
        "apiVersion: v3.1.0",
        f"id: {identifier}",
        f"name: {dataset}",
        "version: 0.1.0",
        "status: draft",
    ]


def counted(part: int, whole: int) -> str:
    """`part of whole records`, with thousands marked."""
    return f"{part:,} of {whole:,} records"


def distinct_folded(tokens: Iterable[str]) -> list[str]:
    """The tokens without those that differ in case only, the first spelling kept."""
    ordered = sorted(set(tokens), key=lambda token: (token.casefold(), token))
    return [next(group) for _, group in groupby(ordered, key=str.casefold)]

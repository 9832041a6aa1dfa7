"""Which delivered header is which column of the contract, and what the others are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from spark_jobs.errors import ContractError, SourceError
from spark_jobs.names import squeeze

if TYPE_CHECKING:
    from spark_jobs.contract import Contract

SOURCE_ROW_ID = "source_row_id"
_EXPORTED_INDEXES = frozenset({"index", "unnamed0", "indexlevel0"})  # squeezed
_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """Where the values of each delivered column go, by position: to `columns`, else to `extra`, else nowhere."""

    names: tuple[str, ...]  # as delivered
    columns: tuple[str | None, ...]  # the contract's name
    extra: tuple[str | None, ...]  # the folded name of a column that the contract doesn't know
    missing: tuple[str, ...]  # the contract's names that weren't delivered


@lru_cache(maxsize=4096)
def fold(name: str, position: int = 0) -> str:
    """The name as snake_case of ASCII letters and digits; a name without any is `unnamed_<position from 0>`.

    Accents go; a letter that has no ASCII base is written as u and its code point, so that names stay distinct.
    A name that begins with a digit gets `c_` in front, so that it is an identifier in SQL.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = _WORD_BORDER.sub("_", plain).casefold()
    ascii_words = "".join(c if c.isascii() or not c.isalnum() else f"u{ord(c):04x}" for c in words)
    folded = _NO_WORD.sub("_", ascii_words).strip("_")
    if not folded:
        return f"unnamed_{position}"
    return f"c_{folded}" if folded[0].isdigit() else folded


def match_headers(
    header: Sequence[str], known: Sequence[str], *, keep_source_row_id: bool = False, where: str = "the header"
) -> HeaderMap:
    """The delivered names beside the contract's.

    An exported index (a leading unnamed column, or one called index, unnamed_0, __index_level_0__) that the contract
    doesn't know goes to `source_row_id` when that is asked for, else nowhere.
    SourceError when two headers end at the same name.
    """
    squeezed = _squeezed(tuple(known))
    names = frozenset(known)
    ends: dict[str, str] = {}
    targets: list[str | None] = []
    for position, delivered in enumerate(header):
        target = _target(delivered, position, squeezed, keep_source_row_id)
        if target is not None and target in ends:
            told = f"two headers end at the name {target!r}: {ends[target]!r} and {delivered!r}"
            raise SourceError(
                told if target in names or target == SOURCE_ROW_ID else _of_no_name(header, ends[target], position),
                where=where,
                hint="rename or drop one of them in the delivery",
            )
        if target is not None:
            ends[target] = delivered
        targets.append(target)
    return HeaderMap(
        names=tuple(header),
        columns=tuple(target if target in names else None for target in targets),
        extra=tuple(None if target in names else target for target in targets),
        missing=tuple(name for name in known if name not in ends),
    )


def _of_no_name(header: Sequence[str], one: str, other: int) -> str:
    """Two that the contract doesn't know, by their places: in a file without a header they are values of a record."""
    return f"two headers that the contract doesn't know end at one name, the {header.index(one) + 1}. and {other + 1}."


def shown_header(header: Sequence[str], found: HeaderMap, contract: Contract) -> str | None:
    """A header for an error's text; None where it may be somebody's record, in a file that begins without a header.

    A header of which the contract knows a name is one.
    """
    is_one = any(name in contract.source_names for name in found.columns)
    return ", ".join(header) if is_one or not contract.names_persons else None


def _target(delivered: str, position: int, squeezed: dict[str, str], keep_source_row_id: bool) -> str | None:
    plain = squeeze(delivered)
    if plain in squeezed:
        return squeezed[plain]
    if plain in _EXPORTED_INDEXES or (position == 0 and not delivered.strip()):
        return SOURCE_ROW_ID if keep_source_row_id else None
    folded = fold(delivered, position)
    return squeezed.get(squeeze(folded), folded)  # without its accents it may be a name of the contract after all


@lru_cache(maxsize=256)
def _squeezed(known: tuple[str, ...]) -> dict[str, str]:
    """The contract's names by their squeezed form; ContractError when two have the same."""
    found: dict[str, str] = {}
    for name in known:
        other = found.setdefault(squeeze(name), name)
        if other != name:
            raise ContractError(f"two names of the contract can't be told apart in a header: {other!r} and {name!r}")
    found.pop("", None)
    return found

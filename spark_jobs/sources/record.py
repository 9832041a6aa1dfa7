"""What a parser of files is given and yields: numbered records, each fields or the text that could not be read.

Records are plain tuples, because hundreds of thousands of them pass through one task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = tuple[int, Sequence[str | None] | None, str | None]
"""(record number from 1, the values in the header's order or None, the text of a malformed record or None)."""

ObjectRow: TypeAlias = tuple[int, dict[str, str | None] | None, str | None]
"""(record number from 1, the values by their delivered name or None, the text of a malformed record or None)."""


class ReadLayout(Protocol):
    """What of a contract a task needs to read a file."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The source options, as the contract spells them."""

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the contract's columns."""

    @property
    def keep_source_row_id(self) -> bool:
        """Whether an exported index is kept."""

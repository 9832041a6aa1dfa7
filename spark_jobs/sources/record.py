"""What every parser of files yields: numbered records, each either fields or the text that could not be read.

Records are plain tuples, because hundreds of thousands of them pass through one task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Row: TypeAlias = tuple[int, Sequence[str | None] | None, str | None]
"""(record number from 1, the values in the header's order or None, the text of a malformed record or None)."""

ObjectRow: TypeAlias = tuple[int, dict[str, str | None] | None, str | None]
"""(record number from 1, the values by their delivered name or None, the text of a malformed record or None)."""

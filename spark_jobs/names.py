"""When two names mean the same column."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def squeeze(name: str) -> str:
    """The name's letters and digits alone, without case: two names that squeeze alike mean the same."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))

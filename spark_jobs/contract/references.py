"""References to credentials: a contract names where a secret lies, never the secret itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCES: Mapping[str, re.Pattern[str]] = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "gcp-secret": re.compile(r"projects/[^/#\s]+/secrets/[^/#\s]+(/versions/[^/#\s]+)?(#[^#\s]+)?"),
    "aws-secret": re.compile(r"[^#\s]+(#[^#\s]+)?"),
}
"""Where a secret may lie, and how it is named there; after # stands a key of a secret that is a JSON object."""


def is_reference(value: object) -> bool:
    """Whether the value names a secret in one of the known ways."""
    if not isinstance(value, str):
        return False
    scheme, _, name = value.partition(":")
    return scheme in REFERENCES and REFERENCES[scheme].fullmatch(name) is not None

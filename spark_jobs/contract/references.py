"""References to credentials: a contract names where a secret lies, never the secret itself, nor an address with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

REFERENCES: Mapping[str, re.Pattern[str]] = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "gcp-secret": re.compile(r"projects/[^/#\s]+/secrets/[^/#\s]+(/versions/[^/#\s]+)?(#[^#\s]+)?"),
    "aws-secret": re.compile(r"[^#\s]+(#[^#\s]+)?"),
}
"""Where a secret may lie, and how it is named there; after # stands a key of a secret that is a JSON object."""


ADDRESS_PARAMETERS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""What may stand after the question mark of a server's address."""


def has_no_secret(address: str) -> bool:
    """Whether the address of a server gives no user, no password and nothing else that isn't known to be harmless."""
    _, _, query = address.partition("?")
    stated = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    return "@" not in address and stated <= set(ADDRESS_PARAMETERS)


def is_reference(value: object) -> bool:
    """Whether the value names a secret in one of the known ways."""
    if not isinstance(value, str):
        return False
    scheme, _, name = value.partition(":")
    return scheme in REFERENCES and REFERENCES[scheme].fullmatch(name) is not None

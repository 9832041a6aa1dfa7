"""The names of time zones."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """Every IANA name that this machine knows; walks the time zone files once per process and not per contract."""
    return frozenset(available_timezones())

"""The formats of deliveries: each format's name, and its options with the kind of value that each takes.

A format is known by its entry here; `spark_jobs/sources/<name>.py` reads it. This table imports no reader, so that
contracts can be checked without pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping

from spark_jobs.contract.settings import TEXT, Kind

ENCODING, MARK, MARK_OR_NONE = "a text encoding", "one character, or \\t", "one character, \\t, or nothing"
COUNT = "a whole number from 1 on"
ADDRESS = "an address without a password, or a reference"
REFERENCE = "env:NAME, gcp-secret:projects/P/secrets/S/versions/V or aws-secret:NAME#KEY"

FORMATS: dict[str, Mapping[str, Kind]] = {
    "csv": {
        "delimiter": MARK,
        "quote": MARK_OR_NONE,
        "escape": MARK_OR_NONE,
        "comment": MARK_OR_NONE,
        "encoding": ENCODING,
    },
    "json": {"layout": ("auto", "lines", "array", "columns"), "encoding": ENCODING},
    "parquet": {},
    "postgres": {
        "url": ADDRESS,
        "user": REFERENCE,
        "password": REFERENCE,
        "fetchSize": COUNT,
        "partitionRows": COUNT,
    },
    "sheet": {"spreadsheet": TEXT, "credentials": REFERENCE},  # spreadsheet: or a reference
}

SERVED: Mapping[str, str] = {"postgres": "url", "sheet": "spreadsheet"}
"""Formats that aren't files below the landing, whose module finds the deliveries itself; the option that says where."""

NEEDED: Mapping[str, tuple[str, ...]] = {"postgres": ("url",), "sheet": ("spreadsheet", "credentials")}
"""Options without which a format can't be read."""

UNDATED = frozenset({"sheet"})
"""Formats whose path need not name a day: what it names is as of now."""

"""The formats of deliveries: each format's name, and its options with the kind of value that each takes.

A format is known by its entry here; `spark_jobs/sources/<name>.py` reads it. This table imports no reader, so that
contracts can be checked without pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping

from spark_jobs.contract.settings import Kind

ENCODING, MARK, MARK_OR_NONE = "a text encoding", "one character, or \\t", "one character, \\t, or nothing"

FORMATS: dict[str, Mapping[str, Kind]] = {
    "csv": {
        "delimiter": MARK,
        "quote": MARK_OR_NONE,
        "escape": MARK_OR_NONE,
        "comment": MARK_OR_NONE,
        "encoding": ENCODING,
    },
    "json": {"layout": ("auto", "lines", "array"), "encoding": ENCODING},
}

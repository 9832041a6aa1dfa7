"""Log events: a name plus fields, readable on a terminal and JSON elsewhere; never the contents of rows."""

from __future__ import annotations

import sys
from typing import Literal

import structlog


def configure(log_format: Literal["auto", "json", "console"] = "auto", *, quiet: bool = False) -> None:
    """Send log events to standard error; `auto` is readable on a terminal and JSON otherwise."""
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(pad_event_to=20)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(30 if quiet else 20),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # what it is then: it may be replaced
        cache_logger_on_first_use=False,
    )


log = structlog.get_logger()

"""Log events of the function: one JSON object a line, as Cloud Logging and CloudWatch read them."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure() -> None:
    """Send events to standard error, with the severity that Cloud Logging looks for."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _severity,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _severity(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["severity"] = str(event["level"]).upper()
    return event

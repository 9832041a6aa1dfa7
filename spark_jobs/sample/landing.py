"""Where deliveries lie below the landing root, and how one is put there."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

EARLIER = "_earlier"


def delivery_path(dataset: str, day: date, suffix: str = ".csv") -> str:
    """The path of a delivery below the landing root."""
    return f"{dataset}/{day:%Y/%m/%Y-%m-%d}{suffix}"


def put(root: Path, path: str, content: bytes, modified: int) -> None:
    """Write a delivery; its modification time is set, so that a sample is the same whenever it is made."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (modified, modified))

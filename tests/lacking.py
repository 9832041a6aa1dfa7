"""What a test needs of its machine and doesn't find there."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def lacking(what: str, cure: str) -> NoReturn:
    """Skip the test, or fail it with the same words where nothing may be skipped in silence (CI is set)."""
    said = f"{what}; {cure}"
    if os.environ.get("CI"):
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


def program(name: str, package: str) -> str:
    """The path of a program; `package` is Debian's that has it."""
    found = shutil.which(name)
    return found or lacking(f"no {name} on the PATH", f"Debian, Ubuntu: apt-get install {package}")

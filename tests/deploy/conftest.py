"""Providers' schemas: downloaded once into .cache; without npm or its registry tests are skipped, but never in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tests.deploy.provider_schemas import PACKAGES, Unavailable, fetch


@pytest.fixture(scope="session")
def schemas() -> None:
    """The declarations of both providers are there."""
    try:
        for provider in PACKAGES:
            fetch(provider)
    except Unavailable as error:
        missing(f"the providers' schemas can't be had: {error}")


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be skipped in silence."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (and CI is set, so this isn't skipped)")
    pytest.skip(what)

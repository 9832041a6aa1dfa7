"""Providers' schemas: downloaded once into .cache; without npm or its registry tests are skipped, but never in CI."""

from __future__ import annotations

import pytest

from tests.deploy.provider_schemas import PACKAGES, fetch


@pytest.fixture(scope="session")
def schemas() -> None:
    """The declarations of both providers are there."""
    for provider in PACKAGES:
        fetch(provider)

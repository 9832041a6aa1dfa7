"""The stores of these tests: a server of each kind for the whole run, found by the environment as any other is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores.servers import Store, amazon, google


@pytest.fixture(scope="session")
def _google() -> Iterator[Store]:
    with google() as store:
        yield store


@pytest.fixture(scope="session")
def _amazon() -> Iterator[Store]:
    with amazon() as store:
        yield store


@pytest.fixture(params=["gs", "s3a"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Either store; its variables are set."""
    found: Store = request.getfixturevalue("_google" if request.param == "gs" else "_amazon")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found

"""What a Gold table's fingerprint covers: a table whose fingerprint differs is computed whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date
from types import ModuleType

import pytest

from spark_jobs.gold import registry
from spark_jobs.slices import Inputs, fingerprint


def fingerprints(horizon: date = date(2024, 12, 31)) -> dict[str, str]:
    """Every table's, with nothing else told than a horizon."""
    inputs = Inputs(versions={}, horizon=horizon, zone="UTC", contracts={}, keys={})
    return {name: fingerprint(table, inputs) for name, table in registry().items()}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The tables whose fingerprints differ."""
    return {name for name in before if before[name] != after[name]}


def test_a_new_year_is_news_to_tables_that_ask_for_the_year_alone() -> None:
    """A new day is news to none."""
    before = fingerprints()
    assert changed(before, fingerprints(date(2024, 1, 1))) == set()
    assert changed(before, fingerprints(date(2025, 1, 1))) == {"dim_customers"}


@pytest.mark.parametrize(
    ("module", "tables"),
    [
        ("running", {"backlog_daily", "backlog_by_priority_daily", "agent_backlog_daily", "complaint_backlog_daily"}),
        ("members", {"dim_customers", "dim_complaint_agents", "dim_complaint_categories", "dim_ticket_agents"}),
        ("measures", set(registry())),
    ],
)
def test_a_change_of_what_tables_share_is_news_to_all_of_them(
    monkeypatch: pytest.MonkeyPatch, module: str, tables: set[str]
) -> None:
    """And to no other, but for what stands in one file with them."""
    before = fingerprints()
    monkeypatch.setattr(inspect, "getsource", edited(f"spark_jobs.gold.{module}", inspect.getsource))

    found = changed(before, fingerprints())

    beside = {
        n for n, t in registry().items() if t.function.__module__ in {registry()[s].function.__module__ for s in tables}
    }
    assert tables <= found <= beside


def edited(module: str, original: Callable[..., str]) -> Callable[..., str]:
    """The sources, with a line added to one module."""

    def getsource(of: object) -> str:
        text = original(of)
        return f"{text}\n# changed" if isinstance(of, ModuleType) and of.__name__ == module else text

    return getsource

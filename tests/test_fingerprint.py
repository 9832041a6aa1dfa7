"""What a Gold table's fingerprint covers: a table whose fingerprint differs is computed whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from spark_jobs.contract import load_contracts
from spark_jobs.gold import Accepted, NotNull, registry
from spark_jobs.publishing import in_force
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


ESCALATED = """
kind: DataContract
apiVersion: v3.1.0
id: calls
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
  - {property: reasonOrder, value: null}
schema:
  - name: call_logs
    properties:
      - name: resolution_status
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [Resolved, Blocked, Backlog, In-Progress, Escalated]}
            mustBe: 0
      - {name: customer_id, required: false}
"""


def test_what_a_contract_accepts_is_news_to_the_tables_that_are_checked_for_it(tmp_path: Path) -> None:
    """Its list is theirs; of a column that may be null they don't ask that it isn't. Others' lists count, too."""
    (tmp_path / "calls.odcs.yaml").write_text(ESCALATED)
    before, after = in_force(load_contracts()), in_force(load_contracts(str(tmp_path)))

    found = {name for name in before if before[name].checks != after[name].checks}

    assert found == {"fct_call_complaints", "fct_unified_complaints"}
    for name in found:
        (statuses,) = [c.values for c in after[name].checks if isinstance(c, Accepted) and c.column == "status"]
        assert statuses == ("Resolved", "Blocked", "Backlog", "In-Progress", "Escalated")
        required = [[c.column for c in of[name].checks if isinstance(c, NotNull)] for of in (before, after)]
        assert ["customer_id" in columns for columns in required] == [True, False]
    inputs = Inputs(versions={}, horizon=date(2024, 12, 31), zone="UTC", contracts={}, keys={})
    assert {name for name in before if fingerprint(before[name], inputs) != fingerprint(after[name], inputs)} == found


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

"""Errors of disputed values: they are kept in the ledger, which people read who may see no personal data."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.claims import _error
from spark_jobs.contract import load_contract


@pytest.mark.parametrize(("column", "is_named"), [("extension", True), ("assignee", False)])
def test_a_disputed_value_is_named_unless_it_is_personal(column: str, is_named: bool) -> None:
    """An extension is, a person's name isn't; both agents are."""
    owners = ("agent_id A001", "agent_id A002")

    told = str(_error(load_contract("agent_identity"), date(2026, 3, 1), column, "Asha Rao", owners, 1))

    assert ("Asha Rao" in told) == is_named
    assert f"agent_id A001 and agent_id A002 claim the same {column}" in told

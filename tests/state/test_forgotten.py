"""Texts of the state tables that name a forgotten customer."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from state.forgotten import erase_texts
from state.landing import Delivery
from state.ledger import DayState, Ledger, Status


def test_of_a_failed_day_the_text_goes_and_all_else_stays(tmp_path: Path) -> None:
    """Its deliveries too; another day's text isn't touched."""
    ledger = Ledger(str(tmp_path))
    file = Delivery("landing/a.csv", 3, "abc", datetime(2024, 5, 2, tzinfo=UTC))
    named, other = (
        DayState("tickets", date(2024, 5, n), Status.FAILED, deliveries=(file,), error_message=f"found: {who}")
        for n, who in enumerate(("C-1", "C-10"), 1)
    )
    ledger.put(named, other)
    assert erase_texts(str(tmp_path), re.compile(r"\bC-1\b")) == {"ingestion_state": 1}
    assert ledger.days() == [replace(named, error_message="forgotten"), other]

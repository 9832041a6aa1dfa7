from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from state.notifications import Notifications, Told

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
FAILED = Told("run_failed/tickets 2026-03-04", "run_failed", "tickets 2026-03-04", "ab12cd34", NOON, "r1")


def test_what_was_told_lasts_until_it_is_over(tmp_path: Path) -> None:
    """One row per event and receiver."""
    memory = Notifications(str(tmp_path))
    other = replace(FAILED, receiver="00000000", sent_at=NOON + timedelta(seconds=1), run_id=None)
    memory.put(FAILED, other)
    assert memory.lasting() == [FAILED, other]

    memory.put(replace(FAILED, over_at=NOON))
    assert memory.lasting() == [other]

    memory.put(replace(FAILED, run_id="r2"))
    assert memory.lasting() == [replace(FAILED, run_id="r2"), other]


def test_a_lake_where_nothing_was_told_has_nothing(tmp_path: Path) -> None:
    """Reading creates nothing, nor does putting no row."""
    Notifications(str(tmp_path)).put()

    assert Notifications(str(tmp_path)).lasting() == []
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from state.progress import Progress, TableProgress

RECORD = TableProgress(
    table="backlog_daily",
    consumed={"silver.tickets": 12, "gold.ticket_flow_daily": 3},
    horizon=date(2024, 3, 5),
    lease_number=4,
    fingerprint="f00",
    table_version=7,
    status="FAILED",
    message="keys aren't unique",
    run_id="r-1",
    updated_at=datetime(2024, 3, 6, 12, tzinfo=UTC),
)


def test_a_record_comes_back_as_it_was_put(tmp_path: Path) -> None:
    """No field is lost or changed on the way through the table."""
    Progress(str(tmp_path)).put(RECORD, TableProgress("features_daily"))

    assert Progress(str(tmp_path)).all() == {
        "backlog_daily": RECORD,
        "features_daily": TableProgress("features_daily"),
    }


def test_a_put_replaces_its_own_table_only(tmp_path: Path) -> None:
    """The key is the Gold table's name."""
    progress = Progress(str(tmp_path))
    progress.put(RECORD, TableProgress("features_daily", lease_number=1))
    progress.put(replace(RECORD, lease_number=9))

    assert {name: record.lease_number for name, record in progress.all().items()} == {
        "backlog_daily": 9,
        "features_daily": 1,
    }


def test_threads_of_one_process_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """Gold tables are made side by side, and each thread records its own."""
    progress = Progress(str(tmp_path))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: progress.put(TableProgress(f"table_{n}", lease_number=n)), range(24)))

    assert {record.lease_number for record in progress.all().values()} == set(range(24))


def test_a_lake_without_progress_has_none(tmp_path: Path) -> None:
    """Reading creates nothing."""
    assert Progress(str(tmp_path)).all() == {}
    assert list(tmp_path.iterdir()) == []

"""`opslake doctor`'s look at a store, on both kinds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from spark_jobs.doctor import stores, tables
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger, Status
from tests.stores.servers import Store


def test_lake_clock_landing_and_tables_of_a_store_are_well_and_nothing_stays_behind(
    store: Store, tmp_path: Path
) -> None:
    """State can be written, the landing read; servers of this machine have its clock."""
    lake, landing = store.uri(tmp_path.name, "lake"), store.uri(tmp_path.name, "landing")
    files, settings = store.files(), Settings(lake=lake, landing=landing)
    files.pipe_file(f"{landing}/tickets/2026/03/2026-03-01.csv", b"ticket_id\n")
    Ledger(lake).put(DayState("tickets", date(2026, 3, 1), Status.SUCCEEDED, 1))
    before = files.find(lake)

    found = [*stores.examine(settings), *tables.examine(settings)]

    assert [(one.check, one.todo) for one in found] == [("lake", ""), ("clock", ""), ("landing", ""), ("tables", "")]
    assert found[-1].told.startswith("1 table that")
    assert files.find(lake) == before


def test_a_bucket_that_is_not_there_is_told(store: Store) -> None:
    """In the store's words, for the lake and for the landing."""
    nowhere = f"{store.scheme}://opslake-no-such-bucket/lake"

    found = list(stores.examine(Settings(lake=nowhere, landing=nowhere)))

    assert [one.check for one in found if not one.is_ok] == ["lake", "landing"]
    assert all(nowhere in one.told for one in found)

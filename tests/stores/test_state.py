"""The state tables and the lease on both stores: one winner per version, and the tables tended as in a folder."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from state.landing import find_deliveries, is_ready
from state.lease import acquire, current
from state.ledger import DayState, Ledger, Status
from state.tables import LEASE, VACUUM_EVERY, open_table
from tests.state.processes import begin, end, hear, say
from tests.state.test_lease import CLAIM
from tests.stores.servers import Store

DAY = date(2024, 3, 5)
WRITE = """
import sys
from datetime import date, timedelta
from state.ledger import DayState, Ledger, Status
lake, number = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for day in range(3):
    Ledger(lake).put(DayState(f"d{number}", date(2024, 3, 5) + timedelta(days=day), Status.SUCCEEDED))
"""


def test_of_eight_processes_that_claim_a_lake_one_wins_and_seven_exit_75(store: Store, tmp_path: Path) -> None:
    """The store's own condition on a put decides, without any lock table."""
    claims = [begin(CLAIM, store.uri(tmp_path.name), f"r-{n}", "60") for n in range(8)]
    for claim in claims:
        say(claim)
    heard = [hear(claim) for claim in claims]
    say(claims[heard.index("won 1")])
    assert sorted(heard) == ["held"] * 7 + ["won 1"]
    assert sorted(end(claim) for claim in claims) == [(0, ""), *[(75, "")] * 7]


def test_processes_that_write_the_ledger_at_once_lose_nothing(store: Store, tmp_path: Path) -> None:
    """Each row that any of them put is there in the end."""
    lake = store.uri(tmp_path.name)
    writers = [begin(WRITE, lake, str(n)) for n in range(4)]
    for writer in writers:
        say(writer)
    assert [end(writer) for writer in writers] == [(0, "")] * 4
    found = {(d.dataset, d.logical_date) for d in Ledger(lake).days()}
    assert found == {(f"d{n}", DAY + timedelta(days=k)) for n in range(4) for k in range(3)}


@pytest.mark.parametrize("store", ["s3a"], indirect=True)
def test_a_lake_is_the_same_by_either_of_the_names_of_s3(store: Store, tmp_path: Path) -> None:
    """What is written to s3a:// is read from s3://, and the lease of one is that of the other."""
    lake = store.uri(tmp_path.name)
    other = lake.replace("s3a://", "s3://")
    Ledger(lake).put(DayState("tickets", DAY, Status.SKIPPED))
    assert [d.status for d in Ledger(other).days()] == [Status.SKIPPED]
    with acquire(lake, run_id="r-1", command="run", lease_seconds=60):
        held = current(other)
        assert held is not None
        assert held.run_id == "r-1"


def test_the_lease_table_is_tended_on_a_store(store: Store, tmp_path: Path) -> None:
    """Beyond the version at which it looks for old files, which takes listings and deletions, it still works."""
    lake, leases = store.uri(tmp_path.name), VACUUM_EVERY // 2 + 2
    for number in range(leases):
        acquire(lake, run_id=f"r-{number}", command="run", lease_seconds=60).release()
    handle, held = open_table(lake, LEASE), current(lake)
    assert handle is not None
    assert held is not None
    assert (held.number, held.released) == (leases, True)
    assert (handle.version() > VACUUM_EVERY, len(handle.file_uris())) == (True, 1)


def test_deliveries_are_found_with_the_stores_own_checksum_and_time(store: Store, tmp_path: Path) -> None:
    """By a listing alone; what is put after the first look is seen by the second, and so is a ready marker."""
    landing, files = store.uri(tmp_path.name), store.files()
    template, before = "tickets/%Y/%m/%Y-%m-%d.csv", datetime.now(UTC) - timedelta(seconds=2)
    assert find_deliveries(landing, template) == {}
    assert not is_ready(landing, "tickets", DAY)
    files.pipe_file(f"{landing}/tickets/2024/03/2024-03-05.csv", b"abc")
    files.pipe_file(f"{landing}/tickets/_ready/2024-03-05", b"")
    ((day, (found,)),) = find_deliveries(landing, template).items()
    assert (day, found.path) == (DAY, f"{landing}/tickets/2024/03/2024-03-05.csv")
    assert (found.size, found.checksum) == (3, "900150983cd24fb0d6963f7d28e17f72")  # the MD5 of abc
    assert before <= found.modified <= datetime.now(UTC)
    assert is_ready(landing, "tickets", DAY)

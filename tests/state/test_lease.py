from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from spark_jobs.errors import LakeHeld, LeaseLost
from state.lease import LeaseRow, acquire, current
from state.tables import LEASE, open_or_create, swap
from tests.state.processes import ROOT, begin, end, hear, say

CLAIM = """
import sys
from spark_jobs.errors import LakeHeld
from state.lease import acquire
lake, run_id, seconds = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
try:
    lease = acquire(lake, run_id=run_id, command="run", lease_seconds=float(seconds))
except LakeHeld as held:
    print("held", flush=True)
    sys.exit(held.exit_code)
print(f"won {lease.number}", flush=True)
sys.stdin.readline()
lease.release()
"""


def elsewhere(root: Path, **changes: object) -> LeaseRow:
    """Puts a lease into the lake that a living run on another machine took just now."""
    now = datetime.now(UTC)
    row = LeaseRow("other/boot/1:77:1", "r-other", 5, now, now, now + timedelta(hours=1), "other", 77, "backfill")
    row = replace(row, **changes)  # type: ignore[arg-type]
    assert swap(open_or_create(str(root), LEASE), LEASE, [vars(row)])
    return row


def test_of_eight_processes_that_claim_a_lake_one_wins_and_seven_exit_75(tmp_path: Path) -> None:
    """They come at once to a lake that has no lease table yet; the winner ends with 0 after giving the lease up."""
    claims = [begin(CLAIM, str(tmp_path), f"r-{n}", "60") for n in range(8)]
    for claim in claims:
        say(claim)
    heard = [hear(claim) for claim in claims]
    say(claims[heard.index("won 1")])

    assert sorted(heard) == ["held"] * 7 + ["won 1"]
    assert sorted(end(claim) for claim in claims) == [(0, ""), *[(75, "")] * 7]


def test_a_second_run_is_told_who_holds_the_lake_and_what_to_do(tmp_path: Path) -> None:
    """The error names run, command, process, machine, since when, and when a dead run's lease could be taken."""
    row = elsewhere(tmp_path)

    with pytest.raises(LakeHeld) as caught:
        acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60)

    text = str(caught.value)
    since, until = row.acquired_at.strftime("%H:%M:%S"), (row.expires_at + timedelta(seconds=10)).strftime("%H:%M:%S")
    assert all(part in text for part in ("r-other", "backfill", "process 77", "on other", since, until, str(tmp_path)))


def test_the_number_grows_over_release_and_expiry(tmp_path: Path) -> None:
    """No two leases of a lake ever have the same number."""
    with acquire(str(tmp_path), run_id="r-1", command="run", lease_seconds=60) as first:
        pass
    past = datetime.now(UTC) - timedelta(hours=2)
    elsewhere(tmp_path, number=8, heartbeat_at=past, expires_at=past + timedelta(minutes=1))
    with acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60) as second:
        pass

    assert (first.number, second.number) == (1, 9)


def test_an_expired_lease_is_not_taken_within_the_margin_for_clocks(tmp_path: Path) -> None:
    """A clock that is a few seconds fast takes nothing from a run that is alive."""
    now = datetime.now(UTC)
    elsewhere(tmp_path, heartbeat_at=now - timedelta(seconds=61), expires_at=now - timedelta(seconds=1))

    with pytest.raises(LakeHeld):
        acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60)


def test_the_lease_of_a_killed_process_of_this_machine_is_taken_at_once(tmp_path: Path) -> None:
    """SIGKILL leaves the lease as it was, for an hour; its holder is known to be dead, so nobody waits."""
    holder = begin(CLAIM, str(tmp_path), "r-1", "3600")
    say(holder)
    assert hear(holder) == "won 1"
    with pytest.raises(LakeHeld):
        acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60)

    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)

    with acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60) as lease:
        assert lease.number == 2


def test_a_killed_run_of_another_machine_frees_the_lake_when_its_lease_ends(tmp_path: Path) -> None:
    """Of a process elsewhere only the clock tells that it is dead."""
    now = datetime.now(UTC)
    elsewhere(tmp_path, heartbeat_at=now, expires_at=now + timedelta(seconds=0.6))
    with pytest.raises(LakeHeld):
        acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60)

    time.sleep(0.9)

    with acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60) as lease:
        assert lease.number == 6


def test_heartbeats_keep_a_lease_beyond_its_length(tmp_path: Path) -> None:
    """A run may take many times lease_seconds without confirming anything."""
    with acquire(str(tmp_path), run_id="r-1", command="run", lease_seconds=0.9) as lease:
        time.sleep(2.5)
        row = current(str(tmp_path))
        assert row is not None
        assert row.expires_at > datetime.now(UTC)
        assert (row.number, row.run_id) == (lease.number, "r-1")
        with pytest.raises(LakeHeld):
            acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60)
        lease.confirm()


def test_a_lease_that_was_taken_is_not_confirmed_any_more(tmp_path: Path) -> None:
    """The error says who has it now, every time it is asked, and giving it up takes nothing from the new holder."""
    lease = acquire(str(tmp_path), run_id="r-1", command="run", lease_seconds=60)
    lease.confirm()
    taken = elsewhere(tmp_path, number=lease.number + 1)

    for _ in range(2):
        with pytest.raises(LeaseLost, match="r-other took the lease of run r-1"):
            lease.confirm()
    lease.release()
    assert current(str(tmp_path)) == taken


def test_a_heartbeat_that_finds_the_lease_taken_stops(tmp_path: Path) -> None:
    """It never writes over the new holder's row, and the run learns of it at its next confirm."""
    lease = acquire(str(tmp_path), run_id="r-1", command="run", lease_seconds=0.3)
    taken = elsewhere(tmp_path, number=lease.number + 1)
    time.sleep(0.6)

    assert current(str(tmp_path)) == taken
    with pytest.raises(LeaseLost):
        lease.confirm()


def test_a_lease_that_was_given_up_is_not_confirmed_any_more(tmp_path: Path) -> None:
    """A backfill that gave the lake up between batches must take it again."""
    lease = acquire(str(tmp_path), run_id="r-1", command="backfill", lease_seconds=60)
    lease.release()

    with pytest.raises(LeaseLost):
        lease.confirm()


def test_a_lease_is_given_up_when_its_block_fails(tmp_path: Path) -> None:
    """A run that ends with an error leaves the lake free."""
    with pytest.raises(ValueError, match="broken"), acquire(str(tmp_path), run_id="r", command="run", lease_seconds=60):
        raise ValueError("broken")

    row = current(str(tmp_path))
    assert row is not None
    assert row.released


STOPPED = """
import sys
from state.lease import acquire
from spark_jobs.errors import LeaseLost
lease = acquire(sys.argv[1], run_id="r-1", command="run", lease_seconds=0.6)
print("ready", flush=True)
sys.stdin.readline()
try:
    lease.confirm()
    print(f"confirmed {lease.number}", flush=True)
except LeaseLost:
    print("lost", flush=True)
"""


@pytest.mark.parametrize("taken", [False, True])
def test_a_process_that_slept_past_its_lease_has_it_still_unless_somebody_took_it(tmp_path: Path, taken: bool) -> None:
    """A suspended laptop renews a lease that nobody wanted, and commits nothing with one that was taken."""
    process = begin(STOPPED, str(tmp_path))
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(1.2)
    if taken:
        acquire(str(tmp_path), run_id="r-2", command="run", lease_seconds=60).release()
    say(process)
    os.kill(process.pid, signal.SIGCONT)

    assert hear(process) == ("lost" if taken else "confirmed 1")
    assert end(process) == (0, "")


def test_heartbeats_do_not_make_the_table_grow(tmp_path: Path) -> None:
    """Hundreds of beats later the log that a reader must replay is short and the table is as quick to open."""
    row = elsewhere(tmp_path)
    handle = open_or_create(str(tmp_path), LEASE)
    for _ in range(300):
        assert swap(handle, LEASE, [vars(row)])

    log = tmp_path / "state/lease/_delta_log"
    checkpoint = max(int(path.name.split(".")[0]) for path in log.glob("*.checkpoint.parquet"))
    started = time.perf_counter()
    assert current(str(tmp_path)) == row
    assert time.perf_counter() - started < 0.2
    assert DeltaTable(str(log.parent)).version() - checkpoint <= 10


def test_old_heartbeats_are_cleared_away(tmp_path: Path) -> None:
    """Files that were replaced longer ago than is kept (here: at all) go, whatever the log still knows of them."""
    row, table = elsewhere(tmp_path), replace(LEASE, keep_hours=0)
    handle = open_or_create(str(tmp_path), LEASE)
    for _ in range(130):
        assert swap(handle, table, [vars(row)])

    assert len(list((tmp_path / "state/lease").glob("*.parquet"))) < 64
    assert current(str(tmp_path)) == row


def test_a_process_that_ends_without_giving_up_its_lease_ends_well(tmp_path: Path) -> None:
    """The heartbeat thread is native code at work; it must not abort the interpreter's end."""
    script = (
        "import sys, time; from state.lease import acquire; "
        "lease = acquire(sys.argv[1], run_id='r', command='run', lease_seconds=0.03); time.sleep(0.2)"
    )
    for n in range(5):
        ended = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / str(n))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")

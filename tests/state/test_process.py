from __future__ import annotations

import subprocess
import sys

from state.process import holder, is_dead_here
from tests.state.processes import ROOT


def test_a_living_process_is_not_dead() -> None:
    """Least of all this one."""
    assert not is_dead_here(holder())


def test_an_ended_process_is_dead_even_before_its_parent_has_noticed() -> None:
    """A zombie keeps its number, but runs nothing."""
    child = subprocess.Popen(
        [sys.executable, "-c", "from state.process import holder; print(holder(), flush=True)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    identity = child.stdout.readline().strip()
    child.stdout.read()  # until its end
    for _ in range(200):
        if is_dead_here(identity):
            break
        subprocess.run(["sleep", "0.01"], check=True)

    assert child.returncode is None
    assert is_dead_here(identity)
    child.wait()
    assert is_dead_here(identity)


def test_a_number_that_another_process_has_now_does_not_bring_the_dead_back() -> None:
    """The time of its start tells a process from a later one of the same number."""
    rest, _, started = holder().rpartition(":")

    assert is_dead_here(f"{rest}:{int(started) - 1}")


def test_of_another_machines_processes_nothing_is_known() -> None:
    """Neither are they dead, nor is a holder that says too little."""
    _, pid, started = holder().rsplit(":", 2)

    assert not is_dead_here(f"elsewhere/0/1:{pid}:{int(started) - 1}")
    assert not is_dead_here(holder().rpartition(":")[0] + ":")
    assert not is_dead_here("")

"""Two commands run in turns, and what their medians come to against a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from benchmarks.process import Timing

Measure = Literal["ours / peer", "peer / ours", "ours - peer"]
Runner = Callable[[int], Timing]
"""Makes one measured run; gets its number, from 1."""


@dataclass(frozen=True)
class Target:
    """What the issue asks of a comparison; a quotient or a difference in seconds."""

    measure: Measure
    limit: float

    def text(self) -> str:
        """The target as a reader sees it."""
        bound = "at least" if self.measure == "peer / ours" else "at most"
        unit = " s" if self.measure == "ours - peer" else ""
        return f"{self.measure}: {bound} {self.limit:g}{unit}"

    def value(self, ours: float, peer: float) -> float:
        """The measured figure, from seconds."""
        return {"ours / peer": ours / peer, "peer / ours": peer / ours, "ours - peer": ours - peer}[self.measure]

    def met(self, value: float) -> bool:
        """Whether it is reached."""
        return value >= self.limit if self.measure == "peer / ours" else value <= self.limit


@dataclass
class Comparison:
    """One case at one size: the runs of both sides, made in turns."""

    case: str
    size: str
    ours: str
    peer: str
    target: Target
    our_runs: list[Timing] = field(default_factory=list)
    peer_runs: list[Timing] = field(default_factory=list)

    def measure(self, run_ours: Runner, run_peer: Runner, runs: int) -> Comparison:
        """Make the runs: ours, peer, ours, peer, …; a line is printed after each."""
        for number in range(1, runs + 1):
            for label, runner, kept in ((self.ours, run_ours, self.our_runs), (self.peer, run_peer, self.peer_runs)):
                kept.append(runner(number))
                print(f"  {self.case} {self.size} {number}/{runs} {label}: {kept[-1].seconds:.1f} s", flush=True)
        return self

    @property
    def value(self) -> float:
        """The figure of the medians."""
        return self.target.value(middle(self.our_runs, "seconds") or 0.0, middle(self.peer_runs, "seconds") or 0.0)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured."""
        return {
            "case": self.case,
            "size": self.size,
            "target": self.target.text(),
            "value": round(self.value, 3),
            "met": self.target.met(self.value),
            "sides": [side(self.ours, self.our_runs), side(self.peer, self.peer_runs)],
        }


def side(label: str, runs: Sequence[Timing]) -> dict[str, Any]:
    """One side's medians, and each run."""
    names = ("seconds", "cpu_seconds", "peak_bytes", "read_bytes", "written_bytes")
    facts = {key: value for run in runs for key, value in run.facts.items()}
    return {
        "label": label,
        **{name: middle(runs, name) for name in names},
        "facts": facts,
        "runs": [vars(run) for run in runs],
    }


def middle(runs: Sequence[Timing], name: str) -> float | None:
    """The median of one figure; None where no run has it."""
    values = [getattr(run, name) for run in runs if getattr(run, name) is not None]
    return median(values) if values else None

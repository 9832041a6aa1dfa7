"""What the sample's generator did, day by day, as it knows it: written beside the deliveries, read by tests.

Below `<out>/_truth/`: `days.jsonl` (a DayTruth per dataset and day), `corrections.jsonl` (a Correction per day that
was delivered twice), `<dataset>.csv` (the final rows of each dataset), `sample.json` (parameters and totals).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

CLASSES = ("inserted", "updated", "unchanged", "stale", "duplicates", "rejected")
TICKET_COLUMNS = (
    "ticket_id", "created_at", "resolved_at", "resolution_hours", "sla_hours", "sla_breached_reported", "priority",
    "category", "channel", "customer_tier", "status", "agent_id", "updated_at", "logical_date", "row_number",
)  # fmt: skip


@dataclass
class DayTruth:
    """The figures of one delivery when the days are processed one by one in date order; rows are `_row_number`s."""

    dataset: str
    logical_date: date
    path: str = ""  # below the landing root
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicates: int = 0
    rejected: int = 0
    deleted: int = 0  # replace datasets only
    reasons: dict[str, int] = field(default_factory=dict)
    records: dict[int, list[str]] = field(default_factory=dict)  # rejected row -> its reasons, in order
    duplicate_rows: list[int] = field(default_factory=list)
    late_rows: list[int] = field(default_factory=list)  # delivered a day or more after they happened
    hours_off_rows: list[int] = field(default_factory=list)  # delivered resolution_hours more than 0.1 h off
    extra_columns: list[str] = field(default_factory=list)
    missing_columns: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)

    def reject(self, row: int, reasons: Sequence[str]) -> None:
        """Note a rejected record."""
        self.rejected += 1
        self.records[row] = list(reasons)
        for reason in reasons:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def classes(self) -> dict[str, int]:
        """The six classes of rule 6, by name; they add up to `read`."""
        return {name: getattr(self, name) for name in CLASSES}


@dataclass(frozen=True)
class Correction:
    """A day that was delivered twice: the landing holds the second delivery, `earlier_path` the first."""

    dataset: str
    logical_date: date
    path: str
    earlier_path: str
    earlier: DayTruth  # figures of the first delivery, after the days before it
    corrected: dict[str, int]  # classes of the second one, processed directly after the first
    absent: int  # keys accepted from the first delivery that the second doesn't hold


@dataclass(frozen=True)
class Truth:
    """The truth files of a landing root; reads them piece by piece, so that its size doesn't matter."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where the truth files lie."""
        return self.root / "_truth"

    def days(self, dataset: str = "tickets") -> Iterator[DayTruth]:
        """The dataset's deliveries in date order."""
        for row in _lines(self.folder / "days.jsonl"):
            if row["dataset"] == dataset:
                yield _day(row)

    def day(self, day: date, dataset: str = "tickets") -> DayTruth:
        """One delivery; KeyError when the dataset has none on that day."""
        for truth in self.days(dataset):
            if truth.logical_date == day:
                return truth
        raise KeyError((dataset, day))

    def corrections(self, dataset: str = "tickets") -> Iterator[Correction]:
        """The dataset's days that were delivered twice, in date order."""
        for row in _lines(self.folder / "corrections.jsonl"):
            day = date.fromisoformat(row.pop("logical_date"))
            if row["dataset"] != dataset:
                continue
            yield Correction(**{**row, "logical_date": day, "earlier": _day(row["earlier"])})

    def rows(self, dataset: str = "tickets") -> Iterator[dict[str, str]]:
        """The final rows of a dataset, in no order that means anything; a null is an empty text."""
        with (self.folder / f"{dataset}.csv").open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)

    def totals(self) -> dict[str, Any]:
        """The parameters and the sums over all days, as `sample.json` holds them."""
        found: dict[str, Any] = json.loads((self.folder / "sample.json").read_text(encoding="utf-8"))
        return found


class TruthWriter:
    """Writes the truth as days are finished. Use as a context manager."""

    def __init__(self, root: Path, columns: Mapping[str, Sequence[str]]) -> None:
        """`columns` are those of the datasets' final rows."""
        self.truth = Truth(root)
        self.truth.folder.mkdir(parents=True, exist_ok=True)
        self._days = (self.truth.folder / "days.jsonl").open("w", encoding="utf-8", newline="\n")
        self._corrections = (self.truth.folder / "corrections.jsonl").open("w", encoding="utf-8", newline="\n")
        self._files = {
            name: (self.truth.folder / f"{name}.csv").open("w", encoding="utf-8", newline="") for name in columns
        }
        self._rows = {name: csv.writer(file, lineterminator="\n") for name, file in self._files.items()}
        for name, header in columns.items():
            self.row(name, header)
        self._sums: dict[str, dict[str, int]] = {}

    def __enter__(self) -> TruthWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._days, self._corrections, *self._files.values()):
            file.close()

    def day(self, day: DayTruth) -> None:
        """Note a finished delivery."""
        self._days.write(_json(asdict(day)))
        sums = self._sums.setdefault(day.dataset, {})
        for name in ("read", *CLASSES, "deleted"):
            sums[name] = sums.get(name, 0) + getattr(day, name)
        for reason, count in day.reasons.items():
            sums[f"reason:{reason}"] = sums.get(f"reason:{reason}", 0) + count

    def correction(self, correction: Correction) -> None:
        """Note a day that was delivered twice."""
        self._corrections.write(_json(asdict(correction)))

    def row(self, dataset: str, row: Sequence[str]) -> None:
        """Note the final state of a row of Silver, in the order of the dataset's columns."""
        self._rows[dataset].writerow(row)

    def finish(self, parameters: dict[str, Any]) -> Truth:
        """Write parameters and totals, and hand back the reader."""
        text = json.dumps({"parameters": parameters, "totals": self._sums}, indent=2, default=str)
        (self.truth.folder / "sample.json").write_text(text + "\n", encoding="utf-8")
        return self.truth


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str, separators=(",", ":")) + "\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _day(row: dict[str, Any]) -> DayTruth:
    records = {int(number): reasons for number, reasons in row["records"].items()}
    return DayTruth(**{**row, "logical_date": date.fromisoformat(row["logical_date"]), "records": records})

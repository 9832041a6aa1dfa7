"""A small lake under test: deliveries put into its landing one by one, runs of the engine, and what the tables hold.

Every content that a run takes up is copied, in the order of processing, so that the independent calculation can be
given the same series of deliveries.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import SparkSession

from spark_jobs.lake import Fence
from spark_jobs.pipeline import Pipeline, Report
from spark_jobs.planning import Choice
from spark_jobs.settings import Settings
from state.ledger import DayState, Ledger
from tests.oracle import DOMAINS, LakeTruth, LandedDelivery, classify, compare

LAYERS = ("bronze", "exception", "silver", "gold")
LATER = date(2026, 1, 1)
"""Today, seen from every delivery of these tests."""
CLASSES = ("read", "inserted", "updated", "unchanged", "stale", "duplicates", "rejected", "absent", "deleted")
Row = dict[str, Any]
COLUMNS = (
    "ticket_id", "created_at", "resolved_at", "sla_hours", "priority", "category", "status", "agent_id", "updated_at",
)  # fmt: skip
KEYS = {
    "tickets": ("ticket_id",),
    "calls": ("call_id",),
    "agent_events": ("extension", "done_on", "action", "details"),
    "agent_identity": ("agent_id",),
    "call_logs": ("call_id",),
    "web_complaints": ("request_id",),
    "social_complaints": ("complaint_id",),
    "customers": ("customer_id",),
    "complaint_agents": ("agent_id",),
    "complaint_categories": ("category",),
}
EVENT_DATES = {
    "tickets": "created_date",
    "calls": "call_date",
    "agent_events": "ops_date",
    **dict.fromkeys(("call_logs", "web_complaints", "social_complaints"), "request_date"),
}
GOOD = {
    "created_at": "2024-03-01 08:00:00",
    "sla_hours": "8",
    "priority": "High",
    "category": "Login",
    "status": "Open",
}


def ticket(key: str, **cells: str) -> str:
    """One record in the order of COLUMNS: an open ticket by default, a resolved one when `resolved_at` is given."""
    status = {"status": "Resolved"} if cells.get("resolved_at") else {}
    values = {**GOOD, **status, **cells, "ticket_id": key}
    return ",".join(values.get(column, "") for column in COLUMNS)


def csv_text(*records: str, header: str = ",".join(COLUMNS)) -> str:
    """A file of these records."""
    return "".join(f"{line}\n" for line in (header, *records))


class WithoutGold(Pipeline):
    """A run that leaves Gold as it is, for tests that look no further than Silver."""

    def _publish(self, fence: Fence, report: Report) -> None:
        """Nothing."""


@dataclass
class Trial:
    """A lake, its landing, and the series of deliveries that its runs have taken up so far."""

    spark: SparkSession
    folder: Path
    zone: str = "UTC"
    options: Mapping[str, Any] = field(default_factory=dict)
    history: list[LandedDelivery] = field(default_factory=list)
    ticks: int = 0
    lake_at: Path | None = None
    _pending: dict[tuple[str, date], Path] = field(default_factory=dict)
    _taken: dict[tuple[str, date], bytes] = field(default_factory=dict)

    @property
    def lake(self) -> Path:
        """The lake's root."""
        return self.lake_at or self.folder / "lake"

    @property
    def landing(self) -> Path:
        """The landing root."""
        return self.folder / "landing"

    @property
    def settings(self) -> Settings:
        """The lake's settings."""
        given = {"today": LATER, "gold_threads": 2, **self.options}
        return Settings(lake=str(self.lake), landing=str(self.landing), business_timezone=self.zone, **given)

    def deliver(
        self, day: date, *records: str, dataset: str = "tickets", modified: datetime | None = None, **csv: str
    ) -> Path:
        """Put a day's CSV file, in the place of an earlier one; each is a minute younger than the one before."""
        return self.put(day, csv_text(*records, **csv).encode(), dataset=dataset, modified=modified)

    def put(
        self,
        day: date,
        content: bytes,
        *,
        dataset: str = "tickets",
        suffix: str = ".csv",
        modified: datetime | None = None,
    ) -> Path:
        """Put a day's file as it is."""
        self.ticks += 1
        path = self.landing / f"{dataset}/{day:%Y/%m/%Y-%m-%d}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        at = modified or datetime.fromtimestamp(datetime(2025, 1, 1, tzinfo=UTC).timestamp() + 60 * self.ticks, UTC)
        os.utime(path, (at.timestamp(), at.timestamp()))
        self._pending[dataset, day] = path
        return path

    def redeliver(self, day: date, dataset: str = "tickets") -> None:
        """Note that a day is taken up once more as it lies there: a forced run is the same delivery again."""
        self._taken.pop((dataset, day), None)
        self._pending[dataset, day] = self.landing / f"{dataset}/{day:%Y/%m/%Y-%m-%d}.csv"

    def run(self, *, with_gold: bool = True, **choice: Any) -> Report:
        """One run of what is due, with the choices of `opslake run`."""
        self._take_up(choice.get("start"), choice.get("end"))
        return self.pipeline(with_gold).run(Choice(**choice))

    def load(self, **choice: Any) -> Report:
        """The same without Gold, which is half of a run's time."""
        return self.run(with_gold=False, **choice)

    def backfill(self, batch_days: int = 100, *, with_gold: bool = True, **choice: Any) -> Report:
        """One backfill of what is due."""
        self._take_up(choice.get("start"), choice.get("end"))
        return self.pipeline(with_gold).backfill(Choice(**choice), batch_days)

    def publish(self) -> Report:
        """Gold alone."""
        return self.pipeline().publish()

    def rebuild(self, tables: Sequence[str] = (), silver: str | None = None) -> Report:
        """Gold tables, or a dataset's Silver, anew."""
        return self.pipeline().rebuild(tables, silver)

    def pipeline(self, with_gold: bool = True) -> Pipeline:
        """A run on the tests' own session."""
        kind = Pipeline if with_gold else WithoutGold
        return kind(self.settings, "test", session=lambda _settings, _bytes: self.spark)

    def _take_up(self, start: date | None, end: date | None) -> None:
        """Note what a run is about to load, oldest first."""
        kept = self.folder / "taken"
        kept.mkdir(exist_ok=True)
        for dataset, day in sorted(self._pending, key=lambda item: (item[1], item[0])):
            if (start is not None and day < start) or (end is not None and day > end):
                continue
            path = self._pending.pop((dataset, day))
            if self._taken.get((dataset, day)) == path.read_bytes():
                continue  # the same content, only written again, isn't due
            self._taken[dataset, day] = path.read_bytes()
            copy = kept / f"{len(self.history)}{''.join(path.suffixes)}"
            copy.write_bytes(path.read_bytes())
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            self.history.append(LandedDelivery(dataset, day, copy, source_file=str(path), modified=modified))

    def truth(self, max_reject_ratio: str = "0.1", dataset: str = "tickets") -> LakeTruth:
        """What the independent calculation makes of the series of deliveries of a dataset."""
        return classify(self.history, dataset, zone=self.zone, max_reject_ratio=max_reject_ratio)

    def rows(self, table: str) -> list[Row]:
        """A table's rows by delta-rs; none where there is no table. `table` is `<layer>/<name>`."""
        try:
            found = DeltaTable(str(self.lake / table))
        except TableNotFoundError:
            return []
        result = QueryBuilder().register("found", found).execute("SELECT * FROM found")
        return [dict(row) for row in pa.table(result.read_all()).to_pylist()]

    def days(self, dataset: str = "tickets") -> dict[date, DayState]:
        """The ledger of a dataset by day."""
        return {state.logical_date: state for state in Ledger(str(self.lake)).days(dataset)}

    def figures(self, dataset: str = "tickets") -> dict[date, dict[str, int]]:
        """The figures of the days that are in Silver or were held back."""
        found = {day: state.figures for day, state in self.days(dataset).items() if state.figures is not None}
        return {day: {name: getattr(figures, name) for name in CLASSES} for day, figures in found.items()}

    def exceptions(self, *statuses: str, dataset: str = "tickets") -> list[Row]:
        """Exceptions of these statuses (all by default), by day and record number."""
        rows = [r for r in self.rows(f"exception/{dataset}") if not statuses or r["status"] in statuses]
        return sorted(rows, key=lambda r: (r["_logical_date"], r["first_seen"], r["_row_number"]))

    def versions(self) -> dict[str, int]:
        """The version of every table outside state."""
        tables = [path.parent for layer in LAYERS for path in (self.lake / layer).glob("*/_delta_log")]
        return {f"{path.parent.name}/{path.name}": DeltaTable(str(path)).version() for path in sorted(tables)}

    def gold_status(self) -> dict[str, str]:
        """Each Gold table's status in its progress record."""
        with suppress(TableNotFoundError):
            return {row["gold_table"]: row["status"] for row in self.rows("state/gold_progress")}
        return {}


def differences(trial: Trial, truth: LakeTruth) -> list[str]:
    """Where the lake differs from the independent calculation: figures, exceptions, Silver with lineage, Gold."""
    return [*of_loading(trial, truth), *of_gold(trial)]


def of_loading(trial: Trial, truth: LakeTruth, dataset: str = "tickets") -> list[str]:
    """Where figures, exceptions or Silver of a dataset differ."""
    days = trial.days(dataset)
    held = {day for day, state in days.items() if state.figures is not None and state.error_class}
    figures = {day: found for day, found in trial.figures(dataset).items() if day not in held}
    found = compare("figures", _by_day({d: vars(f) for d, f in truth.figures.items()}), _by_day(figures), ["day"])
    expected = [*truth.rejects, *truth.duplicates]
    current = {day: {d.delivery for d in state.deliveries} for day, state in days.items()}
    known = trial.exceptions("open", "resolved", "informational", dataset=dataset)
    actual = [r for r in known if r["_delivery"] in current[r["_logical_date"]]]
    # of a delivery that was replaced nothing is open: what a later version had resolved before stays so
    found += [f"exceptions: {r}" for r in known if r not in actual and r["status"] != "resolved"]
    found += compare(
        "exceptions",
        [
            {"day": r.logical_date, "file": r.file, "row": r.row_number, "reasons": ", ".join(r.reasons)}
            for r in expected
        ],
        [
            {
                "day": r["_logical_date"],
                "file": r["_source_file"],
                "row": r["_row_number"],
                "reasons": r["reject_reason"],
            }
            for r in actual
        ],
        ["day", "file", "row"],
    )
    silver, key, event_date = trial.rows(f"silver/{dataset}"), KEYS[dataset], EVENT_DATES.get(dataset)
    found += compare("silver", truth.silver_rows(), silver, key, ignore=["year", "month"])
    if event_date is None:
        return found
    wrong = [r for r in silver if (r["year"], r["month"]) != (r[event_date].year, r[event_date].month)]
    return found + [f"silver: {[r[name] for name in key]} lies in {r['year']}-{r['month']}" for r in wrong]


def of_gold(
    trial: Trial,
    horizon: date | None = None,
    silver: Sequence[Row] | Mapping[str, Sequence[Row]] | None = None,
    domain: str = "tickets",
) -> list[str]:
    """Where a Gold table differs from what the independent calculation makes of `silver`, by default the engine's.

    `silver` has the rows by dataset, or is the rows of the domain's own; the others are the engine's.
    """
    asked = DOMAINS[domain]
    loaded = [day for day, state in trial.days(asked.dataset).items() if state.loaded]
    if not loaded:
        return []
    given = {} if silver is None else silver if isinstance(silver, Mapping) else {asked.dataset: silver}
    rows = {name: trial.rows(f"silver/{name}") for name in asked.inputs if name not in given}
    expected = asked.gold({**rows, **given}, horizon or max(loaded), trial.zone)
    return [
        line
        for name, grain in asked.grains.items()
        for line in compare(name, expected[name], trial.rows(f"gold/{name}"), grain)
    ]


def _by_day(figures: Mapping[date, Mapping[str, int]]) -> list[Row]:
    return [{"day": day, **values} for day, values in sorted(figures.items())]


def without(rows: Iterable[Row], columns: Sequence[str]) -> list[Row]:
    """The rows less some columns."""
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def gzipped(text: str) -> bytes:
    """The text as a gzip file."""
    return gzip.compress(text.encode(), mtime=0)

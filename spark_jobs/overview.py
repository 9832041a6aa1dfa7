"""The lake at a glance, from its state tables alone: no JVM, no landing, nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from spark_jobs.contract import Contract
from spark_jobs.lookup import literal, open_table, select
from spark_jobs.planning import in_silver
from spark_jobs.settings import Settings
from state.due import is_beginning
from state.lease import LeaseRow, current
from state.ledger import DayState, Ledger, Status
from state.progress import Progress, TableProgress
from state.runs import Run, Runs
from state.tables import INGESTION_STATE

DAY = timedelta(days=1)
NOT_LOADED = "NOT LOADED"
SETTLED = (Status.SUCCEEDED, Status.SKIPPED)


@dataclass(frozen=True)
class Gap:
    """Days in a row, both ends included, that aren't settled; `status` is the ledger's, or NOT LOADED."""

    first: date
    last: date
    status: str
    message: str | None = None

    @property
    def days(self) -> int:
        """How many days it is."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class DatasetView:
    """One dataset: its latest days, latest first, and what is open. Only event datasets have a horizon.

    Skipped days don't count for how many days there are, and stand between the others.
    """

    dataset: str
    horizon: date | None
    counts: Mapping[str, int]
    days: tuple[DayState, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class Overview:
    """What `opslake status` shows; `held` is whether the lease's holder is alive and has it."""

    run: Run | None
    lease: LeaseRow | None
    held: bool
    datasets: tuple[DatasetView, ...]
    gold: tuple[TableProgress, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing ever ran here."""
        return self.run is None and self.lease is None and not any(d.counts for d in self.datasets)


def look(
    settings: Settings, contracts: Mapping[str, Contract], *, dataset: str | None = None, days: int = 7
) -> Overview:
    """Read the state tables of the lake; one that doesn't exist is empty."""
    states: dict[str, list[DayState]] = {name: [] for name in contracts if dataset in (None, name)}
    for state in _outline(settings.lake, dataset):
        states.setdefault(state.dataset, []).append(state)
    since = {name: _first_shown(found, days) for name, found in states.items() if found}
    shown: dict[str, list[DayState]] = {name: [] for name in states}
    for state in Ledger(settings.lake).since(since):
        shown[state.dataset].append(state)
    lease = current(settings.lake)
    held = lease is not None and not lease.free(datetime.now(UTC))
    live_run = lease.run_id if lease is not None and held else None
    last = Runs(settings.lake).last(1)
    return Overview(
        run=last[0] if last else None,
        lease=lease,
        held=held,
        datasets=tuple(
            _view(name, found, shown[name], contracts.get(name), settings.business_today, live_run)
            for name, found in states.items()
        ),
        gold=tuple(Progress(settings.lake).all().values()),
    )


def _outline(root: str, dataset: str | None) -> list[DayState]:
    """Every day of the ledger with few of its columns: whole rows of many years would take most of a second."""
    table = open_table(root, "state", INGESTION_STATE.name)
    if table is None:
        return []
    where = f"WHERE dataset = {literal(dataset)}" if dataset else ""
    loaded = "coalesce(array_length(loaded), 0) > 0 AS is_loaded"
    columns = f"dataset, logical_date, status, run_id, error_message, {loaded}"
    rows = select(table, f"SELECT {columns} FROM t {where} ORDER BY logical_date, dataset")
    return [
        DayState(
            row["dataset"],
            row["logical_date"],
            Status(row["status"]),
            run_id=row["run_id"],
            loaded=("",) if row["is_loaded"] else (),
            error_message=row["error_message"],
        )
        for row in rows
    ]


def _first_shown(states: Sequence[DayState], days: int) -> date:
    """The first of the latest days that are shown; skipped ones between them don't count."""
    delivered = [s.logical_date for s in states if s.status is not Status.SKIPPED]
    return delivered[-days] if len(delivered) >= days else states[0].logical_date


def _view(
    name: str,
    states: Sequence[DayState],
    shown: Sequence[DayState],
    contract: Contract | None,
    today: date,
    live_run: str | None,
) -> DatasetView:
    loaded = in_silver(states, name) if contract is not None and contract.load_mode == "merge" else {}
    return DatasetView(
        dataset=name,
        horizon=max(loaded, default=None),
        counts=dict(Counter(str(s.status) for s in states)),
        days=tuple(reversed(shown)),
        gaps=gaps(states, contract, today, live_run) if contract is not None else (),
    )


def gaps(states: Iterable[DayState], contract: Contract, today: date, live_run: str | None = None) -> tuple[Gap, ...]:
    """What is open of one dataset between its first day and yesterday, equal neighbours taken together.

    A day that the ledger doesn't have counts only where the contract doesn't let days be missing; days that the
    living run has under way aren't open.
    """
    known = {s.logical_date: s for s in states}
    first = contract.starts_on or min((day for day, state in known.items() if is_beginning(state)), default=today)
    last = max([today - DAY, *known])
    found: list[Gap] = []
    for number in range((last - first).days + 1):
        day = first + number * DAY
        state = known.get(day)
        if state is None and (contract.missing_days == "skip" or day >= today):
            continue
        if state is not None and (state.status in SETTLED or _is_under_way(state, live_run)):
            continue
        gap = Gap(day, day, NOT_LOADED if state is None else str(state.status), state.error_message if state else None)
        if found and found[-1].status == gap.status and found[-1].last == day - DAY:
            found[-1] = Gap(found[-1].first, day, gap.status, gap.message)
        else:
            found.append(gap)
    return tuple(found)


def _is_under_way(state: DayState, live_run: str | None) -> bool:
    return state.status is Status.RUNNING and live_run is not None and state.run_id == live_run

"""What a run would do and why: due days from the landing and the ledger, Gold tables from versions. Needs no JVM."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from spark_jobs.contract import Contract
from spark_jobs.contract.formats import SERVED
from spark_jobs.credentials import is_set
from spark_jobs.errors import SourceError
from spark_jobs.lookup import open_table
from spark_jobs.settings import Settings
from state.due import Due, what_is_due
from state.landing import Delivery, find_deliveries, is_ready
from state.ledger import DayState, Ledger, Status


@dataclass(frozen=True)
class Choice:
    """What of all that is due a command asks for."""

    dataset: str | None = None
    start: date | None = None
    end: date | None = None
    max_days: int | None = None
    force: bool = False
    accept_rejects: bool = False


@dataclass(frozen=True)
class Silent:
    """A dataset whose source couldn't be asked."""

    dataset: str
    logical_date: date
    error: SourceError


@dataclass(frozen=True)
class Plan:
    """Due days of every dataset, oldest first, and the ledger that they follow from.

    `silent` are datasets whose source couldn't be asked, with the day that failed and why. `refreshed` are settled days
    whose content is what it was, by another catalogue entry.
    """

    due: tuple[Due, ...]
    states: tuple[DayState, ...]
    silent: tuple[Silent, ...] = ()
    refreshed: tuple[DayState, ...] = ()

    def of(self, dataset: str, *actions: str) -> list[Due]:
        """The due days of one dataset with one of these actions."""
        return [d for d in self.due if d.dataset == dataset and d.action in actions]

    def has(self, *actions: str) -> bool:
        """Some day has one of these actions."""
        return any(d.action in actions for d in self.due)


def make_plan(
    settings: Settings,
    contracts: Mapping[str, Contract],
    choice: Choice,
    *,
    ledger: Ledger,
    now: datetime | None = None,
    live_run: str | None = None,
) -> Plan:
    """Look into the landing and the ledger; nothing is changed."""
    states = ledger.days()
    due: list[Due] = []
    silent: list[Silent] = []
    refreshed: list[DayState] = []
    for contract in contracts.values():
        if choice.dataset not in (None, contract.dataset):
            continue
        mine = [s for s in states if s.dataset == contract.dataset]
        if not _is_in_use(contract, mine, choice):
            continue
        latest, kept = _latest(settings, choice), _kept(settings, contract, mine)
        try:
            found = {**kept, **_found(settings, contract, mine, latest)}
            is_silent = False
        except SourceError as error:
            found, is_silent = kept, True
            if latest not in kept:
                silent.append(Silent(contract.dataset, latest, error))
        refreshed += _refreshed(mine, found)
        dues = what_is_due(
            contract,
            found,
            mine,
            today=settings.business_today,
            now=now or datetime.now(UTC),
            zone=settings.business_timezone,
            start=choice.start,
            end=choice.end,
            force=choice.force,
            ready=partial(is_ready, settings.landing),
            live_run=live_run,
            named=choice.dataset is not None,
        )
        due += [d for d in dues if d.logical_date in kept or not is_silent]
    due.sort(key=lambda d: (d.logical_date, d.dataset))
    return Plan(tuple(_at_most(due, choice.max_days)), tuple(states), tuple(silent), tuple(refreshed))


def _latest(settings: Settings, choice: Choice) -> date:
    """The last day that a run is about, yesterday at most."""
    yesterday = settings.business_today - timedelta(days=1)
    return min(choice.end or yesterday, yesterday)


def _is_in_use(contract: Contract, states: Sequence[DayState], choice: Choice) -> bool:
    """False for a dataset of a server that isn't named in the environment, while nothing of it was ever loaded.

    Asked for by its name it is in use: that its server isn't named is an error then.
    """
    if contract.format not in SERVED or choice.dataset is not None or any(s.loaded for s in states):
        return True
    return is_set(str(contract.options.get(SERVED[contract.format], "env:")))


def _found(
    settings: Settings, contract: Contract, states: Sequence[DayState], latest: date
) -> dict[date, list[Delivery]]:
    """What the dataset's source holds by day."""
    if contract.format not in SERVED:
        ignore_case = contract.path_ignores_case
        return find_deliveries(settings.landing, contract.path, ignore_case=ignore_case, known=_known(states))
    from spark_jobs.sources import served  # with pyarrow, which a look at files doesn't need
    from spark_jobs.sources.record import Asked

    try:
        return served(contract).find(contract, Asked({s.logical_date: s.deliveries for s in states}, latest))
    except ModuleNotFoundError as error:
        hint = "install opslake with its extras postgres, sheets, gcp or aws, whichever the contract needs"
        raise SourceError(f"the package {error.name} isn't installed", where=contract.dataset, hint=hint) from error


def _kept(settings: Settings, contract: Contract, states: Sequence[DayState]) -> dict[date, list[Delivery]]:
    """What runs that died had kept of days that didn't reach Silver: their source needn't be there any more."""
    died = {s.logical_date: s.deliveries for s in states if s.status is Status.RUNNING and s.silver_version is None}
    return {day: list(files) for day, files in in_bronze(settings.lake, contract, died).items()}


def in_bronze(
    lake: str, contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]
) -> dict[date, Sequence[Delivery]]:
    """Those of a table's or tab's deliveries that Bronze has as they are; of files none, which stay where they are."""
    if contract.format not in SERVED or not any(deliveries.values()):
        return {}
    table = open_table(lake, "bronze", contract.dataset)
    there = {(p["_logical_date"], p["_delivery"]) for p in table.partitions()} if table is not None else set()
    named = {day: files for day, files in deliveries.items() if files and all(file.checksum for file in files)}
    return {day: files for day, files in named.items() if (day.isoformat(), delivery_id(files)) in there}


def _refreshed(states: Iterable[DayState], found: Mapping[date, Sequence[Delivery]]) -> list[DayState]:
    """Settled days whose deliveries have the checksums that the ledger names, but not its tokens."""
    changed = []
    for state in states:
        now = tuple(found.get(state.logical_date, ()))
        same = [(d.path, d.checksum) for d in now] == [(d.path, d.checksum) for d in state.deliveries]
        if same and state.status is Status.SUCCEEDED and [d.token for d in now] != [d.token for d in state.deliveries]:
            changed.append(replace(state, deliveries=now))
    return changed


def _known(states: Iterable[DayState]) -> dict[str, Delivery]:
    return {d.path: d for s in states for d in s.deliveries}


def _at_most(due: list[Due], max_days: int | None) -> list[Due]:
    """All that falls on the first `max_days` days which have something to load."""
    if max_days is None:
        return due
    days = sorted({d.logical_date for d in due if d.action in ("load", "finish")})[:max_days]
    return [d for d in due if days and d.logical_date <= days[-1]]


def delivery_id(files: Iterable[Delivery]) -> str:
    """The id of a day's delivery: of one file its own, of several a hash over theirs."""
    ids = [f.delivery for f in files]
    return ids[0] if len(ids) == 1 else hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest()[:12]


def redelivered(state: DayState) -> list[tuple[str, Delivery]]:
    """The files of a day's current delivery with its id, where other deliveries of the day were loaded too.

    Content that comes back after another one was delivered is in Bronze already, as of the time when it first came.
    """
    current = delivery_id(state.deliveries) if state.deliveries else None
    if current not in state.loaded or len(state.loaded) < 2:
        return []
    return [(current, file) for file in state.deliveries]


def in_silver(states: Iterable[DayState], dataset: str) -> dict[date, DayState]:
    """The days of a dataset whose delivery is in Silver."""
    return {
        s.logical_date: s
        for s in states
        if s.dataset == dataset and s.loaded and s.status in (Status.SUCCEEDED, Status.RUNNING, Status.FAILED)
    }


def horizons(states: Iterable[DayState], contracts: Mapping[str, Contract]) -> dict[str, date]:
    """Per event dataset the latest logical date whose delivery is in Silver."""
    states = list(states)
    found = {name: in_silver(states, name) for name, c in contracts.items() if c.load_mode == "merge"}
    return {name: max(days) for name, days in found.items() if days}

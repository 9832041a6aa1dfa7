"""Gold after Silver: every table whose inputs or horizon moved, inputs first, independent tables side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pyspark.sql import SparkSession

from spark_jobs.contract import Contract
from spark_jobs.feed import Feeds
from spark_jobs.gold import Check, GoldTable, NotNull, Relationship, followed, registry
from spark_jobs.lake import Fence, Lake
from spark_jobs.log import log
from spark_jobs.publication import Outcome, Publication
from spark_jobs.settings import Settings
from spark_jobs.silver_table import schema
from spark_jobs.slices import ABSENT, Inputs, refresh, why
from state.progress import Progress, TableProgress


@dataclass(frozen=True)
class Publisher:
    """What the publication of Gold needs beside a session."""

    settings: Settings
    lake: Lake
    contracts: Mapping[str, Contract]
    progress: Progress
    horizons: Mapping[str, date]
    """Per event dataset."""

    def inputs_of(self, table: GoldTable, versions: Mapping[str, int]) -> Inputs | None:
        """What the table would be computed from; None where an input isn't there yet, or none of its events."""
        if not set(table.inputs) <= set(versions):
            return None
        roots = self.datasets_of(table) & set(self.contracts)
        dated = [self.horizons[name] for name in roots if name in self.horizons]
        if not dated:
            return None
        contracts = {name: schema_hash(self.contracts[name]) for name in table.inputs if name in self.contracts}
        return Inputs(
            versions={n: versions[n] for n in table.inputs},
            horizon=min(dated),
            zone=self.settings.business_timezone,
            contracts=contracts,
            keys={name: self.contracts[name].key for name in contracts},
            thresholds={k: v for name in sorted(roots) for k, v in self.contracts[name].thresholds.items()},
            absent={n: schema(self.contracts[n]) for n in table.inputs if versions[n] == ABSENT},
        )

    def datasets_of(self, table: GoldTable) -> set[str]:
        """The Silver datasets that a table follows from, through whatever Gold tables."""
        found: set[str] = set()
        for name in table.inputs:
            found |= self.datasets_of(registry()[name]) if name in registry() else {name}
        return found

    def versions(self) -> dict[str, int]:
        """The versions of all inputs that can be read: Silver and Gold tables, and datasets also before they came.

        A Gold table waits for the first of its events; what was never delivered only leaves rows out.
        """
        found = {name: self.lake.version("silver", name) for name in self.contracts}
        found |= {name: self.lake.version("gold", name) for name in registry()}
        absent = {name: ABSENT for name in self.contracts if name not in self.horizons}
        return absent | {name: version for name, version in found.items() if version is not None}

    def known(self, versions: Mapping[str, int]) -> dict[str, TableProgress]:
        """The tables' progress, what maintenance alone has added to an input taken for consumed."""
        asked: dict[tuple[str, int], bool] = {}
        found: dict[str, TableProgress] = {}
        for table, record in self.progress.all().items():
            consumed = dict(record.consumed)
            for name, version in record.consumed.items():
                now, layer = versions.get(name, version), "gold" if name in registry() else "silver"
                if ABSENT < version < now:
                    if (name, version) not in asked:
                        asked[name, version] = self.lake.changed(layer, name, version, now)  # type: ignore[arg-type]
                    consumed[name] = version if asked[name, version] else now
            found[table] = replace(record, consumed=consumed) if consumed != record.consumed else record
        return found

    def pending(self) -> dict[str, str]:
        """The tables that aren't up to date, with the reason. Needs no JVM."""
        versions = self.versions()
        progress = self.known(versions)
        found: dict[str, str] = {}
        for table in in_force(self.contracts).values():
            waits = [name for name in table.inputs if name in found]
            inputs = self.inputs_of(table, dict.fromkeys(waits, 0) | versions)
            if inputs is None:
                continue
            asked = why(table, inputs, progress.get(table.name), self.lake)
            if asked is not None:
                found[table.name] = f"{asked[1]} (rebuilt whole)" if asked[0] else asked[1]
            elif waits:
                found[table.name] = f"follows {', '.join(waits)}"
        return found


def in_force(contracts: Mapping[str, Contract]) -> dict[str, GoldTable]:
    """Every Gold table by name, its checks as these contracts have them: they are a part of its definition."""
    return {name: replace(table, checks=_agreed(table.checks, contracts)) for name, table in registry().items()}


def _agreed(checks: Sequence[Check], contracts: Mapping[str, Contract]) -> tuple[Check, ...]:
    """The checks that hold by these contracts: with the values that they accept, without what they leave open."""
    found: list[Check] = []
    for check in checks:
        if isinstance(check, Relationship) or not check.by:
            found.append(check)
            continue
        columns = [contracts[name].column(column) for name, column in check.by.items() if name in contracts]
        if isinstance(check, NotNull):
            found += [check] if all(c.required or c.default is not None for c in columns) else []
        elif columns and all(c.accepted for c in columns):
            values = dict.fromkeys(v for c in columns for v in (*c.accepted, c.default) if v is not None)
            found.append(replace(check, values=tuple(values)))
    return tuple(found)


def schema_hash(contract: Contract) -> str:
    """A hash of the Silver columns that Gold sees of a dataset."""
    return hashlib.sha256(repr([(c.name, c.type) for c in contract.stored]).encode()).hexdigest()[:12]


def publish_all(spark: SparkSession, publisher: Publisher, fence: Fence) -> list[Outcome]:
    """Bring every Gold table up to date. A table that fails its checks holds back only those that read it."""
    versions = publisher.versions()
    progress = publisher.known(versions)
    feeds, settings = Feeds(spark, publisher.lake, publisher.settings.driver_rows), publisher.settings
    personal = frozenset(c.name for its in publisher.contracts.values() for c in its.columns if c.is_personal)
    by = Publication(spark, publisher.lake, fence, settings.rows_per_file, settings.driver_rows, personal)
    tables = in_force(publisher.contracts)
    order = followed(tables)
    order.prepare()
    outcomes: dict[str, Outcome] = {}
    ready: list[str] = []
    running: dict[Future[tuple[Outcome, TableProgress | None]], str] = {}
    with ThreadPoolExecutor(settings.gold_threads, thread_name_prefix="gold") as pool:
        while order.is_active():
            ready = sorted([*ready, *order.get_ready()], key=lambda name: _priority(tables, name))
            while ready and len(running) < settings.gold_threads:
                name = ready.pop()
                before = [outcomes[i] for i in tables[name].follows if i in outcomes]
                held = [outcome.table for outcome in before if outcome.status in ("failed", "waiting")]
                inputs = publisher.inputs_of(tables[name], versions)
                if held or inputs is None:
                    outcomes[name] = _waiting(publisher, progress.get(name), tables[name], held)
                    order.done(name)
                    continue
                running[pool.submit(refresh, by, tables[name], inputs, progress.get(name), feeds)] = name
            if not running:
                continue
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(task)
                outcome, record = task.result()
                outcomes[name] = outcome
                if record is not None:
                    publisher.progress.put(record)
                version = publisher.lake.version("gold", name)
                if version is not None:
                    versions[name] = version
                _tell(outcome)
                order.done(name)
    return [outcomes[name] for name in tables if name in outcomes]


def _priority(tables: Mapping[str, GoldTable], name: str) -> tuple[int, bool, int]:
    """The larger comes first: the longest chain of tables that wait for it, itself counted, then what looks up keys."""
    kind = tables[name].slices.kind
    after = max((_priority(tables, other)[0] for other, table in tables.items() if name in table.follows), default=0)
    return after + (2 if kind == "whole" else 1), kind == "by_key", -list(tables).index(name)


def _waiting(publisher: Publisher, progress: TableProgress | None, table: GoldTable, held: list[str]) -> Outcome:
    if not held:
        return Outcome(table.name, "untouched", "its inputs aren't there yet")
    message = f"waits for {', '.join(held)}"
    kept = progress or TableProgress(table.name)
    fingerprint = "" if kept.status == "STALE" else kept.fingerprint  # a rebuild that was asked for stays due
    waiting = replace(kept, status="WAITING", fingerprint=fingerprint, message=message, updated_at=datetime.now(UTC))
    publisher.progress.put(waiting)
    return Outcome(table.name, "waiting", message, messages=(message,))


def _tell(outcome: Outcome) -> None:
    if outcome.status == "untouched":
        return
    tell = log.error if outcome.status == "failed" else log.info
    facts = {"because": outcome.reason, "slices": outcome.slices, "rows": outcome.rows}
    tell(f"gold.{outcome.status}", table=outcome.table, **facts, seconds=round(outcome.seconds, 1))

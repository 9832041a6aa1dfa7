"""From Bronze to Silver: judge a batch's records, set aside what fails, merge what changes, and count it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs import bronze, rejects, silver
from spark_jobs.batch import Batch, Loader
from spark_jobs.claims import disputed
from spark_jobs.errors import DataError, EngineError
from spark_jobs.lake import in_days
from spark_jobs.log import log
from spark_jobs.planning import in_silver, redelivered
from spark_jobs.rules import rule_set
from spark_jobs.silver_table import ensure
from state.ledger import Figures


def to_silver(loader: Loader, batch: Batch) -> tuple[dict[date, Figures], int | None]:
    """Bring a batch that Bronze has into exceptions and Silver; returns its figures by day and Silver's version.

    Days that are held back are added to the batch's failures; the version is None when all of them are.
    """
    contract, lake, spark, zone = batch.contract, loader.lake, loader.spark, loader.settings.business_timezone
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as beside:
        judged = silver.judge(_bronze_rows(loader, batch), contract, business_timezone=zone)
        judged = judged.localCheckpoint(eager=False)
        tallies = silver.tally(judged)
        tallies = {day: tallies.get(day, silver.Tally()) for day in batch.alive}
        claims = disputed(judged.where("size(_reasons) = 0 AND NOT _duplicate"), contract)
        held = _hold_back(loader, batch, tallies, claims)
        passing = {day: t for day, t in tallies.items() if day not in held}
        exceptions = beside.submit(_set_aside, loader, batch, judged, tallies, held)
        if not passing:
            exceptions.result()
            return _figures(tallies, {}, {}), None
        classified = _classified(loader, batch, judged, passing)
        figures = _figures(tallies, classified.counts, _absent(loader, batch, judged, passing))
        exceptions.result()  # before Silver, so that nobody sees a day in Silver without its exceptions
    for day in passing:
        if not figures[day].balanced:
            raise EngineError(f"{figures[day]} doesn't add up", where=f"{contract.dataset} {day}")
    ensure(spark, lake, contract, business_timezone=zone)
    told = {day.isoformat(): figures[day].to_json() | {"delivery": batch.deliveries[day]} for day in passing}
    silver.write(
        spark,
        lake,
        contract,
        classified,
        loader.fence,
        rows_per_file=loader.settings.rows_per_file,
        driver_rows=loader.settings.driver_rows,
        facts={"dataset": contract.dataset, "figures": told},
    )
    version = lake.version("silver", contract.dataset)
    log.info("silver.merged", dataset=contract.dataset, changed=classified.changes, version=version)
    return figures, version


def _set_aside(
    loader: Loader, batch: Batch, judged: DataFrame, tallies: Mapping[date, silver.Tally], held: set[date]
) -> None:
    """The batch's rejects and duplicates, to the exception path."""
    number = sum(t.rejected + t.duplicates for t in tallies.values())
    if not number and loader.lake.version("exception", batch.contract.dataset) is None:
        return
    rejects.write(
        loader.spark,
        loader.lake,
        batch.contract,
        judged,
        {day: batch.deliveries[day] for day in tallies},
        loader.fence,
        rule_set=rule_set(batch.contract),
        held=held,
        number=number,
        driver_rows=loader.settings.driver_rows,
    )


def _bronze_rows(loader: Loader, batch: Batch) -> DataFrame:
    """The batch's days as Bronze has them; no rows where all deliveries are empty."""
    deliveries = {day: [batch.deliveries[day]] for day in batch.alive}
    rows = bronze.read(loader.spark, loader.lake, batch.contract, deliveries)
    return bronze.redated(rows, batch.returned())


def _hold_back(
    loader: Loader, batch: Batch, tallies: Mapping[date, silver.Tally], claims: Mapping[date, DataError]
) -> set[date]:
    """The days that go no further: too many rejects, empty where that isn't allowed, or claims of one unique value."""
    contract = batch.contract
    held: set[date] = set()
    for day, found in tallies.items():
        ratio = Decimal(found.rejected) / found.read if found.read else Decimal(0)
        where = f"{contract.dataset} {day}"
        if not found.read and not contract.allow_empty:
            batch.failures[day] = DataError("the delivery is empty", where=where, hint="deliver it again with rows")
        elif ratio > contract.max_reject_ratio and not loader.accept_rejects:
            worst = sorted(found.reasons.items(), key=lambda item: -item[1])[:3]
            batch.failures[day] = DataError(
                f"{found.rejected} of {found.read} records were rejected ({ratio:.1%})",
                where=where,
                value=", ".join(f"{name}: {count}" for name, count in worst),
                allowed=f"at most {contract.max_reject_ratio:.1%} (maxRejectRatio)",
                hint=f"look at `opslake exceptions list {contract.dataset} --date {day}`; to let it pass: "
                f"`opslake run --date {day} --dataset {contract.dataset} --accept-rejects`",
            )
        elif day in claims:
            batch.failures[day] = claims[day]
        else:
            continue
        held.add(day)
    return held


def _classified(
    loader: Loader, batch: Batch, judged: DataFrame, passing: Mapping[date, silver.Tally]
) -> silver.Classified:
    contract, spark, zone = batch.contract, loader.spark, loader.settings.business_timezone
    accepted = judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))
    if len(passing) < len(batch.dues):
        accepted = accepted.where(in_days("_logical_date", passing))
    later = _later_deliveries(loader, batch, passing)
    is_whole = contract.load_mode == "replace"
    versions = None
    if later and not is_whole:
        kept = bronze.read(spark, loader.lake, contract, later)
        if contract.carried:  # which of a day's deliveries is the newest matters to them
            states = in_silver(loader.states, contract.dataset)
            kept = bronze.redated(kept, [f for day in later for f in redelivered(states[day])])
        versions = silver.newest_versions(kept, contract, accepted.select(*contract.key), business_timezone=zone)
    return silver.classify(
        spark,
        loader.lake,
        contract,
        accepted,
        number=sum(t.accepted for t in passing.values()),
        driver_rows=loader.settings.driver_rows,
        business_timezone=zone,
        later_versions=versions,
        delivered_keys=judged.select(*contract.key).dropna().distinct() if is_whole else None,
        all_stale=is_whole and not set(later) <= set(passing),
        distinct=len(passing) == 1,
    )


def _later_deliveries(loader: Loader, batch: Batch, passing: Mapping[date, silver.Tally]) -> dict[date, list[str]]:
    """What was loaded of days after the batch's first, which rule 7 asks; of a corrected day its earlier content.

    Corrected rows count from the first day on: their file may be younger than the delivery at hand. So do that day's
    other deliveries where columns are carried.
    """
    states, first = in_silver(loader.states, batch.contract.dataset), min(passing)
    found: dict[date, list[str]] = {}
    for day, state in states.items():
        if day < first:
            continue
        asked = state.loaded if day > first or batch.contract.carried else ()
        others = [d for d in asked if day not in passing or d != batch.deliveries[day]]
        found[day] = [*others, *state.replayed]
    return {day: loaded for day, loaded in found.items() if loaded}


def _absent(loader: Loader, batch: Batch, judged: DataFrame, passing: Iterable[date]) -> dict[date, int]:
    """Keys that a day's earlier delivery brought and its corrected one doesn't hold any more."""
    contract, counts = batch.contract, {}
    for day in passing:
        before = batch.before.get(day)
        earlier = [d for d in (before.loaded if before else ()) if d != batch.deliveries[day]]
        if not earlier or contract.load_mode == "replace":
            continue
        rows = bronze.read(loader.spark, loader.lake, contract, {day: earlier[-1:]})
        old = silver.judge(rows, contract, business_timezone=loader.settings.business_timezone)
        old_keys = old.where(F.size("_reasons") == 0).select(*contract.key).distinct()
        new_keys = judged.where(F.col("_logical_date") == F.lit(day)).select(*contract.key)
        counts[day] = old_keys.join(new_keys, list(contract.key), "left_anti").count()
    return counts


def _figures(
    tallies: Mapping[date, silver.Tally],
    classes: Mapping[date, Mapping[str, int]],
    absent: Mapping[date, int],
) -> dict[date, Figures]:
    return {
        day: Figures(
            read=found.read,
            duplicates=found.duplicates,
            rejected=found.rejected,
            absent=absent.get(day, 0),
            warnings=found.warnings,
            **classes.get(day, {}),
        )
        for day, found in tallies.items()
    }

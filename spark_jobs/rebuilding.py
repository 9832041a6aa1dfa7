"""Rebuilds: Silver from all that Bronze holds of loaded deliveries, Gold tables from Silver."""

from __future__ import annotations

import json
from dataclasses import replace

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze, silver
from spark_jobs.claims import refuse_disputed
from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError, nearest
from spark_jobs.gold import registry
from spark_jobs.lake import Fence, Lake
from spark_jobs.log import log
from spark_jobs.planning import in_silver, redelivered
from spark_jobs.settings import Settings
from spark_jobs.silver_table import ZONE, empty, ensure, redefined, schema
from state.ledger import Ledger
from state.progress import Progress, TableProgress

DISPUTED = "Silver stays as it was; correct one of the two in a file and replay it, or deliver the list again"


def mark_stale(progress: Progress, tables: list[str]) -> None:
    """Have the next publication build these Gold tables whole; all where none are named."""
    known = registry()
    for name in tables:
        if name not in known:
            raise UsageError("unknown Gold table", value=name, allowed=known, hint=nearest(name, known))
    there = progress.all()
    progress.put(*(replace(there.get(n, TableProgress(n)), status="STALE") for n in tables or known))


def rebuild_silver(
    spark: SparkSession, settings: Settings, lake: Lake, ledger: Ledger, fence: Fence, contract: Contract
) -> int:
    """Compute a dataset's Silver anew from Bronze, by the rules in force now; returns its rows.

    Every delivery that was ever loaded counts, superseded ones and corrected rows too, as in day-by-day processing.
    Where columns, the time zone or what values follow from differ from the table's, it is emptied first; a run that
    finds it so refuses to load.
    """
    zone = settings.business_timezone
    states = in_silver(ledger.days(), contract.dataset)
    if not states:
        raise UsageError("nothing was ever loaded", where=contract.dataset, hint="run `opslake run` first")
    deliveries = {day: state.all_deliveries for day, state in states.items()}
    if contract.load_mode == "replace":  # the last list alone counts: one that it corrected holds what is gone
        latest = states[max(states)]
        deliveries = {latest.logical_date: (*latest.loaded[-1:], *latest.replayed)}
    rows = bronze.read(spark, lake, contract, deliveries)
    rows = bronze.redated(rows, [file for state in states.values() for file in redelivered(state)])
    judged = silver.judge(rows, contract, business_timezone=zone).localCheckpoint(eager=False)
    accepted = judged.where((F.size("_reasons") == 0) & ~F.col("_duplicate"))
    classified = silver.classify(spark, lake, contract, accepted, number=0, business_timezone=zone, from_nothing=True)
    newest = silver.last_changes(classified.rows, contract)
    refuse_disputed(newest, contract, max(deliveries), hint=DISPUTED)  # the rules in force now may be stricter
    facts = {"dataset": contract.dataset, "rebuilt": True}
    if not _fits(lake, contract, zone):
        session = spark.newSession()
        fence.tell_merge(session, dataset=contract.dataset, rebuilding=True)
        empty(session, lake, contract, business_timezone=zone)
    ensure(spark, lake, contract, business_timezone=zone)
    silver.write(
        spark, lake, contract, classified, fence, rows_per_file=settings.rows_per_file, facts=facts, mode="overwrite"
    )
    number = lake.read(spark, "silver", contract.dataset).count()
    log.info("silver.rebuilt", dataset=contract.dataset, deliveries=len(states), rows=number)
    return number


def _fits(lake: Lake, contract: Contract, zone: str) -> bool:
    table = lake.look("silver", contract.dataset)
    if table is None:
        return True
    held = {f["name"]: f["type"] for f in json.loads(table.schema().to_json())["fields"]}
    wanted = {f["name"]: f["type"] for f in json.loads(schema(contract).json())["fields"]}
    same_columns = {name: held.get(name) for name in wanted} == wanted and set(held) - set(wanted) <= {"year", "month"}
    same_zone = table.metadata().configuration.get(ZONE, zone) == zone
    return same_columns and same_zone and not redefined(lake, contract)

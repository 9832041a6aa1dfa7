"""What becomes of open exceptions in a replay: resolved, resolved by a later version, or open with today's reasons."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable as RustTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import direct, rejects
from spark_jobs.contract import Contract
from spark_jobs.lake import Fence, Lake, days_sql
from spark_jobs.rules import rule_set

RECORD = ("_logical_date", "_delivery", "_source_file", "_row_number")
"""Where a record stands in Bronze; an exception has the place of the record as it was delivered."""

OF = "_exception"
"""The id of the exception that a judged record is of."""

MOVING = ("status", "resolved_by", "reject_reasons", "reject_reason", "rule_set")
WANTED = (*rejects.LIFE, "_source_file", "_row_number", "resolved_by", "reject_reason", "rule_set")


@dataclass(frozen=True)
class Fates:
    """Exceptions: resolved by their own record, by a later version of its key, and still open.

    `other_reasons` are those of the last that are refused for other reasons than before.
    """

    resolved: int = 0
    outgrown: int = 0
    still_open: int = 0
    other_reasons: int = 0


def open_exceptions(spark: SparkSession, lake: Lake, dataset: str, driver_rows: int) -> DataFrame | None:
    """The open exceptions of a dataset without their raw records; None where it never had one."""
    seen = lake.look("exception", dataset)
    if seen is None:
        return None
    if direct.rows_in(seen) > 10 * driver_rows:
        return lake.read_files(spark, "exception", dataset).where("status = 'open'").select(*WANTED)
    shape = direct.shape_of(seen)
    rows = direct.existing_columns(seen, pa.schema([shape.field(name) for name in WANTED]), "status = 'open'")
    return direct.frame_of(spark, rows)


def write(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    existing: DataFrame,
    judged: DataFrame,
    fence: Fence,
    driver_rows: int,
) -> Fates:
    """Bring open exceptions up to date in one commit, or in none where nothing changes.

    `existing` are all that are open; `judged` are the records that were judged again, each with the id of its exception
    (`OF`).
    """
    fated = _fated(existing, judged, contract, fence).localCheckpoint()
    sums = fated.agg(
        *(F.coalesce(F.sum(F.col(name).cast("int")), F.lit(0)) for name in ("_passes", "_outgrown", "_fails")),
        F.count_if(F.col("_fails") & ~F.col("reject_reasons").eqNullSafe(F.col("_old_reject_reasons"))),
    ).first()
    assert sums is not None  # an aggregate of everything is one row
    different = F.lit(False)
    for name in MOVING:
        different = different | ~F.col(name).eqNullSafe(F.col(f"_old_{name}"))
    changed = fated.where(different).select("exception_id", "_logical_date", *MOVING)
    _commit(spark, lake, contract, changed, fence, driver_rows)
    return Fates(*(int(number) for number in sums))


def _fated(existing: DataFrame, judged: DataFrame, contract: Contract, fence: Fence) -> DataFrame:
    """Every open exception as it was (`_old_…`) and as it is now; those that nothing has happened to are equal."""
    passes = F.size("_reasons") == 0
    newest = F.struct("_file_modified", "_source_file", "_row_number")
    of_own = judged.groupBy(F.col(OF).alias("exception_id")).agg(
        F.max(passes).alias("_passes"), F.max_by("_reasons", newest).alias("_reasons")
    )
    later = rejects.outgrown(existing, judged, contract).select("exception_id", F.col("resolved_by").alias("_later"))
    rows = existing.join(of_own, "exception_id", "left").join(later, "exception_id", "left")
    rows = rows.withColumn("_passes", F.coalesce("_passes", F.lit(False)))
    rows = rows.withColumn("_outgrown", ~F.col("_passes") & F.col("_later").isNotNull())
    rows = rows.withColumn("_fails", ~F.col("_passes") & ~F.col("_outgrown") & F.col("_reasons").isNotNull())
    resolver = F.when(F.col("_passes"), F.lit(f"replay/{fence.lease.run_id}")).otherwise(F.col("_later"))
    reasons = F.when(F.col("_fails"), F.col("_reasons")).otherwise(F.col("reject_reasons"))
    now = {
        "status": F.when(F.col("_passes") | F.col("_outgrown"), "resolved").otherwise(F.col("status")),
        "resolved_by": resolver,
        "reject_reasons": reasons,
        "reject_reason": F.concat_ws(", ", reasons),
        "rule_set": F.when(F.col("_fails"), F.lit(rule_set(contract))).otherwise(F.col("rule_set")),
    }
    return rows.select(
        "exception_id",
        "_logical_date",
        "_passes",
        "_outgrown",
        "_fails",
        *(column.alias(name) for name, column in now.items()),
        *(F.col(name).alias(f"_old_{name}") for name in MOVING),
    )


def _commit(
    spark: SparkSession, lake: Lake, contract: Contract, changed: DataFrame, fence: Fence, driver_rows: int
) -> None:
    """Put the changed exceptions in their place: from the driver where they are few, else by Spark."""
    seen = lake.look("exception", contract.dataset)
    days = [row[0] for row in changed.select("_logical_date").distinct().collect()]
    if seen is None or not days:
        return
    within = days_sql("_logical_date", days)
    if direct.rows_in(seen) <= 10 * driver_rows:
        rows = _replaced(seen, direct.collect(changed), within)
        facts = {"dataset": contract.dataset}
        direct.commit(lake, "exception", contract.dataset, seen, rows, fence, facts=facts, predicate=within)
        return
    session = spark.newSession()
    condition = f"t.exception_id = s.exception_id AND {days_sql('t._logical_date', days)}"
    fence.tell_merge(session, dataset=contract.dataset)
    (
        lake.delta(session, "exception", contract.dataset)
        .alias("t")
        .merge(changed.alias("s"), condition)
        .whenMatchedUpdate(set={name: f"s.{name}" for name in MOVING})
        .execute()
    )


def _replaced(seen: RustTable, changed: pa.Table, within: str) -> pa.Table:
    """The table's rows of these days with what has changed of some of them."""
    rows = direct.existing_columns(seen, direct.shape_of(seen), within)
    place = pc.index_in(rows["exception_id"], value_set=changed["exception_id"])
    for name in MOVING:
        field = rows.schema.field(name)
        values = pc.if_else(pc.is_valid(place), changed[name].cast(field.type).take(place), rows[name])
        rows = rows.set_column(rows.schema.get_field_index(name), field, values)
    return rows

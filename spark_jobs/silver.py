"""Silver: one typed row per key. Every accepted record gets its class, then one MERGE brings in what changed.

Versions of a key are ordered by (`_version_at`, `_logical_date`, `_file_modified`, `_source_file`, `_row_number`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs import carried, direct, silver_here
from spark_jobs.contract import Contract
from spark_jobs.lake import Fence, Lake, days_sql, in_days
from spark_jobs.rules import LINEAGE, PROCESSED, VERSION, validate
from spark_jobs.silver_table import schema

CHANGED = ("inserted", "updated")
BROADCAST_KEYS = 2_000_000


@dataclass
class Tally:
    """What one day's records came to before Silver was looked at."""

    read: int = 0
    rejected: int = 0
    duplicates: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Records that pass and win in their delivery."""
        return self.read - self.rejected - self.duplicates


def judge(bronze: DataFrame, contract: Contract, *, business_timezone: str) -> DataFrame:
    """Validated records with `_duplicate`: passes, but isn't the winner of its delivery."""
    rows = validate(bronze, contract, business_timezone=business_timezone)
    passes = F.size("_reasons") == 0
    rivals = Window.partitionBy(*contract.key, "_delivery", "_logical_date", passes)
    newest = rivals.orderBy(*(F.col(c).desc() for c in VERSION))
    return rows.withColumn("_duplicate", passes & (F.row_number().over(newest) > 1))


def tally(judged: DataFrame) -> dict[date, Tally]:
    """Counts per logical date, by one aggregation over the distinct combinations of reasons."""
    by_day: dict[date, Tally] = {}
    combinations = judged.groupBy("_logical_date", "_reasons", "_warnings", "_duplicate").count()
    for day, reasons, warnings, duplicate, count in combinations.collect():
        found = by_day.setdefault(day, Tally())
        found.read += count
        found.rejected += count if reasons else 0
        found.duplicates += count if duplicate else 0
        # a record with reasons is told by them: that its other figures don't fit either says nothing more
        for names, counts in ((reasons, found.reasons), (() if reasons else warnings, found.warnings)):
            for name in names:
                counts[name] = counts.get(name, 0) + count
    return by_day


@dataclass(frozen=True)
class Classified:
    """Accepted records with their class, and what the MERGE needs to know of them."""

    rows: DataFrame
    counts: Mapping[date, Mapping[str, int]]
    dates: frozenset[date]
    replaces: bool
    """Some rows change or delete what Silver holds: a MERGE; otherwise an append does."""
    changes: int
    """Rows that Silver will see."""
    distinct: bool
    """No key has more than one row."""


def classify(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    accepted: DataFrame,
    *,
    number: int,
    driver_rows: int = 0,
    business_timezone: str,
    later_versions: DataFrame | None = None,
    delivered_keys: DataFrame | None = None,
    all_stale: bool = False,
    from_nothing: bool = False,
    distinct: bool = False,
) -> Classified:
    """Give every accepted record its class of rule 6, as day-by-day processing in date order would.

    `later_versions`: per key the newest `_later_version` accepted in a delivery of a later day (rule 7), also where it
    changed nothing; of a contract with carried columns in another delivery of the first day, too. `delivered_keys`:
    the keys that a `replace` dataset still holds; Silver rows of other keys become `deleted`. `from_nothing`: as if
    Silver were empty. `distinct`: no key comes twice, as in the winners of one delivery.
    """
    whole = delivered_keys is not None
    current = None if from_nothing else _matches(spark, lake, contract, accepted, number, driver_rows, whole=whole)
    if contract.carried:
        classed = carried.classes(accepted, current, later_versions, contract, business_timezone=business_timezone)
        return _counted(classed.localCheckpoint(eager=False), contract, distinct=distinct)
    rows = _with_current(accepted, current, contract)
    if later_versions is None:
        rows = rows.withColumn("_later_version", F.lit(None).cast(dict(rows.dtypes)["_version"]))
    else:
        rows = rows.join(later_versions, list(contract.key), "left")
    classed = _classes(rows, contract, all_stale=all_stale, distinct=distinct)
    if delivered_keys is not None and current is not None and not all_stale:
        gone = current.join(delivered_keys, list(contract.key), "left_anti")
        day = accepted.agg(F.max("_logical_date")).first()
        classed = classed.unionByName(_gone(gone, contract, None if day is None else day[0]), allowMissingColumns=True)
    classed = classed.localCheckpoint(eager=False)
    return _counted(classed, contract, distinct=distinct)


def newest_versions(bronze: DataFrame, contract: Contract, keys: DataFrame, *, business_timezone: str) -> DataFrame:
    """Per key of `keys` the newest version that `bronze` holds and that passes, as `_later_version`."""
    rows = validate(bronze, contract, business_timezone=business_timezone)
    wanted = rows.where(F.size("_reasons") == 0).join(F.broadcast(keys.distinct()), list(contract.key), "left_semi")
    if contract.carried:
        return carried.newest(wanted, contract)
    return wanted.groupBy(*contract.key).agg(F.max(F.struct(*VERSION)).alias("_later_version"))


def write(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    classified: Classified,
    fence: Fence,
    *,
    rows_per_file: int,
    driver_rows: int = 0,
    facts: Mapping[str, object],
    mode: Literal["append", "overwrite"] = "append",
) -> None:
    """Bring inserted, updated and deleted rows into Silver by one commit; none where there are no such rows.

    `overwrite` puts them in the place of all that Silver holds.
    """
    if not classified.changes and mode == "append":
        return
    final = (
        last_changes(classified.rows, contract, distinct=classified.distinct)
        .withColumn("_ingested_at", F.current_timestamp())
        .withColumn("_run_id", F.lit(fence.lease.run_id))
    )
    if mode == "append" and classified.changes <= driver_rows:
        rows = direct.collect(final.select(*schema(contract).names, "_class"))
        if silver_here.write(
            lake,
            contract,
            rows,
            fence,
            dates=classified.dates,
            replaces=classified.replaces,
            rows_per_file=rows_per_file,
            driver_rows=driver_rows,
            facts=facts,
        ):
            return
    if classified.replaces:
        _merge(spark, lake, contract, final, classified.dates, fence, facts, rows_per_file)
        return
    laid_out = _laid_out(final.drop("_class"), contract, classified.changes, rows_per_file)
    (
        laid_out.write.format("delta")
        .mode(mode)
        .option("maxRecordsPerFile", rows_per_file)
        .options(**fence.append_options(**facts))
        .save(lake.path("silver", contract.dataset))
    )


def _keys_match(contract: Contract, left: str, right: str) -> str:
    return " AND ".join(f"{left}.`{k}` = {right}.`{k}`" for k in contract.key)


def _matches(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    accepted: DataFrame,
    number: int,
    driver_rows: int,
    *,
    whole: bool,
) -> DataFrame | None:
    """Silver's rows of the delivered keys; None where Silver holds none of them.

    Keys alone are looked up first: that reads two columns of the whole table and gives the dates that bound the
    reading of full rows, wherever a correction has moved them.
    """
    seen = lake.look("silver", contract.dataset)
    if seen is None:
        return None
    keys = accepted.select(*contract.key).distinct()
    if number <= driver_rows and not whole:
        rows = silver_here.held(seen, contract, direct.collect(keys))
        return direct.frame_of(spark, rows) if rows.num_rows else None
    table = lake.read(spark, "silver", contract.dataset)
    if whole or contract.event_date is None:
        return table
    keys = F.broadcast(keys) if number <= BROADCAST_KEYS else keys
    narrow = table.select(*dict.fromkeys((*contract.key, contract.event_date))).join(
        keys, list(contract.key), "left_semi"
    )
    days = [row[0] for row in narrow.select(contract.event_date).distinct().collect()]
    if not days:
        return None
    return table.where(in_days(contract.event_date, days)).join(keys, list(contract.key), "left_semi")


def _content(contract: Contract) -> Column:
    return F.struct(*(c.name for c in contract.stored))


def _with_current(accepted: DataFrame, current: DataFrame | None, contract: Contract) -> DataFrame:
    """Adds `_version`, `_content` and those of the row that Silver holds (`_old_…`, null where there is none)."""
    rows = accepted.withColumn("_version", F.struct(*VERSION)).withColumn("_content", _content(contract))
    if current is None:
        types = dict(rows.select("_version", "_content").dtypes)
        return rows.withColumn("_old_version", F.lit(None).cast(types["_version"])).withColumn(
            "_old_content", F.lit(None).cast(types["_content"])
        )
    old = current.select(
        *contract.key, F.struct(*VERSION).alias("_old_version"), _content(contract).alias("_old_content")
    )
    return rows.join(old, list(contract.key), "left")


def _classes(rows: DataFrame, contract: Contract, *, all_stale: bool, distinct: bool) -> DataFrame:
    """Adds `_class`: stale, unchanged, inserted or updated."""
    newest_before = F.greatest("_old_version", "_later_version")
    if not distinct:
        before = Window.partitionBy(*contract.key).orderBy(*PROCESSED).rowsBetween(Window.unboundedPreceding, -1)
        newest_before = F.greatest(F.max("_version").over(before), newest_before)
    stale = F.lit(all_stale) | F.coalesce(F.col("_version") < newest_before, F.lit(False))
    judged = rows.withColumn("_stale", stale)
    previous = F.col("_old_content")
    if not distinct:
        alive = Window.partitionBy(*contract.key, "_stale").orderBy(*PROCESSED)
        previous = F.coalesce(F.lag("_content").over(alive), previous)
    named = (
        F.when(F.col("_stale"), "stale")
        .when(previous.isNull(), "inserted")
        .when(previous.eqNullSafe(F.col("_content")), "unchanged")
        .otherwise("updated")
    )
    old_day = F.col(f"_old_content.{contract.event_date}") if contract.event_date else F.lit(None).cast("date")
    return judged.select(
        *(c.name for c in contract.stored),
        "_version_at",
        *LINEAGE,
        named.alias("_class"),
        old_day.alias("_old_day"),
        F.col("_old_content").isNotNull().alias("_is_known"),
    )


def _gone(gone: DataFrame, contract: Contract, day: date | None) -> DataFrame:
    return gone.select(
        *(c.name for c in contract.stored),
        "_version_at",
        *(F.lit(day).cast("date").alias(c) if c == "_logical_date" else F.col(c) for c in LINEAGE),
        F.lit("deleted").alias("_class"),
        F.lit(None).cast("date").alias("_old_day"),
        F.lit(True).alias("_is_known"),
    )


def _counted(classed: DataFrame, contract: Contract, *, distinct: bool) -> Classified:
    """Counts per day and class and the event dates touched, by one aggregation."""
    day = F.col(contract.event_date) if contract.event_date else F.lit(None).cast("date")
    groups = (
        classed.groupBy("_logical_date", "_class", "_is_known")
        .agg(F.count(F.lit(1)), F.collect_set(day), F.collect_set("_old_day"))
        .collect()
    )
    counts: dict[date, dict[str, int]] = {}
    dates: set[date] = set()
    changes, replaces = 0, False
    for logical_date, name, known, number, new_days, old_days in groups:
        by_class = counts.setdefault(logical_date, {})
        counted_as = carried.MARKED.get(name, name)
        by_class[counted_as] = by_class.get(counted_as, 0) + number
        if name in (*carried.WRITTEN, "deleted"):
            dates.update(new_days, old_days)
            changes += number
            replaces = replaces or known
    return Classified(classed, counts, frozenset(dates), replaces, changes, distinct)


def last_changes(classed: DataFrame, contract: Contract, *, distinct: bool = False) -> DataFrame:
    """One row per changed key: its last change in the order of processing."""
    if contract.carried:
        return carried.final(classed, contract)
    changed = classed.where(F.col("_class").isin(*CHANGED, "deleted"))
    if not distinct:
        last = Window.partitionBy(*contract.key).orderBy(*(F.col(name).desc() for name in PROCESSED))
        changed = changed.withColumn("_rank", F.row_number().over(last)).where("_rank = 1").drop("_rank")
    return changed.drop("_old_day", "_is_known")


def _laid_out(rows: DataFrame, contract: Contract, number: int, rows_per_file: int) -> DataFrame:
    """Few files, each of a short stretch of event dates; a day of many rows is split by key."""
    if number <= rows_per_file or contract.event_date is None:
        return rows.coalesce(1)
    parts = max(2, min(200, number // (rows_per_file * 8)))
    ranges = dict.fromkeys((contract.event_date, *contract.key))
    return rows.repartitionByRange(parts, *ranges).sortWithinPartitions(contract.event_date)


def _merge(
    spark: SparkSession,
    lake: Lake,
    contract: Contract,
    final: DataFrame,
    dates: Collection[date],
    fence: Fence,
    facts: Mapping[str, object],
    rows_per_file: int,
) -> None:
    """One MERGE with literal bounds: only files that can hold the touched dates are looked into."""
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxRecordsPerFile", rows_per_file)
    target = lake.delta(session, "silver", contract.dataset)
    condition = _keys_match(contract, "t", "s")
    if contract.event_date:
        condition += f" AND {days_sql(f't.`{contract.event_date}`', dates)}"
    names = schema(contract).names
    fence.tell_merge(session, **facts)
    (
        target.alias("t")
        .merge(final.alias("s"), condition)
        .whenMatchedDelete("s._class = 'deleted'")
        .whenMatchedUpdate(set={f"`{n}`": f"s.`{n}`" for n in names})
        .whenNotMatchedInsert(values={f"`{n}`": f"s.`{n}`" for n in names})
        .execute()
    )

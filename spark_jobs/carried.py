"""Carried columns: a value that versions of a key hand on, whatever the order in which they arrive.

Every accepted version makes a claim. One that gives the value beats those that don't; among those that give it the
newest version's holds, among the others the one of the earliest logical date. The larger of two claims is the same
whichever came first, so Silver's row is the newest version with the value of the largest claim over all versions seen.

Of that claim Silver keeps its kind alone (`since_column`). That is enough: a late delivery is classified beside
Bronze's deliveries of its own and later days, so whatever Silver's claim could be confused with is there in full, and
what isn't there is older than all that comes.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contract import Column as ContractColumn
from spark_jobs.contract import Contract, followers, given_column, since_column
from spark_jobs.rules import LINEAGE, PROCESSED, VERSION, context

MARKED = {"marked_stale": "stale", "marked_unchanged": "unchanged"}
"""Classes of records that change only what Silver keeps beside a carried column, and what they count as."""
WRITTEN = ("inserted", "updated", *MARKED)


def newest(accepted: DataFrame, contract: Contract) -> DataFrame:
    """Per key `_later_version` and, per carried column, the largest claim; a delivery speaks by its winner."""
    version = F.struct(*VERSION)
    claims = [_claim(c).alias(_claimed(c)) for c in contract.carried]
    winners = (
        accepted.select(*contract.key, "_delivery", "_logical_date", version.alias("_version"), *claims)
        .groupBy(*contract.key, "_delivery", "_logical_date")
        .agg(F.max("_version").alias("_version"), *(_of_newest(c) for c in contract.carried))
    )
    largest = [F.max(_claimed(c)).alias(f"_later{_claimed(c)}") for c in contract.carried]
    return winners.groupBy(*contract.key).agg(F.max("_version").alias("_later_version"), *largest)


def classes(
    accepted: DataFrame,
    current: DataFrame | None,
    later: DataFrame | None,
    contract: Contract,
    *,
    business_timezone: str,
) -> DataFrame:
    """The accepted records with their `_class` and `_silver`, the row that Silver has after each of them.

    `current`: Silver's rows of their keys. `later`: what `newest` gives of later deliveries. A stale record whose
    claim changes Silver's row is `updated`: the row is the newest version's still, with that version's lineage.
    """
    rows = _with_later(_with_current(accepted, current, contract), later, contract)
    in_order = Window.partitionBy(*contract.key).orderBy(*PROCESSED)
    before, upto = (in_order.rowsBetween(Window.unboundedPreceding, last) for last in (-1, 0))
    newest_before = F.greatest(F.max("_version").over(before), "_old._version", "_later_version")
    rows = rows.withColumn("_stale", F.coalesce(F.col("_version") < newest_before, F.lit(False)))
    base = F.coalesce(F.last(F.when(~F.col("_stale"), F.col("_row")), ignorenulls=True).over(upto), "_old._row", "_row")
    claims = [
        F.greatest(F.max(_claimed(c)).over(upto), _held(c, rows), f"_later{_claimed(c)}").alias(_claimed(c))
        for c in contract.carried
    ]
    places = [F.col(name).alias(f"_record{name}") for name in PROCESSED]
    states = rows.select(base.alias("_base"), *claims, *places, "_stale", "_old")
    return _named(_recomputed(states, contract, business_timezone), contract)


def final(classed: DataFrame, contract: Contract) -> DataFrame:
    """One row per key that changes: what Silver has after the last record that changed it."""
    last = Window.partitionBy(*contract.key).orderBy(*(F.col(name).desc() for name in PROCESSED))
    changed = classed.where(F.col("_class").isin(*WRITTEN))
    return changed.withColumn("_rank", F.row_number().over(last)).where("_rank = 1").select("_silver.*", "_class")


def _claimed(column: ContractColumn) -> str:
    return f"_claim_{column.name}"


def _claim(column: ContractColumn) -> Column:
    """A version's claim; null where it has no value at all. Structs compare field by field."""
    given = F.col(given_column(column.name))
    return _claim_of(F.col(column.name), given, F.struct(*VERSION), F.col("_logical_date"))


def _claim_of(value: Column, given: Column, version: Column, day: Column) -> Column:
    claim = F.struct(
        given.alias("given"),
        F.when(given, version).alias("version"),
        F.when(~given, -F.unix_date(day)).alias("earliness"),
        value.alias("value"),
        F.when(~given, day).alias("since"),
    )
    return F.when(value.isNotNull(), claim)


def _of_newest(column: ContractColumn) -> Column:
    return F.max_by(_claimed(column), "_version").alias(_claimed(column))


def _held(column: ContractColumn, rows: DataFrame) -> Column:
    """Silver's claim. One that was given is older than any other that is given: see the module."""
    since = F.col(f"_old._since.{since_column(column.name)}")
    no_version = F.lit(None).cast(dict(rows.dtypes)["_version"])
    return _claim_of(F.col(f"_old._row.{column.name}"), since.isNull(), no_version, since)


def _kept(contract: Contract) -> Column:
    return F.struct(*(c.name for c in contract.stored), "_version_at", *LINEAGE)


def _since(contract: Contract) -> Column:
    return F.struct(*(since_column(c.name) for c in contract.carried))


def _content(contract: Contract) -> Column:
    return F.struct(*(c.name for c in contract.stored))


def _with_current(accepted: DataFrame, current: DataFrame | None, contract: Contract) -> DataFrame:
    """Adds `_version`, `_row`, the claims, and what Silver holds (`_old`, null where there is nothing)."""
    claims = {_claimed(c): _claim(c) for c in contract.carried}
    rows = accepted.withColumns({"_version": F.struct(*VERSION), "_row": _kept(contract), **claims})
    if current is None:
        types, days = dict(rows.dtypes), ", ".join(f"{since_column(c.name)}: date" for c in contract.carried)
        kinds = f"_row: {types['_row']}, _version: {types['_version']}, _since: struct<{days}>"
        return rows.withColumn("_old", F.lit(None).cast(f"struct<{kinds}>"))
    held = F.struct(
        _kept(contract).alias("_row"), F.struct(*VERSION).alias("_version"), _since(contract).alias("_since")
    )
    return rows.join(current.select(*contract.key, held.alias("_old")), list(contract.key), "left")


def _with_later(rows: DataFrame, later: DataFrame | None, contract: Contract) -> DataFrame:
    if later is not None:
        return rows.join(later, list(contract.key), "left")
    types = dict(rows.dtypes)
    missing = {f"_later{_claimed(c)}": F.lit(None).cast(types[_claimed(c)]) for c in contract.carried}
    return rows.withColumns({"_later_version": F.lit(None).cast(types["_version"]), **missing})


def _recomputed(states: DataFrame, contract: Contract, business_timezone: str) -> DataFrame:
    """Silver's columns after each record: the row's own, with the carried values and what follows from them."""
    rest = [name for name in states.columns if name != "_base"]
    frame = states.select("_base.*", *rest)
    frame = frame.withColumns(
        {c.name: F.col(f"{_claimed(c)}.value") for c in contract.carried}
        | {since_column(c.name): F.col(f"{_claimed(c)}.since") for c in contract.carried}
    )
    frame = frame.select("*", *context(contract, business_timezone))
    for column in followers(contract):
        frame = frame.withColumn(column.name, F.expr(str(column.transform)).cast(column.type))
    return frame


def _named(frame: DataFrame, contract: Contract) -> DataFrame:
    """The records with their class: what each changes against the row before it."""
    place = [f"_record{name}" for name in PROCESSED]
    frame = frame.withColumn("_state", F.struct(_content(contract).alias("content"), _since(contract).alias("since")))
    old = F.struct(
        F.struct(*(F.col(f"_old._row.{c.name}").alias(c.name) for c in contract.stored)).alias("content"),
        F.col("_old._since").alias("since"),
    )
    previous = F.lag("_state").over(Window.partitionBy(*contract.key).orderBy(*place))
    frame = frame.withColumn("_previous", F.coalesce(previous, F.when(F.col("_old").isNotNull(), old)))
    stale, same = F.col("_stale"), F.col("_previous.content").eqNullSafe(F.col("_state.content"))
    marked = ~F.col("_previous.since").eqNullSafe(F.col("_state.since"))
    name = (
        F.when(F.col("_previous").isNull(), F.when(stale, "stale").otherwise("inserted"))
        .when(~same, "updated")
        .otherwise(F.concat(F.when(marked, "marked_").otherwise(""), F.when(stale, "stale").otherwise("unchanged")))
    )
    day = contract.event_date
    silver = F.struct(
        *(c.name for c in contract.stored),
        "_version_at",
        *LINEAGE,
        *(since_column(c.name) for c in contract.carried),
    )
    return frame.select(
        *contract.key,
        *([day] if day and day not in contract.key else []),
        *(F.col(f"_record{column}").alias(column) for column in PROCESSED),
        name.alias("_class"),
        (F.col(f"_old._row.{day}") if day else F.lit(None).cast("date")).alias("_old_day"),
        F.col("_old").isNotNull().alias("_is_known"),
        silver.alias("_silver"),
    )

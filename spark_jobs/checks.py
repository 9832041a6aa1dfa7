"""What the rows of a slice must satisfy before they are published, and which slices differ from what is there.

Both are answered by one aggregation: first per grain, then per slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import Accepted, GoldTable, NotNull, Relationship


@dataclass(frozen=True)
class Verdict:
    """What a comparison found: slices to replace, rows of the new ones, and what is wrong with them."""

    differing: tuple[object, ...]
    rows: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def compare(table: GoldTable, new: DataFrame, old: DataFrame | None, *, slice_column: str | None) -> Verdict:
    """Check `new` and name the slices in which it isn't equal to `old`; without a slice column there is one, None.

    A slice column outside the grain is taken to follow from it.
    """
    per_grain = _per_grain(table, new, old, slice_column)
    key = [F.col(slice_column)] if slice_column else [F.lit(None).alias("slice")]
    checks = table.row_checks
    counted = per_grain.groupBy(*key).agg(
        F.max(F.col("differs").cast("int")),
        F.sum("new_rows"),
        F.max("new_rows"),
        F.sum(F.when(F.col("null_grain"), F.col("new_rows"))),
        *(F.sum(f"broken_{i}") for i in range(len(checks))),
    )
    rows = counted.collect()
    errors, warnings = _findings(table, rows)
    differing = tuple(row[0] for row in rows if row[1])
    return Verdict(differing, sum(row[2] or 0 for row in rows), errors, warnings)


def orphans(new: DataFrame, check: Relationship, referenced: DataFrame | None) -> int:
    """How many rows of `new` name something that `referenced` (none: nothing) doesn't hold; null names nothing."""
    named = new.where(F.col(check.column).isNotNull())
    if referenced is None:
        return named.count()
    values = referenced.select(F.col(check.to).alias(check.column)).distinct()
    return named.join(values, check.column, "left_anti").count()


def _per_grain(table: GoldTable, new: DataFrame, old: DataFrame | None, slice_column: str | None) -> DataFrame:
    columns = new.columns
    grain = list(dict.fromkeys([*table.grain, *([slice_column] if slice_column else [])]))
    checks = table.row_checks
    rows = new.withColumn("_weight", F.lit(1))
    if old is not None:
        rows = rows.unionByName(old.select(*columns).withColumn("_weight", F.lit(-1)))
    content = F.xxhash64(*columns).cast("decimal(20,0)")
    is_new = F.col("_weight") == 1
    return (
        rows.select(*grain, "_weight", content.alias("_content"), *_broken(checks, is_new))
        .groupBy(*grain)
        .agg(
            ((F.sum("_weight") != 0) | (F.sum(F.col("_content") * F.col("_weight")) != 0)).alias("differs"),
            F.sum(is_new.cast("long")).alias("new_rows"),
            *(F.sum(f"broken_{i}").alias(f"broken_{i}") for i in range(len(checks))),
        )
        .withColumn("null_grain", _any_null([g for g in table.grain if g not in table.nullable]))
    )


def _broken(checks: Sequence[Accepted | NotNull], is_new: Column) -> list[Column]:
    return [(is_new & _breaks(check)).cast("long").alias(f"broken_{i}") for i, check in enumerate(checks)]


def _breaks(check: Accepted | NotNull) -> Column:
    column = F.col(check.column)
    return column.isNull() if isinstance(check, NotNull) else ~column.isin(*check.values)


def _any_null(columns: Sequence[str]) -> Column:
    return reduce(Column.__or__, (F.col(c).isNull() for c in columns))


def _findings(table: GoldTable, rows: Sequence[Sequence[object]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    grain = ", ".join(table.grain)
    errors: list[str] = []
    warnings: list[str] = []
    repeated = [str(row[0]) for row in rows if int(str(row[3] or 0)) > 1]
    if repeated:
        errors.append(f"{table.name}: more than one row per ({grain}) in slice {', '.join(repeated[:5])}")
    nulls = sum(int(str(row[4] or 0)) for row in rows)
    if nulls:
        errors.append(f"{table.name}: {nulls} rows with a null in ({grain})")
    for i, check in enumerate(table.row_checks):
        wrong = sum(int(str(row[5 + i] or 0)) for row in rows)
        if wrong:
            text = f"{table.name}: {wrong} rows whose {check.column} {check.broken}"
            (errors if check.severity == "error" else warnings).append(text)
    return tuple(errors), tuple(warnings)

"""Values that only one row of a list may claim: the columns that a contract calls `unique`."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contract import Contract
from spark_jobs.errors import DataError

DELIVERED = "nothing of the delivery is in Silver; correct it and deliver the day again"


def unique_columns(contract: Contract) -> list[str]:
    """The columns of which no two rows may have one value."""
    return [c.name for c in contract.stored if c.unique]


def disputed(claiming: DataFrame, contract: Contract, *, hint: str = DELIVERED) -> dict[date, DataError]:
    """Per logical date on which two of these rows claim one value of a unique column, the first such claim.

    `claiming` has the rows that pass and that no other of their key replaces, by the `_logical_date` of their list.
    Null claims nothing, and rows of one key don't dispute with each other.
    """
    columns = unique_columns(contract)
    if not columns:
        return {}
    claims = [f"struct({place} AS place, CAST(`{name}` AS STRING) AS value)" for place, name in enumerate(columns)]
    key = "concat_ws(', ', " + ", ".join(f"concat('{name} ', `{name}`)" for name in contract.key) + ")"
    claimed = (
        claiming.selectExpr("_logical_date", f"{key} AS owner", f"inline(array({', '.join(claims)}))")
        .where("value IS NOT NULL")
        .groupBy("_logical_date", "place", "value")
        .agg(F.expr("min(owner) AS one"), F.expr("max(owner) AS other"))
        .where("one < other")
        .groupBy("_logical_date")
        .agg(F.expr("count(*) AS number"), F.expr("min(struct(place, value, one, other)) AS first"))
    )
    return {
        day: _error(contract, day, columns[first.place], first.value, (first.one, first.other), number, hint)
        for day, number, first in claimed.collect()
    }


def refuse_disputed(claiming: DataFrame, contract: Contract, day: date, *, hint: str) -> None:
    """Raise where two rows of the list that holds since `day` claim one value, whenever each of them came."""
    for claim in disputed(claiming.withColumn("_logical_date", F.lit(day)), contract, hint=hint).values():
        raise claim


def _error(
    contract: Contract, day: date, column: str, value: str, owners: tuple[str, str], number: int, hint: str
) -> DataError:
    more = f" (and {number - 1} more such values)" if number > 1 else ""
    return DataError(
        f"{owners[0]} and {owners[1]} claim the same {column}{more}",
        where=f"{contract.dataset} {day}",
        value=None if contract.column(column).is_personal else value,
        allowed=f"one row per {column} (unique)",
        hint=hint,
    )

"""Values that only one row of a list may claim: the columns that a contract calls `unique`."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contract import Contract
from spark_jobs.errors import DataError


def disputed(judged: DataFrame, contract: Contract) -> dict[date, DataError]:
    """Per logical date on which two rows that pass claim one value of a unique column, the first such claim.

    Rows that a later one of the same key replaces in their delivery claim nothing; nor does null.
    """
    columns = [c.name for c in contract.stored if c.unique]
    if not columns:
        return {}
    claims = [f"struct({place} AS place, CAST(`{name}` AS STRING) AS value)" for place, name in enumerate(columns)]
    key = "concat_ws(', ', " + ", ".join(f"concat('{name} ', `{name}`)" for name in contract.key) + ")"
    claimed = (
        judged.where("size(_reasons) = 0 AND NOT _duplicate")
        .selectExpr("_logical_date", f"{key} AS owner", f"inline(array({', '.join(claims)}))")
        .where("value IS NOT NULL")
        .groupBy("_logical_date", "place", "value")
        .agg(F.expr("count(*) AS rows"), F.expr("min(owner) AS one"), F.expr("max(owner) AS other"))
        .where("rows > 1")
        .groupBy("_logical_date")
        .agg(F.expr("count(*) AS number"), F.expr("min(struct(place, value, one, other)) AS first"))
    )
    return {
        day: _error(contract, day, columns[first.place], first.value, (first.one, first.other), number)
        for day, number, first in claimed.collect()
    }


def _error(contract: Contract, day: date, column: str, value: str, owners: tuple[str, str], number: int) -> DataError:
    more = f" (and {number - 1} more such values)" if number > 1 else ""
    return DataError(
        f"{owners[0]} and {owners[1]} claim the same {column}{more}",
        where=f"{contract.dataset} {day}",
        value=None if contract.column(column).is_personal else value,
        allowed=f"one row per {column} (unique)",
        hint="nothing of the delivery is in Silver; correct it and deliver the day again",
    )

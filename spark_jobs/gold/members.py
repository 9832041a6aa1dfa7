"""Members of a dimension: what its reference lists, and every id that a fact names without it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold.measures import UNASSIGNED


def with_inferred(listed: DataFrame, named: Sequence[DataFrame]) -> DataFrame:
    """One row per id, in the columns of `listed` and `is_inferred`: true for an id that only `named` has.

    The first column is the id; `listed` has each id once. `named` are frames of one column each; null names nothing.
    """
    key, *attributes = listed.columns
    kinds = dict(listed.dtypes)
    unknown = [f"CAST(NULL AS {kinds[name]}) AS `{name}`" for name in attributes]
    inferred = [frame.toDF(key).selectExpr(key, *unknown, "true AS is_inferred") for frame in named]
    stacked = reduce(DataFrame.unionAll, [listed.selectExpr("*", "false AS is_inferred"), *inferred])
    known = [F.max(name).alias(name) for name in attributes]
    return stacked.where(f"{key} IS NOT NULL").groupBy(key).agg(*known, F.expr("bool_and(is_inferred) AS is_inferred"))


def and_unassigned(listed: DataFrame) -> DataFrame:
    """The agents with the unassigned one; the first two columns are id and name."""
    key, name, *attributes = listed.columns
    kinds = dict(listed.dtypes)
    unassigned = listed.sparkSession.range(1).selectExpr(
        f"'{UNASSIGNED}' AS {key}",
        f"'Unassigned' AS {name}",
        *(f"CAST(NULL AS {kinds[other]}) AS `{other}`" for other in attributes),
    )
    return listed.where(f"{key} <> '{UNASSIGNED}'").unionAll(unassigned)

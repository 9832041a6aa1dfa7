"""A contract's SQL as Spark sees it: every expression parsed, every name and function in it resolved."""

from __future__ import annotations

from pyspark.sql import SparkSession

from spark_jobs.contract import Contract, Finding, Mark, expressions
from spark_jobs.rules import validate
from spark_jobs.sources import schema


def sql_findings(spark: SparkSession, contract: Contract) -> list[Finding]:
    """What Spark refuses: expressions that can't be parsed, else the first that can't be resolved. No row is read."""
    parser = spark._jsparkSession.sessionState().sqlParser()
    found: list[Finding] = []
    for place, sql in expressions(contract):
        key = place.removeprefix(f"{contract.origin} ")
        try:
            if key.endswith(".pattern"):
                spark.range(1).selectExpr(sql).collect()  # a pattern is compiled when it is evaluated
            else:
                parser.parseExpression(sql)
        except Exception as error:
            found.append(Finding(Mark(contract.origin), key, f"Spark refuses it: {_first_line(error)}", sql))
    return found or _unresolved(spark, contract)


def _unresolved(spark: SparkSession, contract: Contract) -> list[Finding]:
    try:
        empty = spark.createDataFrame([], schema(contract.source_names))
        _ = validate(empty, contract, business_timezone="UTC").schema
    except Exception as error:
        return [Finding(Mark(contract.origin), "", f"Spark can't resolve it: {_first_line(error)}")]
    return []


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__

"""From a contract to columns: typed values, and every reason for which a row is refused.

`validate` works in stages of one projection each (clean, transform, type, derive, judge), so that Spark evaluates
each expression once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Literal

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.contract import Column, Contract, given_column
from spark_jobs.contract.patterns import iso_form, outline

BLANKS = " \t\r\n\f\v\u00a0\u2007\u202f\ufeff"
ISO8601 = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s*(Z|z|[+-]\d{2}(:?\d{2})?)?)?$"
INTEGRAL = {"int", "integer", "bigint", "long", "smallint"}
WHOLE_NUMBER = r"^[+-]?\d{1,18}(\.0+)?$"
OFFSET = r":.*(Z|z|[+-]\d{2}(:?\d{2})?)$"

LINEAGE = ("_source_file", "_file_modified", "_row_number", "_delivery", "_logical_date", "_load_time")
VERSION = ("_version_at", "_logical_date", "_file_modified", "_source_file", "_row_number")
PROCESSED = ("_logical_date", "_file_modified", "_delivery")
"""What deliveries are processed in the order of."""
MALFORMED = "_corrupt_record"

Finding = tuple[str, SparkColumn]
"""A reason or a warning by its name, and the test that is true where it applies."""


def validate(bronze: DataFrame, contract: Contract, *, business_timezone: str) -> DataFrame:
    """Type and judge every delivered record; grain and number of rows are those of `bronze`.

    Adds to the contract's stored columns: `_version_at`, `_reasons` and `_warnings` (arrays of text, empty when
    there are none), `_record` (as delivered, see `delivered_text`) and the lineage columns.
    """
    raw_names = [name for name in bronze.columns if not name.startswith("_")]
    frame = _cleaned(bronze, contract, raw_names)
    frame = _transformed(frame, contract)
    frame = _typed(frame, contract, business_timezone)
    frame = _derived(frame, contract)
    return _judged(frame, contract)


def _cleaned(bronze: DataFrame, contract: Contract, raw_names: list[str]) -> DataFrame:
    """Text without blanks around it, null tokens as nulls; a column that Bronze lacks is looked for in `_extra`."""
    extra = ["_extra"] if "_extra" in bronze.columns else []
    record = F.struct(*raw_names, *extra, MALFORMED).alias("_record")
    texts = [
        _clean(_source_text(bronze, name), contract.null_tokens).alias(f"text_{name}") for name in contract.source_names
    ]
    return bronze.select(*texts, record, F.col(MALFORMED).isNotNull().alias("_malformed"), *LINEAGE)


def delivered_text(judged: DataFrame) -> SparkColumn:
    """Each record of what `validate` gives as it was delivered: JSON, or the text of a malformed one."""
    record = judged.schema["_record"].dataType
    assert isinstance(record, StructType)
    columns = [F.col("_record")[name].alias(name) for name in record.names if name != MALFORMED]
    malformed = F.col("_record")[MALFORMED]
    as_json = F.to_json(F.struct(*columns), {"ignoreNullFields": "false"})
    return F.when(malformed.isNull(), as_json).otherwise(malformed)


def _source_text(bronze: DataFrame, name: str) -> SparkColumn:
    extra = F.col("_extra")[name] if "_extra" in bronze.columns else F.lit(None).cast("string")
    return F.coalesce(F.col(name), extra) if name in bronze.columns else extra


def _clean(text: SparkColumn, null_tokens: tuple[str, ...]) -> SparkColumn:
    trimmed = F.btrim(text, F.lit(BLANKS))
    tokens = sorted({"", *(token.strip().lower() for token in null_tokens)})
    is_longer = F.length(trimmed) > max(map(len, tokens))
    return F.when(is_longer | ~F.lower(trimmed).isin(tokens), trimmed)


def _transformed(frame: DataFrame, contract: Contract) -> DataFrame:
    """One text (or already typed) value per delivered column, by its transform over the sources."""
    delivered = [c for c in contract.columns if not c.derived]
    names = {name: F.col(f"text_{name}").alias(name) for name in contract.source_names}
    sources = frame.select(
        F.struct(*names.values()).alias("_sources") if names else F.lit(None).alias("_sources"),
        *(c for c in frame.columns if not c.startswith("text_")),
    )
    if all(c.transform is None for c in delivered):
        values = [F.col(f"_sources.{c.sources[0]}").alias(f"in_{c.name}") for c in delivered]
        return sources.select("*", *values).drop("_sources")
    kept = [c for c in sources.columns if c != "_sources"]
    flat = sources.select(*kept, "_sources.*") if names else sources.select(*kept)
    values = [
        (F.col(c.sources[0]) if c.transform is None else F.expr(c.transform)).alias(f"in_{c.name}") for c in delivered
    ]
    return flat.select(*kept, *values)


def _typed(frame: DataFrame, contract: Contract, business_timezone: str) -> DataFrame:
    """Adds each delivered column in its Silver type (null where it can't be read) and the context of row rules."""
    types = dict(frame.dtypes)
    values = [
        _parse(F.col(f"in_{c.name}"), c, contract.zone, is_text=types[f"in_{c.name}"] in ("string", "void")).alias(
            c.name
        )
        for c in contract.columns
        if not c.derived
    ]
    return frame.select("*", *values, *context(contract, business_timezone))


def context(contract: Contract, business_timezone: str) -> list[SparkColumn]:
    """What expressions over a row see beside its columns; the row has its `_logical_date`."""
    day_end = F.to_utc_timestamp(F.date_add("_logical_date", 1).cast("timestamp"), business_timezone)
    return [
        F.col("_logical_date").alias("logical_date"),
        day_end.alias("logical_date_end"),
        F.lit(business_timezone).alias("business_timezone"),
        F.lit(contract.zone).alias("contract_zone"),
        F.lit(contract.earliest_date).alias("earliest_date"),
        *(F.lit(limit).alias(name) for name, limit in contract.thresholds.items()),
        *_accepted_values(contract),
    ]


def _accepted_values(contract: Contract) -> list[SparkColumn]:
    """`values_of_<column>`, the accepted values in the contract's order, for the expressions that name them."""
    sql = " ".join(
        [*(str(c.transform) for c in contract.columns if c.derived), *(r.expression for r in contract.rules)]
    )
    named = {f"values_of_{c.name}": c.accepted for c in contract.columns if c.accepted}
    return [F.array(*map(F.lit, values)).alias(name) for name, values in named.items() if name in sql]


def _parse(value: SparkColumn, column: Column, zone: str, *, is_text: bool) -> SparkColumn:
    """`value` in the column's type: null where it can't be read or isn't in the list of accepted values."""
    if not is_text:
        return value.cast(column.type)
    if column.accepted:
        spelling = F.create_map(*(F.lit(v) for word in column.accepted for v in (word.lower(), word)))
        return spelling[F.lower(value)]
    if column.type == "timestamp":
        return _instant(value, column.formats or ("ISO8601",), zone)
    if column.type == "date":
        return F.coalesce(*(_read(value, f, "date") for f in column.formats or ("yyyy-MM-dd",)))
    if column.type in INTEGRAL:
        return F.when(value.rlike(WHOLE_NUMBER), F.regexp_replace(value, r"\.0+$", "")).cast(column.type)
    if column.type.startswith(("decimal", "double", "float")):
        return F.when(~F.lower(value).rlike("nan|inf|[df]$"), value).cast(column.type)
    return value.cast(column.type)


def _read(value: SparkColumn, pattern: str, kind: Literal["date", "timestamp"]) -> SparkColumn:
    """The text as the pattern reads it. Only what may fit is tried: each that doesn't costs Spark an exception.

    ISO dates must have their width: Spark would read `2024-1` and years of five digits. They are cast, which takes a
    third of a pattern's time.
    """
    exact = iso_form(pattern)
    if exact is not None:
        return F.when(value.rlike(exact), value).cast(kind)
    fitting = F.when(value.rlike(outline(pattern)), value)
    return F.to_date(fitting, pattern) if kind == "date" else F.to_timestamp(fitting, pattern)


def _instant(value: SparkColumn, formats: tuple[str, ...], zone: str) -> SparkColumn:
    """The UTC instant of a text by the first format that reads it; without an offset it is wall time in `zone`."""
    readings = []
    for pattern in formats:
        if pattern == "ISO8601":
            read = F.replace(value, F.lit(","), F.lit(".")).cast("timestamp")
            if zone != "UTC":
                read = F.when(value.rlike(OFFSET), read).otherwise(_to_utc(read, zone))
            readings.append(F.when(value.rlike(ISO8601), read))
        elif any(letter in pattern for letter in "XxZVzO"):
            readings.append(_read(value, pattern, "timestamp"))
        else:
            readings.append(_to_utc(_read(value, pattern, "timestamp"), zone))
    return F.coalesce(*readings)


def _to_utc(wall: SparkColumn, zone: str) -> SparkColumn:
    return wall if zone == "UTC" else F.to_utc_timestamp(wall, zone)


def _derived(frame: DataFrame, contract: Contract) -> DataFrame:
    """Adds the columns that are computed from typed ones, in the contract's order, and each row's version.

    Of a carried column also whether this version gives it (`given_column`); where it doesn't, its fallback stands in.
    """
    for column in sorted(contract.columns, key=lambda c: c.derived):  # what is delivered first, else as they stand
        if column.derived:
            frame = frame.withColumn(column.name, F.expr(str(column.transform)).cast(column.type))
        if column.carried:
            frame = frame.withColumn(given_column(column.name), F.col(column.name).isNotNull())
        if column.fallback is not None:
            stand_in = F.expr(column.fallback).cast(column.type)
            frame = frame.withColumn(column.name, F.coalesce(column.name, stand_in))
    at = F.coalesce(contract.ordering, "logical_date_end") if contract.ordering else F.col("logical_date_end")
    return frame.withColumn("_version_at", at)


def _judged(frame: DataFrame, contract: Contract) -> DataFrame:
    """Adds `_reasons` and `_warnings`, fills defaults, and keeps what Silver, exceptions and lineage need."""
    reasons: list[Finding] = []
    warnings = _clock_warnings(contract)
    for column in contract.columns:
        (reasons if column.on_invalid == "reject" else warnings).extend(_column_findings(column))
    if contract.ordering:
        late = F.col(contract.ordering) > F.col("logical_date_end") + F.expr("INTERVAL 1 DAY")
        reasons.append(("version_in_future", late))
    for rule in contract.rules:
        found = (rule.name, ~F.expr(rule.expression).cast("boolean"))
        (reasons if rule.severity == "error" else warnings).append(found)
    order = {name: place for place, name in enumerate(contract.reasons)}
    reasons.sort(key=lambda finding: order.get(finding[0], len(order)))
    malformed = F.col("_malformed")
    judged_reasons = F.when(malformed, F.array(F.lit("malformed_record"))).otherwise(_present(reasons))
    judged_warnings = F.when(malformed, _present([])).otherwise(_present(warnings))
    stored = [
        (F.coalesce(c.name, F.lit(c.default).cast(c.type)) if c.default is not None else F.col(c.name)).alias(c.name)
        for c in contract.stored
    ]
    return frame.select(
        *stored,
        *(given_column(c.name) for c in contract.carried),
        "_version_at",
        judged_reasons.alias("_reasons"),
        judged_warnings.alias("_warnings"),
        "_record",
        *LINEAGE,
    )


def _present(findings: list[Finding]) -> SparkColumn:
    """The distinct names of the findings that apply, in order; a list is only made where one does."""
    none = F.array().cast("array<string>")
    if not findings:
        return none
    names = F.array_distinct(F.array_compact(F.array(*(F.when(test, F.lit(name)) for name, test in findings))))
    return F.when(reduce(or_, (test for _, test in findings)), names).otherwise(none)


def _column_findings(column: Column) -> list[Finding]:
    """What can be wrong by the column's own declaration: presence, readability or list, pattern and range."""
    if column.derived:
        return [(column.missing_reason, F.col(column.name).isNull())] if column.required else []
    text, value = F.col(f"in_{column.name}"), F.col(column.name)
    found: list[Finding] = []
    if column.required:
        found.append((column.missing_reason, text.isNull()))
    if column.accepted:
        return [*found, (column.unknown_reason, text.isNotNull() & value.isNull())]
    wrong = [text.isNotNull() & value.isNull()] if column.type != "string" else []
    if column.pattern is not None:
        wrong.append(~text.cast("string").rlike(rf"^(?:{column.pattern})$"))
    bounds: tuple[tuple[Decimal | None, Callable[[SparkColumn], SparkColumn]], ...] = (
        (column.minimum, lambda limit: value < limit),
        (column.exclusive_minimum, lambda limit: value <= limit),
        (column.maximum, lambda limit: value > limit),
        (column.exclusive_maximum, lambda limit: value >= limit),
    )
    wrong += [outside(F.lit(limit)) for limit, outside in bounds if limit is not None]
    return [*found, *((column.invalid_reason, test) for test in wrong)]


def _clock_warnings(contract: Contract) -> list[Finding]:
    """Wall times that the zone's clock changes skip or repeat: read all the same, and counted."""
    found: list[Finding] = []
    for column in contract.columns:
        if contract.zone == "UTC" or column.type != "timestamp" or column.derived or column.transform is not None:
            continue
        text, instant = F.col(f"in_{column.name}"), F.col(column.name)
        wall = _instant(text, column.formats or ("ISO8601",), "UTC")
        plain = ~text.rlike(OFFSET)
        shown = F.from_utc_timestamp(instant, contract.zone)
        later = F.from_utc_timestamp(instant + F.expr("INTERVAL 1 HOUR"), contract.zone)
        found.append((f"skipped_{column.name}", plain & (shown != wall)))
        found.append((f"ambiguous_{column.name}", plain & (later == wall)))
    return found


def rule_set(contract: Contract) -> str:
    """A hash of the rules in force: the columns' checks, the row rules and the null tokens."""
    limits = sorted(contract.thresholds.items())
    terms = (contract.null_tokens, contract.earliest_date, contract.zone, limits)
    told = repr((contract.columns, contract.rules, *terms))
    return hashlib.sha256(told.encode()).hexdigest()[:12]

"""What can't be meant about one column."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Column
from spark_jobs.contract.patterns import TIME_LETTERS, pattern_fault

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RESERVED_REASONS = ("malformed_record", "duplicate_in_batch", "version_in_future")
CONTEXT = ("logical_date", "logical_date_end", "business_timezone", "contract_zone", "earliest_date")
GENERATED = ("year", "month")
NUMBERS = ("int", "bigint", "double")


def check_column(column: Column, report: Report) -> None:
    """Findings for everything in the column that contradicts itself."""
    _check_name(column, report)
    _check_way(column, report)
    if column.derived:
        _check_derived(column, report)
        return
    _check_text_rules(column, report)
    _check_range(column, report)
    _check_formats(column, report)
    _check_default(column, report)
    for reason in (column.missing_reason, column.invalid_reason, column.unknown_reason):
        check_reason(reason, column.name, report)


def check_reason(reason: str, key: str, report: Report) -> None:
    """Finding when the reject reason isn't snake_case or is one of the engine's own."""
    if not SNAKE_CASE.fullmatch(reason):
        report.add(key, "a reject reason is snake_case", value=reason)
    elif reason in RESERVED_REASONS:
        report.add(key, "the engine gives this reason itself", value=reason, hint="choose another name")


def is_number(column: Column) -> bool:
    """True when the column's type has an order of numbers."""
    return column.type in NUMBERS or column.type.startswith("decimal")


def _check_name(column: Column, report: Report) -> None:
    name = column.name
    if not SNAKE_CASE.fullmatch(name):
        report.add(name, "a column's name is snake_case", value=name, allowed="a-z, 0-9 and single _ between them")
    if name in (*CONTEXT, *GENERATED) or name.startswith(("in_", "values_of_")):
        report.add(name, "the engine uses this name itself", value=name, hint="choose another name")


def _check_way(column: Column, report: Report) -> None:
    """The way from the delivery: sources by their Bronze names, each used, and logic where it isn't one to one."""
    logic = column.transform
    for source in column.sources:
        if not SNAKE_CASE.fullmatch(source):
            hint = f"write {re.sub(r'[^a-z0-9]+', '_', source.lower()).strip('_')}"
            report.add(
                f"{column.name}.transformSourceObjects", "a source is named in snake_case", value=source, hint=hint
            )
        elif logic is not None and not re.search(rf"\b{source}\b", logic, re.IGNORECASE):
            what = "transformLogic doesn't use this source"
            report.add(f"{column.name}.transformSourceObjects", what, value=source)
    if len(set(column.sources)) < len(column.sources):
        report.add(f"{column.name}.transformSourceObjects", "a source stands twice", value=list(column.sources))
    if logic is None and len(column.sources) != 1 and not column.derived:
        report.add(f"{column.name}.transformSourceObjects", "without transformLogic a column reads one source")
    if logic is not None and not logic.strip():
        report.add(f"{column.name}.transformLogic", "empty", hint="leave it out, or write a Spark SQL expression")


def _check_derived(column: Column, report: Report) -> None:
    """A derived column is an expression over Silver columns and nothing else: rules say what must hold of it."""
    if column.transform is None:
        report.add(f"{column.name}.derived", "a derived column needs transformLogic")
    if column.sources:
        what = "a derived column reads Silver columns, not delivered ones"
        report.add(f"{column.name}.transformSourceObjects", what, value=list(column.sources), hint="leave it out")
    idle = {
        "quality": column.accepted,
        "logicalTypeOptions": column.pattern is not None or _limits(column),
        "formats": column.formats,
        "default": column.default is not None,
        "onInvalid": column.on_invalid == "warn",
    }
    for key, stated in idle.items():
        if stated:
            report.add(
                f"{column.name}.{key}", "has no meaning on a derived column", hint="write a rule in schema.quality"
            )


def _check_text_rules(column: Column, report: Report) -> None:
    if column.accepted and column.type != "string":
        report.add(f"{column.name}.quality", "accepted values are for text", value=column.type, allowed="string")
    if column.pattern is not None and column.type != "string":
        report.add(f"{column.name}.pattern", "a pattern is for text", value=column.type, allowed="string")
    if column.pattern is not None and column.accepted:
        report.add(f"{column.name}.pattern", "accepted values leave nothing for a pattern to decide")
    folded = [value.strip().casefold() for value in column.accepted]
    for value, fold in zip(column.accepted, folded, strict=True):
        if not fold or folded.count(fold) > 1:
            what = "an accepted value is blank" if not fold else "two accepted values differ in case only"
            report.add(f"{column.name}.quality", what, value=value)


def _limits(column: Column) -> dict[str, Decimal]:
    """The ends of the column's range that it states, by their names in the standard."""
    ends = {
        "minimum": column.minimum,
        "exclusiveMinimum": column.exclusive_minimum,
        "maximum": column.maximum,
        "exclusiveMaximum": column.exclusive_maximum,
    }
    return {key: limit for key, limit in ends.items() if limit is not None}


def _check_range(column: Column, report: Report) -> None:
    limits = _limits(column)
    for key in limits if not is_number(column) else ():
        report.add(
            f"{column.name}.{key}", "a range is for numbers", value=column.type, allowed="int, bigint, double, decimal"
        )
    for one, other in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if one in limits and other in limits:
            report.add(f"{column.name}.{one}", f"stands beside {other}", hint="keep one of them")
    low = limits.get("minimum", limits.get("exclusiveMinimum"))
    high = limits.get("maximum", limits.get("exclusiveMaximum"))
    if low is not None and high is not None:
        open_ended = "exclusiveMinimum" in limits or "exclusiveMaximum" in limits
        if low > high or (low == high and open_ended):
            report.add(column.name, "no value lies in the range", value=f"{low} to {high}")


def _check_formats(column: Column, report: Report) -> None:
    key = f"{column.name}.formats"
    if column.formats and column.type not in ("timestamp", "date"):
        report.add(key, "formats are for dates and timestamps", value=column.type, allowed="timestamp, date")
    if len(set(column.formats)) < len(column.formats):
        report.add(key, "a format stands twice", value=list(column.formats))
    for pattern in column.formats:
        fault = pattern_fault(pattern)
        if fault is None and column.type == "date" and TIME_LETTERS & set(re.sub("'[^']*'", "", pattern)):
            fault = None if pattern == "ISO8601" else "a date has no time; make the column a timestamp"
        if fault is not None:
            allowed = "a Spark datetime pattern such as yyyy-MM-dd HH:mm:ss, or ISO8601"
            report.add(key, "not a format that can be read", value=pattern, allowed=allowed, hint=fault)


def _check_default(column: Column, report: Report) -> None:
    if column.default is None:
        return
    key = f"{column.name}.default"
    if column.required:
        report.add(key, "a required column is never null in Silver", value=column.default, hint="drop one of the two")
    if column.accepted and column.default not in column.accepted:
        report.add(key, "the default isn't an accepted value", value=column.default, allowed=column.accepted)
    if not _readable(column.default, column):
        report.add(key, f"can't be read as {column.type}", value=column.default)


def _readable(text: str, column: Column) -> bool:
    """True when Spark's cast of the text to the column's type gives a value."""
    try:
        if is_number(column):
            value = Decimal(text)
            return column.type not in ("int", "bigint") or value == int(value)
        if column.type == "date":
            date.fromisoformat(text)
        if column.type == "timestamp":
            datetime.fromisoformat(text)
    except (InvalidOperation, ValueError, OverflowError):
        return False
    return column.type != "boolean" or text.lower() in ("true", "false")

"""What can't be meant, although every key of it is right."""

from __future__ import annotations

import re
from collections.abc import Iterable

from spark_jobs.contract.carrying import check_carried, names_in
from spark_jobs.contract.column_checks import CONTEXT, SNAKE_CASE, check_column, check_reason
from spark_jobs.contract.customer import check_customer
from spark_jobs.contract.findings import Report
from spark_jobs.contract.formats import (
    ADDRESS,
    COUNT,
    ENCODING,
    FORMATS,
    MARK,
    MARK_OR_NONE,
    NEEDED,
    REFERENCE,
    UNDATED,
)
from spark_jobs.contract.model import Contract
from spark_jobs.contract.references import has_no_secret, is_reference
from spark_jobs.contract.settings import Kind, is_finite, is_of
from spark_jobs.errors import nearest
from spark_jobs.names import squeeze
from spark_jobs.zones import known_zones


def check(contract: Contract, report: Report) -> None:
    """Findings for everything in the contract that contradicts itself or can't work."""
    if not SNAKE_CASE.fullmatch(contract.dataset):
        report.add("dataset", "a dataset's name is snake_case", value=contract.dataset)
    for column in contract.columns:
        check_column(column, report)
    _check_names(contract, report)
    _check_derived_order(contract, report)
    _check_key(contract, report)
    _check_unique(contract, report)
    check_carried(contract, report)
    _check_ordering(contract, report)
    _check_event_date(contract, report)
    check_customer(contract, report)
    _check_rules(contract, report)
    _check_path(contract, report)
    _check_format(contract, report)
    _check_terms(contract, report)


def against_builtin(contract: Contract, builtin: Contract, report: Report) -> None:
    """Findings where Gold, which was written for the built-in contract, couldn't read this one's Silver."""
    own = {c.name: c.type for c in contract.stored}
    missing = [f"{c.name} {c.type}" for c in builtin.stored if c.name not in own]
    if missing:
        what = "Silver columns of the built-in contract are missing"
        hint = "add them, or state `extends: builtin` and only what differs"
        report.add("dataset", f"{what}: {', '.join(missing)}", value=contract.dataset, hint=hint)
    for column in builtin.stored:
        if own.get(column.name, column.type) != column.type:
            key, what = f"{column.name}.physicalType", "not the type that Gold reads"
            report.add(key, what, value=own[column.name], allowed=column.type)
    widened = builtin.key_may_widen and set(contract.key) > set(builtin.key)
    if contract.key != builtin.key and not widened:
        key, what = "dataset", "not the key that Gold relies on"
        report.add(key, what, value=", ".join(contract.key), allowed=", ".join(builtin.key))
    limits = [name for name in builtin.thresholds if name not in contract.thresholds]
    if limits:
        what = "a limit that Gold takes is missing"
        report.add("thresholds", what, value=", ".join(limits), hint="state it beside your own")
    if contract.event_date != builtin.event_date:
        what = "not the column that Silver is partitioned by"
        report.add("eventDateColumn", what, value=contract.event_date, allowed=str(builtin.event_date))


def _check_names(contract: Contract, report: Report) -> None:
    """Names are unique, and no two of them would claim the same header."""
    names = [column.name for column in contract.columns]
    for name in _repeated(names):
        report.add(name, "two columns have one name", value=name)
    known: dict[str, str] = {}
    for name in dict.fromkeys([*names, *contract.source_names]):
        squeezed = squeeze(name)
        if squeezed in known:
            report.add(name, f"squeezes to the same as {known[squeezed]!r}: a header could be either", value=name)
        known[squeezed] = name
    if not any(column.stored for column in contract.columns):
        report.add("dataset", "nothing would be stored", value=contract.dataset, hint="add schema.properties")


def _check_derived_order(contract: Contract, report: Report) -> None:
    """A derived column may use derived columns that stand before it: they are computed in order."""
    later = [column.name for column in contract.columns if column.derived]
    for column in contract.columns:
        if not column.derived:
            continue
        for name in names_in(f"{column.transform} {column.fallback}", later):
            what = "uses itself" if name == column.name else "uses a derived column that comes after it"
            report.add(f"{column.name}.transformLogic", what, value=name, hint="put that column first")
        later.remove(column.name)


def _check_key(contract: Contract, report: Report) -> None:
    if not contract.key:
        report.add("dataset", "no key", value=contract.dataset, hint="set primaryKey on the columns that name a row")
    columns = {column.name: column for column in contract.columns}
    for name in contract.key:
        column = columns.get(name)
        if column is None:
            continue
        if not column.stored:
            report.add(f"{name}.primaryKey", "a key is a column that Silver stores", value=name)
        elif not column.required and column.default is None:
            hint = "set required: true, or give a default, which then stands for a missing value in the key"
            report.add(f"{name}.primaryKey", "a key column is never null in Silver", value=name, hint=hint)
        if column.on_invalid == "warn":
            report.add(f"{name}.onInvalid", "an unreadable key can't be passed with a warning", value="warn")


def _check_unique(contract: Contract, report: Report) -> None:
    """Uniqueness is a matter of a list that is there as a whole; a key of one column has it anyway."""
    for column in contract.columns:
        if not column.unique or contract.key == (column.name,):
            continue
        if contract.load_mode != "replace":
            what = "only where each delivery is the whole list can values be compared"
            hint = "drop it, or set loadMode: replace; what names a row is its primaryKey"
            report.add(f"{column.name}.unique", what, value=contract.load_mode, allowed="replace", hint=hint)
        elif not column.stored:
            report.add(f"{column.name}.unique", "only what Silver stores is compared", value=column.name)


def _check_ordering(contract: Contract, report: Report) -> None:
    if contract.ordering is None:
        return
    columns = {c.name: c for c in contract.columns if c.stored and not c.derived}
    if contract.ordering not in columns:
        report.add(
            "orderingColumn", "not a delivered column that Silver stores", value=contract.ordering, allowed=columns
        )
        return
    column = columns[contract.ordering]
    if column.type != "timestamp":
        report.add("orderingColumn", "versions are ordered by an instant", value=column.type, allowed="timestamp")
    if column.on_invalid == "warn":
        what = "an unreadable version is always rejected"
        report.add(f"{column.name}.onInvalid", what, value="warn", allowed="reject")
    if contract.load_mode == "replace":
        what = "a replace dataset has no versions to order: each delivery is the whole"
        report.add("orderingColumn", what, value=contract.ordering, hint="drop orderingColumn or loadMode: replace")


def _check_event_date(contract: Contract, report: Report) -> None:
    dates = [c.name for c in contract.columns if c.stored and c.type == "date"]
    types = {c.name: c.type for c in contract.columns if c.stored}
    name = contract.event_date
    if name is not None and types.get(name) != "date":
        found = f"{name} ({types[name]})" if name in types else name
        report.add("eventDateColumn", "not a date that Silver stores", value=found, allowed=dates or "a date column")


def _check_rules(contract: Contract, report: Report) -> None:
    names = [rule.name for rule in contract.rules]
    for rule in contract.rules:
        check_reason(rule.name, f"rule {rule.name}", report)
    for name in _repeated(names):
        report.add(f"rule {name}", "two rules have one name", value=name)
    for reason in contract.reason_order:
        if reason not in contract.reasons:
            what = "not a reason that this contract can give"
            report.add("reasonOrder", what, value=reason, allowed=contract.reasons)
    for reason in _repeated(contract.reason_order):
        report.add("reasonOrder", "a reason stands twice", value=reason)


def _check_path(contract: Contract, report: Report) -> None:
    path = contract.path
    if not path:
        report.add("path", "no path", hint=f"for example {contract.dataset}/%Y/%m/%Y-%m-%d.{contract.format}")
        return
    if path.startswith("/") or "://" in path or ".." in path.split("/"):
        report.add("path", "a path lies below the landing folder", value=path, hint="write it without a root")
    marks = re.findall(r"%(.?)", path)
    wrong = [f"%{mark}" for mark in marks if mark not in ("Y", "m", "d")]
    if wrong:
        report.add("path", f"an unknown mark {wrong[0]}", value=path, allowed="%Y, %m, %d")
    absent = [f"%{mark}" for mark in "Ymd" if mark not in marks]
    if absent and (marks or contract.format not in UNDATED):
        hint = f"{', '.join(absent)} is missing"
        report.add("path", "a path names one day", value=path, allowed="%Y, %m and %d", hint=hint)


def _check_format(contract: Contract, report: Report) -> None:
    if contract.format not in FORMATS:
        hint = nearest(contract.format, FORMATS)
        report.add("format", "not one of its values", value=contract.format, allowed=FORMATS, hint=hint)
        return
    known = FORMATS[contract.format]
    for option in NEEDED.get(contract.format, ()):
        if not contract.options.get(option):
            report.add(f"options.{option}", f"{contract.format} needs it", allowed=known[option])
    for option, value in contract.options.items():
        if option not in known:
            what = f"unknown option of {contract.format}"
            report.add(f"options.{option}", what, value=option, allowed=known)
        else:
            _check_option(option, value, known[option], report)
    marks = [str(v) for option, v in contract.options.items() if v and known.get(option) in (MARK, MARK_OR_NONE)]
    for value in _repeated(marks):
        report.add("options", "one character has two meanings", value=value)


def _check_option(option: str, value: object, kind: Kind, report: Report) -> None:
    key = f"options.{option}"
    if isinstance(kind, tuple):
        if value not in kind:
            report.add(key, f"unknown {option}", value=value, allowed=kind)
    elif kind == ENCODING:
        _check_encoding(value, report)
    elif kind in (MARK, MARK_OR_NONE):
        if not _is_mark(value) and not (kind == MARK_OR_NONE and value in (None, "")):
            report.add(key, "not a single character", value=value, allowed="one character, or \\t")
    elif kind == COUNT:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            report.add(key, "not a number of that kind", value=value, allowed=kind)
    elif kind in (REFERENCE, ADDRESS):
        named = is_reference(value) or (kind == ADDRESS and isinstance(value, str) and has_no_secret(value))
        if not named:  # the value may be the secret itself: it isn't shown
            report.add(key, "a credential is given by reference only", allowed=kind)
    elif not is_of(value, kind):
        report.add(key, "not of its kind", value=value, allowed=kind)


def _is_mark(value: object) -> bool:
    return isinstance(value, str) and (value == "\\t" or (len(value) == 1 and value not in "\r\n"))


def _check_encoding(value: object, report: Report) -> None:
    try:
        if isinstance(value, str) and isinstance("".encode(value), bytes):  # codecs that aren't of text raise
            return
    except (LookupError, ValueError):
        pass  # the finding below says it with the value
    report.add(
        "options.encoding", "an encoding that Python doesn't know", value=value, allowed="utf-8, cp1252, utf-16, …"
    )


def _check_terms(contract: Contract, report: Report) -> None:
    if contract.zone not in known_zones():
        hint = nearest(contract.zone, known_zones())
        report.add("zone", "an unknown time zone", value=contract.zone, allowed="an IANA name", hint=hint)
    if not 0 <= contract.max_reject_ratio <= 1:
        report.add("maxRejectRatio", "not a ratio", value=str(contract.max_reject_ratio), allowed="0 to 1")
    if contract.starts_on is not None and contract.starts_on < contract.earliest_date:
        what = "earlier than earliestDate: every row of its first days would be implausible"
        report.add("startsOn", what, value=str(contract.starts_on), allowed=f"{contract.earliest_date} or later")
    blank = [token for token in contract.null_tokens if not token.strip()]
    if blank:
        report.add("nullTokens", "blank text is null anyway", value=blank[0], hint="leave it out")
    for token in _repeated([token.strip().casefold() for token in contract.null_tokens]):
        report.add("nullTokens", "a token stands twice (case doesn't count)", value=token)
    for name, limit in contract.thresholds.items():
        if not is_finite(limit):
            report.add(f"thresholds.{name}", "not a number", value=limit)
        if not SNAKE_CASE.fullmatch(name) or name in {*CONTEXT, *(c.name for c in contract.columns)}:
            what = "a threshold's name is snake_case and no column's"
            report.add(f"thresholds.{name}", what, value=name, hint="rename it")
    for column in contract.columns:
        for value in column.accepted:
            if value.casefold() in {token.strip().casefold() for token in contract.null_tokens}:
                report.add(f"{column.name}.quality", "an accepted value is also a null token", value=value)


def _repeated(values: Iterable[str]) -> list[str]:
    """The values that stand more than once, each once, in order."""
    found = list(values)
    return list(dict.fromkeys(value for value in found if found.count(value) > 1))

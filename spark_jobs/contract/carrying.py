"""Carried columns: what follows from them, how the engine calls what it keeps beside them, and what can't be meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Column, Contract

_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"")


def names_in(expression: str, names: Iterable[str]) -> list[str]:
    """Which of the names stand in the expression as words, outside of quoted text."""
    words = {word.lower() for word in re.findall(r"\w+", _LITERAL.sub(" ", expression))}
    return [name for name in names if name in words]


def given_column(name: str) -> str:
    """On a validated record: whether this version gives the carried column itself."""
    return f"_given_{name}"


def since_column(name: str) -> str:
    """In Silver: the earliest logical date of a version that made the column its fallback; null once one gave it."""
    return f"_{name}_since"


def followers(contract: Contract) -> tuple[Column, ...]:
    """The derived columns to compute anew when a carried value changes, in their order.

    Unstored ones that they use are among them, because Silver's row doesn't have those.
    """
    derived = [c for c in contract.columns if c.derived and not c.carried]
    wanted = _moved(contract)
    for column in reversed([c for c in derived if not c.stored and c.name not in wanted]):
        if any(names_in(str(c.transform), [column.name]) for c in derived if c.name in wanted):
            wanted.append(column.name)
    return tuple(c for c in derived if c.name in wanted)


def _moved(contract: Contract) -> list[str]:
    """The carried columns and the derived ones that follow from them, through whatever others."""
    moved = [c.name for c in contract.carried]
    for column in contract.columns:
        if column.derived and not column.carried and names_in(str(column.transform), moved):
            moved.append(column.name)
    return moved


def check_carried(contract: Contract, report: Report) -> None:
    """Findings for carried columns that can't be: nothing to carry from, or something that can't be computed anew."""
    for column in contract.columns:
        if column.fallback is not None and not column.carried:
            hint = "set carried: true, or write coalesce(…) in transformLogic"
            report.add(f"{column.name}.fallback", "only a carried column has a fallback", hint=hint)
        if column.carried:
            _check_column(column, contract, report)
    if not contract.carried or report.findings:
        return
    again = {c.name for c in followers(contract)}
    there = again | {c.name for c in contract.stored if c.default is None}
    texts = [f"in_{c.name}" for c in contract.columns if not c.derived]
    for column in followers(contract):
        names = [*(c.name for c in contract.columns if c.name not in there), *texts]
        for name in names_in(str(column.transform), names):
            report.add(
                f"{column.name}.transformLogic",
                "is computed again from Silver's row when a carried column changes, and that hasn't got this",
                value=name,
                allowed="stored columns without a default, derived ones, and what every rule sees",
                hint="store the column, or use one that is",
            )


def _check_column(column: Column, contract: Contract, report: Report) -> None:
    key = f"{column.name}.carried"
    if not column.stored:
        report.add(key, "only what Silver stores can be carried", value=column.name)
    if column.default is not None:
        report.add(f"{column.name}.default", "a carried column has a fallback instead", value=column.default)
    if column.required and not column.derived:
        report.add(key, "a required column is in every version", value=column.name, hint="drop one of the two")
    if contract.load_mode == "replace":
        report.add(key, "a replace dataset has no versions to carry from", value=column.name)
    if contract.ordering is not None:
        what = "a carried column needs versions in the order of their deliveries"
        report.add(
            key, what, value=contract.ordering, hint="drop orderingColumn, or state the column in transformLogic"
        )
    barred = [*_moved(contract), *(c.name for c in contract.columns if c.derived and not column.derived)]
    text = f"{column.fallback} {column.transform if column.derived else ''}"
    for name in names_in(text, [name for name in dict.fromkeys(barred) if name != column.name]):
        report.add(key, "can't follow from a carried column, nor what is delivered from what is derived", value=name)

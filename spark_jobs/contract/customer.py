"""`customerIdColumn`: what must hold of a contract for its customers to be forgotten."""

from __future__ import annotations

from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Contract


def check_customer(contract: Contract, report: Report) -> None:
    """Findings where the customer's id couldn't be found in what is delivered, or its place not be taken."""
    name = contract.customer_id
    if name is None:
        return
    texts = {c.name: c for c in contract.columns if c.stored and not c.derived and c.type == "string"}
    column = texts.get(name)
    if column is None:
        what = "not a delivered text that Silver stores"
        report.add("customerIdColumn", what, value=name, allowed=texts or "a string column")
        return
    if column.transform is not None or len(column.sources) != 1:
        what = "the id is looked for as it is delivered: the column reads one source and computes nothing"
        report.add(f"{name}.transformLogic", what, value=column.transform, hint="drop transformLogic")
    if column.accepted or column.pattern or column.carried or column.default is not None:
        what = "`forgotten` must fit in its place"
        report.add(name, what, value=name, hint="drop accepted values, pattern, default and carried")
    if name in contract.key and not contract.is_of_persons:
        what = "as a part of the key it can't be replaced: rows of two forgotten customers would be one"
        report.add("customerIdColumn", what, value=", ".join(contract.key), allowed=f"a key without {name}, or {name}")
    for each in contract.columns:
        if each.is_personal and each.required and each.name != name and not contract.is_of_persons:
            what = "personal, so null once its customer is forgotten: it can't be required"
            report.add(f"{each.name}.required", what, value=each.name)

"""Silver's small changes on the driver: look-up of the delivered keys and their replacement, with delta-rs.

A day's delivery changes some thousand rows. Looking them up and putting them in the place of what Silver holds takes
delta-rs a second where a MERGE of Spark's takes many; the change feed gets the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable as RustTable

from spark_jobs import direct
from spark_jobs.contract import Contract
from spark_jobs.lake import Fence, Lake, days_sql
from spark_jobs.lookup import equals, one_of

GROUPS = 200
"""A key of several columns is named by at most so many alternatives: more of them nest too deep for a parser."""


def held(seen: RustTable, contract: Contract, keys: pa.Table) -> pa.Table:
    """Silver's rows of these keys, and maybe of some others."""
    wanted = " AND ".join(one_of(name, keys[name].unique().to_pylist()) for name in contract.key)
    return direct.existing_columns(seen, direct.shape_of(seen), wanted)


def write(
    lake: Lake,
    contract: Contract,
    rows: pa.Table,
    fence: Fence,
    *,
    dates: Collection[date],
    replaces: bool,
    rows_per_file: int,
    driver_rows: int,
    facts: Mapping[str, object],
) -> bool:
    """Append the rows, or put them in the place of those with their keys; a row of `_class` deleted only goes.

    Nothing is done, and False returned, where that would rewrite too much or can't be said in a predicate.
    """
    seen = lake.look("silver", contract.dataset)
    if seen is None:
        return False
    predicate = None
    if replaces:
        bounds = days_sql(contract.event_date, dates) if contract.event_date else None
        named = _named(rows.select(contract.key), contract.key)
        if named is None or direct.rows_in(seen, bounds) > direct.REWRITTEN * driver_rows:
            return False
        predicate = f"{bounds} AND {named}" if bounds else named
    new = rows.filter(pc.not_equal(rows["_class"], "deleted")).drop_columns(["_class"])
    direct.commit(
        lake,
        "silver",
        contract.dataset,
        seen,
        new.sort_by(contract.event_date) if contract.event_date else new,
        fence,
        facts=facts,
        predicate=predicate,
        append=not replaces,
        file_bytes=direct.file_bytes(seen, rows_per_file),
    )
    return True


def _named(keys: pa.Table, names: Sequence[str]) -> str | None:
    """The test that a row's key is one of these; None where that takes too many alternatives."""
    first, *rest = names
    if not rest:
        return one_of(first, keys[first].unique().to_pylist())
    groups: dict[Any, Any] = {}
    for row in keys.to_pylist():
        groups.setdefault(row[first], []).append(row)
    if len(groups) > GROUPS:
        return None
    alternatives = []
    for value, members in groups.items():
        inner = _named(pa.Table.from_pylist(members, keys.schema), rest)
        if inner is None:
            return None
        alternatives.append(f"({equals(first, value)} AND {inner})")
    return f"({' OR '.join(alternatives)})"

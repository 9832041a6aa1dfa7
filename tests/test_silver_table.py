"""What Silver's values follow from, as its table is told it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from spark_jobs.contract import Contract, load_contract
from spark_jobs.lake import Lake
from spark_jobs.silver_table import DERIVED, derivation, redefined

EVENTS = load_contract("agent_events")


def told(folder: Path, contract: Contract | None) -> Lake:
    """A lake whose Silver of events was made by this contract, or before tables were told."""
    properties = {DERIVED: json.dumps(derivation(contract))} if contract is not None else {}
    place, columns = f"{folder}/silver/agent_events", pa.schema([("extension", pa.string())])
    DeltaTable.create(place, columns, configuration=properties, raise_if_key_not_exists=False)
    return Lake(str(folder))


def with_column(name: str, contract: Contract = EVENTS, **changed: object) -> Contract:
    """The contract with a column of another declaration."""
    columns = tuple(replace(c, **changed) if c.name == name else c for c in contract.columns)  # type: ignore[arg-type]
    return replace(contract, columns=columns)


def test_another_zone_expression_or_order_is_told_by_its_name(tmp_path: Path) -> None:
    """The list of actions is what the expression of the rank names."""
    lake = told(tmp_path, EVENTS)

    assert redefined(lake, EVENTS) == {}
    assert list(redefined(lake, replace(EVENTS, zone="Asia/Tokyo"))) == ["contract_zone"]
    assert list(redefined(lake, with_column("ops_date", transform="to_date(done_on)"))) == ["ops_date"]
    assert list(redefined(lake, with_column("action", accepted=("BREAK", "ONLINE")))) == ["values_of_action"]


def test_what_is_merely_wider_or_only_judges_is_no_other_definition(tmp_path: Path) -> None:
    """Longer lists, limits, patterns, rules, formats and how an expression is broken into lines."""
    lake = told(tmp_path, EVENTS)
    longer = (*EVENTS.column("action").accepted, "BREAK")
    lines = "to_date(from_utc_timestamp(done_on,\n  business_timezone))"

    assert redefined(lake, with_column("action", accepted=longer)) == {}
    assert redefined(lake, with_column("ops_date", transform=lines)) == {}
    assert redefined(lake, with_column("done_on", formats=("yyyy-MM-dd",))) == {}
    assert redefined(lake, replace(EVENTS, thresholds={"max_state_hours": 10}, rules=())) == {}


def test_a_limit_counts_where_a_stored_value_names_it_and_a_helper_where_one_uses_it() -> None:
    """`is_long` is for rules alone, until something that is stored uses it."""
    is_long = replace(EVENTS.column("ops_date"), name="is_long", transform="hours > max_state_hours", stored=False)
    unused = replace(EVENTS, columns=(*EVENTS.columns, is_long))
    flag = replace(is_long, name="flag", transform="is_long", stored=True)

    assert {"is_long", "max_state_hours"}.isdisjoint(derivation(unused))
    assert derivation(replace(unused, columns=(*unused.columns, flag)))["max_state_hours"] == 12


def test_a_table_of_before_and_one_that_is_not_there_have_nothing_otherwise(tmp_path: Path) -> None:
    """Such a table is told with the next rows."""
    assert redefined(Lake(str(tmp_path / "none")), EVENTS) == {}
    assert redefined(told(tmp_path, None), replace(EVENTS, zone="Asia/Tokyo")) == {}

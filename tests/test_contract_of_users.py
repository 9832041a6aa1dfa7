"""A directory of the user's own contracts beside the built-in ones: extended, replaced, new."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from spark_jobs.contract import Contract, lint, load_contract, load_contracts, read_file
from spark_jobs.contract.settings import COLUMN_SETTINGS, CONTRACT_SETTINGS
from spark_jobs.errors import ContractError
from tests.contract_texts import PARCELS, messages

DOCS = Path(__file__).parent.parent / "docs"

EXTENSION = """\
kind: DataContract
apiVersion: v3.1.0
id: mine
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
  - {property: maxRejectRatio, value: 0.25}
schema:
  - name: tickets
    properties:
      - name: created_at
        transformSourceObjects: [opened]
"""


def extension(more: str = "") -> Contract:
    """A contract that extends that of tickets, with more text after its only property."""
    file = read_file("mine.odcs.yaml", EXTENSION + more)
    assert [str(finding) for finding in file.findings] == []
    assert file.contract is not None
    return file.contract


def test_an_extension_takes_what_it_does_not_state_from_the_built_in_contract() -> None:
    """Properties, rules and settings come along, inside a restated property too."""
    own, builtin = extension(), load_contract("tickets")
    created = own.column("created_at")
    assert (created.sources, created.formats, created.required) == (
        ("opened",),
        builtin.column("created_at").formats,
        True,
    )
    assert (own.max_reject_ratio, own.ordering, own.rules) == (Decimal("0.25"), "updated_at", builtin.rules)
    assert [c.name for c in own.columns] == [c.name for c in builtin.columns]


def test_an_extension_replaces_the_way_of_a_column_as_a_whole() -> None:
    """A constant for a column that the built-in contract reads from a source leaves no source behind."""
    own = extension("      - name: sla_breached_reported\n        transformLogic: cast(null as boolean)\n")
    assert own.column("sla_breached_reported").sources == ()
    assert "sla_breached" not in own.source_names


def test_an_extension_switches_off_what_it_states_as_null() -> None:
    """A rule without an implementation is gone, a key of a property that is null too."""
    own = extension(
        "      - name: sla_hours\n        logicalTypeOptions: null\n"
        "    quality:\n      - {name: resolution_hours_off, implementation: null}\n"
    )
    assert own.column("sla_hours").exclusive_minimum is None
    assert "resolution_hours_off" not in [rule.name for rule in own.rules]
    assert len(own.rules) == len(load_contract("tickets").rules) - 1


def test_an_extension_may_add_columns_and_change_one_rule() -> None:
    """New properties come after the built-in ones; a rule restated keeps its place."""
    own = extension(
        "      - {name: product, physicalType: string}\n"
        "    quality:\n      - {name: implausible_date, implementation: \"created_date >= date'2010-01-01'\"}\n"
    )
    assert own.stored[-1].name == "product"
    assert own.rules[0].expression == "created_date >= date'2010-01-01'"


def test_what_is_wrong_in_an_extension_is_found_in_the_users_own_line() -> None:
    """A finding about a restated key names the user's file, not the built-in one."""
    file = read_file("mine.odcs.yaml", EXTENSION.replace("[opened]", "[Opened At]"))
    assert [str(finding.mark) for finding in file.findings] == ["mine.odcs.yaml:13"]


def test_only_a_known_dataset_can_be_extended() -> None:
    """A typo in the schema's name isn't a new dataset when the file says that it extends one."""
    text = "\n".join(map(str, read_file("mine.odcs.yaml", EXTENSION.replace("name: tickets", "name: ticket")).findings))
    assert "there is no built-in contract to extend; found: 'ticket'" in text
    assert "did you mean 'tickets'?" in text


def test_a_contract_that_replaces_a_built_in_one_must_keep_its_silver_columns() -> None:
    """Gold reads them: the error names each that is missing, and another type too."""
    text = PARCELS.replace("- name: parcels", "- name: tickets").replace("- name: sent_on", "- name: created_at")
    text = text.replace("value: sent_on", "value: created_at")
    found = messages(text)
    assert "Silver columns of the built-in contract are missing: ticket_id string, resolved_at timestamp" in found
    assert "created_at.physicalType: not the type that Gold reads; found: 'date'; allowed: timestamp" in found
    assert "not the key that Gold relies on; found: 'parcel_id'; allowed: ticket_id" in found


def test_a_directory_of_the_users_own_joins_the_built_in_contracts(tmp_path: Path) -> None:
    """A file for a known dataset replaces its contract, one for a new dataset makes one."""
    (tmp_path / "a.odcs.yaml").write_text(EXTENSION)
    (tmp_path / "parcels.odcs.yaml").write_text(PARCELS)
    contracts = load_contracts(tmp_path)
    assert set(contracts) == {*load_contracts(), "parcels"}
    assert contracts["tickets"].origin == f"{tmp_path}/a.odcs.yaml"
    assert contracts["agents_master"] == load_contracts()["agents_master"]


def test_two_files_of_one_dataset_are_an_error_that_names_both(tmp_path: Path) -> None:
    """Which of them holds can't be guessed."""
    (tmp_path / "a.odcs.yaml").write_text(PARCELS)
    (tmp_path / "b.odcs.yaml").write_text(PARCELS)
    with pytest.raises(ContractError, match=r"b\.odcs\.yaml.*two files for one dataset: .*a\.odcs\.yaml"):
        load_contracts(tmp_path)


def test_a_directory_that_is_not_there_and_a_file_that_would_be_passed_over_are_errors(tmp_path: Path) -> None:
    """A wrong setting or a wrong ending would otherwise mean that the user's contract silently doesn't hold."""
    with pytest.raises(ContractError, match="no such directory"):
        load_contracts(tmp_path / "nowhere")
    (tmp_path / "parcels.yaml").write_text(PARCELS)
    with pytest.raises(ContractError, match=r"parcels\.yaml: not read as a contract"):
        load_contracts(tmp_path)


def test_the_example_of_the_documentation_maps_an_export_onto_tickets() -> None:
    """It passes lint, keeps tickets' Silver and reads the export's headers."""
    example = DOCS / "examples" / "customer_support_tickets.odcs.yaml"
    assert [str(finding) for finding in lint([example])] == []
    contract = read_file(example.name, example.read_text()).contract
    assert contract is not None
    assert contract.stored == tuple(contract.column(c.name) for c in load_contract("tickets").stored)
    assert contract.source_names == (
        "ticket_id",
        "first_response_time",
        "time_to_resolution",
        "ticket_priority",
        "ticket_type",
        "ticket_channel",
        "ticket_status",
    )


def test_the_documentation_names_every_setting() -> None:
    """docs/contracts.md is the reference: a setting that it doesn't name can't be found."""
    text = (DOCS / "contracts.md").read_text()
    assert [name for name in (*CONTRACT_SETTINGS, *COLUMN_SETTINGS) if f"`{name}`" not in text] == []

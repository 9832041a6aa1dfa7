"""Contracts are read from the standard; the built-in ones say what was decided."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from subprocess import run

from spark_jobs.contract import expressions, lint, load_contract, load_contracts
from spark_jobs.names import squeeze
from tests.contract_texts import PARCELS, parcels, parsed


def test_a_property_of_the_standard_becomes_a_column_with_its_way_type_and_range() -> None:
    """physicalType, transforms, ranges and the reasons' usual names arrive in the model."""
    weight = parsed(PARCELS).column("weight")
    assert (weight.type, weight.sources, weight.transform) == ("decimal(9,3)", ("grams",), "grams / 1000")
    assert (weight.exclusive_minimum, weight.maximum, weight.minimum) == (Decimal("0"), Decimal("31.5"), None)
    assert (weight.missing_reason, weight.invalid_reason) == ("missing_weight", "invalid_weight")


def test_a_property_without_logic_reads_the_column_of_its_own_name() -> None:
    """transformSourceObjects may be left out where a header has the column's name; a derived column reads none."""
    contract = parsed(PARCELS)
    assert contract.column("size").sources == ("size",)
    assert contract.column("heavy").sources == ()
    assert contract.source_names == ("parcel_id", "sent_on", "grams", "size", "changed_at")


def test_settings_and_service_levels_arrive_in_their_own_kinds() -> None:
    """Days of latency are hours, versions keep their text, settings that aren't stated keep their defaults."""
    contract = parsed(PARCELS)
    assert (contract.version, contract.key, contract.zone, contract.sla_hours) == (
        "1.2.0",
        ("parcel_id",),
        "Europe/Berlin",
        48,
    )
    assert (contract.max_reject_ratio, contract.load_mode, contract.earliest_date) == (
        Decimal("0.1"),
        "merge",
        date(2000, 1, 1),
    )


def test_the_ordering_column_gives_the_generic_reasons_first() -> None:
    """An unreadable ordering value is invalid_version without being told so."""
    assert parsed(PARCELS).reasons == (
        "invalid_version",
        "version_in_future",
        "missing_parcel_id",
        "invalid_sent_on",
        "invalid_weight",
        "unknown_size",
        "small_and_heavy",
    )


def test_key_columns_stand_in_the_order_of_their_positions() -> None:
    """primaryKeyPosition decides, not the order in the file."""
    text = parcels(
        ("        primaryKey: true\n", "        primaryKey: true\n        primaryKeyPosition: 2\n"),
        (
            "      - name: size\n",
            "      - name: size\n        primaryKey: true\n        primaryKeyPosition: 1\n        required: true\n",
        ),
    )
    assert parsed(text).key == ("size", "parcel_id")


def test_the_built_in_contracts_have_nothing_wrong_with_them() -> None:
    """Lint without paths looks at the package's own contracts."""
    assert [str(finding) for finding in lint()] == []
    assert set(load_contracts()) >= {"tickets", "agents_master"}


def test_tickets_keep_the_decided_columns_in_the_decided_order() -> None:
    """Silver's columns and types are what Gold and other readers rely on."""
    assert [(c.name, c.type) for c in load_contract("tickets").stored] == [
        ("ticket_id", "string"),
        ("created_at", "timestamp"),
        ("resolved_at", "timestamp"),
        ("resolution_hours", "decimal(18,4)"),
        ("sla_hours", "decimal(9,2)"),
        ("sla_breached_reported", "boolean"),
        ("priority", "string"),
        ("category", "string"),
        ("channel", "string"),
        ("customer_tier", "string"),
        ("status", "string"),
        ("agent_id", "string"),
        ("updated_at", "timestamp"),
        ("created_date", "date"),
        ("resolved_date", "date"),
        ("sla_due_at", "timestamp"),
        ("sla_due_date", "date"),
    ]


def test_tickets_give_their_reasons_in_the_specified_order() -> None:
    """The generic reasons of versions come first, then the ticket's own; warnings reject nothing."""
    tickets = load_contract("tickets")
    assert tickets.reasons == (
        "invalid_version",
        "version_in_future",
        "missing_ticket_id",
        "missing_created_at",
        "invalid_created_at",
        "implausible_date",
        "created_in_future",
        "resolved_in_future",
        "invalid_resolved_at",
        "resolved_before_created",
        "resolved_without_timestamp",
        "timestamp_without_resolution",
        "invalid_sla_hours",
        "unknown_priority",
        "unknown_status",
    )
    assert tickets.warnings == ("invalid_resolution_hours", "invalid_sla_breached", "resolution_hours_off")


def test_the_agents_are_replaced_whole_and_their_names_are_classified() -> None:
    """A delivery of agents is the whole list, may be missing on a day and may not be empty."""
    agents = load_contract("agents_master")
    assert (agents.load_mode, agents.missing_days, agents.allow_empty) == ("replace", "skip", False)
    assert (agents.key, agents.event_date, agents.ordering) == (("agent_id",), None, None)
    assert agents.column("agent_name").classification == "personal"


def test_expressions_name_their_place_and_escape_patterns() -> None:
    """Transforms, rules and patterns can each be given to Spark's parser."""
    code = "      - {name: code, physicalType: string, logicalTypeOptions: {pattern: '\\d''x'}}\n"
    text = parcels(("      - name: changed_at\n", f"{code}      - name: changed_at\n"))
    assert expressions(parsed(text)) == [
        ("parcels.odcs.yaml weight.transformLogic", "grams / 1000"),
        ("parcels.odcs.yaml heavy.transformLogic", "weight > 20"),
        ("parcels.odcs.yaml rule small_and_heavy", "not (heavy and size = 'S')"),
        ("parcels.odcs.yaml code.pattern", r"'' rlike '\\d\'x'"),
    ]


def test_names_squeeze_to_letters_and_digits_without_case() -> None:
    """Headers and names are compared without separators."""
    assert squeeze("customeR iD") == squeeze("customer_id") == "customerid"


def test_reading_contracts_loads_no_spark() -> None:
    """The command line and the trigger function read contracts without a JVM in sight."""
    code = "import sys, spark_jobs.contract as c; c.load_contracts(); sys.exit('pyspark' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0

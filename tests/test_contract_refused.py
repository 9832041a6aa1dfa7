"""Contracts that can't be meant: what is said about each, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from spark_jobs.contract import lint, load_contracts
from spark_jobs.errors import ContractError
from tests.contract_texts import messages, parcels

REFUSED = {
    "an unknown key of the standard": (
        ("        required: true\n", "        requried: true\n"),
        ":19 schema[parcels].properties[parcel_id].requried: unknown key; found: 'requried'",
        "did you mean 'required'?",
    ),
    "an unknown custom property": (
        ("property: zone", "property: timezone"),
        ":8 timezone: unknown custom property; found: 'timezone'",
        "nullTokens",
    ),
    "an unknown custom property of a column": (
        ("property: formats", "property: format"),
        "sent_on.format: unknown custom property",
        "did you mean 'formats'?",
    ),
    "a value of the wrong kind for the standard": (
        ("primaryKey: true", "primaryKey: maybe"),
        ":20 schema[parcels].properties[parcel_id].primaryKey",
        "found: 'maybe'",
    ),
    "a value of the wrong kind for a setting": (
        ("value: [d.M.yyyy]", "value: d.M.yyyy"),
        "sent_on.formats: not of its kind; found: 'd.M.yyyy'",
        "a list of texts",
    ),
    "a key that stands twice": (
        ("status: active\n", "status: active\nstatus: draft\n"),
        "status: the key stands twice",
        "line 5",
    ),
    "a type that Silver can't hold": (
        ("physicalType: date\n", "physicalType: varchar(10)\n"),
        "sent_on.physicalType: not a type that Silver can hold; found: 'varchar(10)'",
        "timestamp",
    ),
    "a decimal with more digits after the point than at all": (
        ("decimal(9,3)", "decimal(3,9)"),
        "weight.physicalType",
        "s <= p",
    ),
    "a logical type that disagrees": (
        ("logicalType: number", "logicalType: string"),
        "weight.logicalType",
        "allowed: number",
    ),
    "accepted values on a number": (
        ("      - name: size\n        physicalType: string", "      - name: size\n        physicalType: int"),
        "size.quality: accepted values are for text; found: 'int'",
        "string",
    ),
    "accepted values that YAML takes for truths": (("[S, M, L]", "[yes, no]"), "size.validValues", "quote them"),
    "a format letter that Spark can't parse with": (
        ("[d.M.yyyy]", "[d.M.YYYY]"),
        "sent_on.formats",
        "Y isn't a letter",
    ),
    "minutes where months are meant": (("[d.M.yyyy]", "[d.m.yyyy]"), "sent_on.formats", "m is the minute"),
    "half-day hours without AM or PM": (("[d.M.yyyy]", "[d.M.yyyy h:mm]"), "sent_on.formats", "AM or PM"),
    "a range that holds nothing": (
        ("exclusiveMinimum: 0", "exclusiveMinimum: 40"),
        "no value lies in the range",
        "40 to 31.5",
    ),
    "a range on text": (
        ("      - name: size\n", "      - name: size\n        logicalTypeOptions: {minimum: 1}\n"),
        "size.minimum: a range is for numbers",
        "decimal",
    ),
    "an option of a type that nothing acts on": (
        ("exclusiveMinimum: 0", "multipleOf: 2"),
        "doesn't act on this option",
        "multipleOf",
    ),
    "a key column that may be null": (
        ("        required: true\n", ""),
        "parcel_id.primaryKey: a key column is never null in Silver",
        "required: true",
    ),
    "no key": (("        primaryKey: true\n", ""), "no key", "primaryKey"),
    "a key that isn't stored": (
        (
            "        primaryKey: true\n",
            "        primaryKey: true\n        customProperties: [{property: stored, value: false}]\n",
        ),
        "parcel_id.primaryKey: a key is a column that Silver stores",
        "parcel_id",
    ),
    "an ordering column that isn't there": (
        ("value: changed_at", "value: change_at"),
        ":9 orderingColumn",
        "did you mean 'changed_at'?",
    ),
    "an ordering column that is no instant": (
        ("value: changed_at", "value: size"),
        "ordered by an instant",
        "timestamp",
    ),
    "an event date that is an instant": (("value: sent_on", "value: changed_at"), "changed_at (timestamp)", "sent_on"),
    "a replace dataset with versions": (
        (
            "customProperties:\n  - {property: path",
            "customProperties:\n  - {property: loadMode, value: replace}\n  - {property: path",
        ),
        "orderingColumn: a replace dataset has no versions",
        "changed_at",
    ),
    "a reject ratio beyond one": (
        ('property: nullTokens, value: ["-"]', "property: maxRejectRatio, value: 5"),
        "maxRejectRatio: not a ratio; found: '5'",
        "0 to 1",
    ),
    "a zone that isn't one": (
        ("Europe/Berlin", "Europe/Berlim"),
        ":8 zone: an unknown time zone",
        "did you mean 'Europe/Berlin'?",
    ),
    "a path that doesn't name the day": (
        ("%Y-%m-%d.csv", "%Y-%m.csv"),
        ":7 path: a path names one day",
        "%d is missing",
    ),
    "a path out of the landing folder": (
        ("value: parcels/", "value: ../parcels/"),
        "below the landing folder",
        "../parcels",
    ),
    "two names that squeeze alike": (
        ("[grams]\n        transformLogic: grams", "[si_ze]\n        transformLogic: si_ze"),
        "squeezes",
        "size",
    ),
    "a source that isn't a Bronze name": (("[grams]", "[Net Grams]"), "snake_case", "net_grams"),
    "a source that the logic doesn't use": (
        ("[grams]", "[grams, pounds]"),
        "transformLogic doesn't use this source",
        "pounds",
    ),
    "a derived column with sources": (
        (
            "        transformLogic: weight > 20\n",
            "        transformLogic: weight > 20\n        transformSourceObjects: [weight]\n",
        ),
        "heavy.transformSourceObjects: a derived column reads Silver columns",
        "weight",
    ),
    "a derived column that uses itself": (
        ("weight > 20", "heavy and weight > 20"),
        "heavy.transformLogic: uses itself",
        "heavy",
    ),
    "a rule's name that isn't snake_case": (
        ("name: small_and_heavy", "name: Small+heavy"),
        "a reject reason is snake_case",
        "Small+heavy",
    ),
    "a rule's name that is the engine's": (
        ("small_and_heavy", "malformed_record"),
        "the engine gives this reason itself",
        "malformed",
    ),
    "a severity that isn't one": (("severity: error", "severity: fatal"), "not a severity", "warning"),
    "a check that isn't run": (
        ("metric: invalidValues", "metric: nullValues"),
        "a check that opslake doesn't run",
        "nullValues",
    ),
    "a key of the standard that nothing acts on": (
        ("      - name: size\n", "      - name: size\n        partitioned: true\n"),
        "size.partitioned: opslake doesn't act on this key",
        "eventDateColumn",
    ),
    "unique values where rows are merged": (
        ("      - name: size\n", "      - name: size\n        unique: true\n"),
        "size.unique: only where each delivery is the whole list can values be compared; found: 'merge'",
        "loadMode: replace",
    ),
    "a column called as the engine calls accepted values": (
        ("      - name: size\n", "      - name: values_of_size\n        transformSourceObjects: [size]\n"),
        "the engine uses this name itself",
        "values_of_size",
    ),
    "a default of a required column": (
        (
            "        primaryKey: true\n",
            "        primaryKey: true\n        customProperties: [{property: default, value: x}]\n",
        ),
        "a required column is never null",
        "parcel_id",
    ),
    "a latency in weeks": (("unit: d", "unit: w"), "slaProperties.latency: not a unit of latency; found: 'w'", "h, d"),
    "a ratio that is no number": (
        ('property: nullTokens, value: ["-"]', "property: maxRejectRatio, value: .nan"),
        "maxRejectRatio: not of its kind",
        "a number",
    ),
    "a date that isn't one": (
        ('property: nullTokens, value: ["-"]', "property: startsOn, value: 2024-02-30"),
        "startsOn: not a date; found: '2024-02-30'",
        "YYYY-MM-DD",
    ),
    "a key that isn't text": (("status: active\n", "status: active\n? [a]\n: b\n"), ":6: a key is text", ""),
    "a file without a version": (("version: 1.2.0\n", ""), "version: the standard requires this key", "version"),
    "text that isn't YAML": (("kind: DataContract", "kind: [DataContract"), "not YAML", "parcels.odcs.yaml:"),
}


@pytest.mark.parametrize(("change", "said", "also"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_with_place_value_and_what_is_allowed(
    change: tuple[str, str], said: str, also: str
) -> None:
    """Each finding names the file, the key, the value found and what to do instead."""
    found = messages(parcels(change))
    assert said in found
    assert also in found
    assert "parcels.odcs.yaml" in found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{delimiter: ';;'}", "options.delimiter: not a single character; found: ';;'"),
        ("{encoding: latin-99}", "options.encoding: an encoding that Python doesn't know; found: 'latin-99'"),
        ("{encoding: rot13}", "options.encoding"),
        ("{delimeter: ';'}", "did you mean 'delimiter'?"),
        ("{delimiter: '\"', quote: '\"'}", "one character has two meanings"),
    ],
)
def test_options_of_a_format_are_held_against_what_its_reader_knows(options: str, said: str) -> None:
    """A typo in an option, a delimiter of two characters and an unknown encoding are findings."""
    entry = f"  - {{property: options, value: {options}}}\n"
    assert said in messages(parcels(("slaProperties:", f"{entry}slaProperties:")))


def test_a_format_that_nothing_reads_is_refused() -> None:
    """With the formats that there are; its options can't be judged then."""
    entries = "  - {property: format, value: jsn}\n  - {property: options, value: {layout: lines}}\n"
    found = messages(parcels(("slaProperties:", f"{entries}slaProperties:")))
    allowed = "csv, json, parquet, postgres, sheet"
    assert f"format: not one of its values; found: 'jsn'; allowed: {allowed}; did you mean 'json'?" in found
    assert "options" not in found


def test_lint_shows_every_finding_of_a_file_and_loading_raises_the_first(tmp_path: Path) -> None:
    """Two mistakes are two findings; the error that stops a run says that there is another."""
    broken = parcels(("Europe/Berlin", "Mars"), ("value: changed_at", "value: nothing"))
    (tmp_path / "parcels.odcs.yaml").write_text(broken)
    assert [finding.key for finding in lint([tmp_path])] == ["orderingColumn", "zone"]
    with pytest.raises(ContractError, match=r"orderingColumn.*1 more: see `opslake contract lint`"):
        load_contracts(tmp_path)

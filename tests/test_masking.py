"""What is shown of personal data. No Spark."""

from __future__ import annotations

import json
from datetime import date

import pytest

from spark_jobs import rejects
from spark_jobs.contract import Contract
from spark_jobs.masking import MASK, masked_exception, masked_fields, masked_row, masked_trace
from spark_jobs.silver_table import statistics
from spark_jobs.trace import Delivered, Origin, Part, Trace
from tests.contract_texts import messages, parcels, parsed

PERSONAL = ("      - name: changed_at\n", "      - name: to_name\n        physicalType: string\n"
            "        classification: personal\n        transformSourceObjects: [receiver_name]\n"
            "        transformLogic: upper(receiver_name)\n      - name: changed_at\n")  # fmt: skip


@pytest.fixture
def contract() -> Contract:
    """Parcels with the name of who gets them."""
    return parsed(parcels(PERSONAL))


def test_a_classified_column_is_shown_as_there_and_not_as_what_it_is(contract: Contract) -> None:
    """A null stays a null; other columns stay."""
    assert masked_row({"parcel_id": "1", "to_name": "ANN"}, contract) == {"parcel_id": "1", "to_name": MASK}
    assert masked_row({"to_name": None}, contract) == {"to_name": None}


def test_a_field_is_masked_by_what_a_classified_column_reads(contract: Contract) -> None:
    """However its header is written, and also where Bronze kept it as a column that the contract didn't know yet."""
    fields = {"grams": "5", "receiver_name": "Ann", "_extra": {"Receiver-Name": "Ann", "note": "x"}}
    masked = {"grams": "5", "receiver_name": MASK, "_extra": {"Receiver-Name": MASK, "note": "x"}}
    assert masked_fields(fields, contract) == masked


def test_of_a_malformed_record_nothing_is_shown(contract: Contract) -> None:
    """Nobody knows which of its text is what; without classified columns it is shown."""
    row = {"record_key": "1", "raw_record": '5,"Ann'}
    assert masked_exception(row, contract) == {"record_key": "1", "raw_record": MASK}
    assert masked_exception(row, parsed(parcels())) == row
    kept = {"record_key": "1", "raw_record": json.dumps({"Receiver Name": "Ann", "grams": None})}
    assert json.loads(masked_exception(kept, contract)["raw_record"]) == {"Receiver Name": MASK, "grams": None}


def test_a_trace_is_masked_in_every_part(contract: Contract) -> None:
    """The row, where it came from, the other versions, and exceptions; a Gold row by its columns' names."""
    told = Delivered(date(2024, 1, 2), "d", "f", 1, {"Receiver Name": "Ann"})
    part = Part("parcels", (), "", 1, (Origin({"to_name": "ANN"}, told),))
    exceptions = ({"record_key": "1", "raw_record": '{"Receiver Name": "Ann"}'},)
    found = Trace("parcels", "silver", {"parcel_id": "1"}, {"to_name": "ANN"}, (part,), (told,), exceptions)
    for trace in (found, Trace("of_gold", "gold", {"day": 1}, {"to_name": "ANN"}, (part,))):
        assert "ann" not in repr(masked_trace(trace, {"parcels": contract})).lower()
        assert MASK in repr(masked_trace(trace, {"parcels": contract}).row)


def test_nothing_personal_has_statistics_not_even_a_key(contract: Contract) -> None:
    """They would stand in the log in clear."""
    assert "to_name" not in statistics(contract)
    keyed = parsed(
        parcels(("        primaryKey: true\n", "        primaryKey: true\n        classification: secret\n"))
    )
    assert (statistics(keyed)[:1], rejects.statistics(keyed)) == (["sent_on"], ["status"])
    assert (statistics(contract)[:1], rejects.statistics(contract)) == (["parcel_id"], ["record_key", "status"])
    assert masked_exception({"record_key": "1"}, keyed) == {"record_key": MASK}


def test_public_is_not_personal(contract: Contract) -> None:
    """The standard's word for what anybody may see."""
    public = (PERSONAL[0], PERSONAL[1].replace("personal", "public"))
    assert (contract.has_personal, parsed(parcels(public)).has_personal) == (True, False)


OWNER = ("  - {property: nullTokens", "  - {property: customerIdColumn, value: owner}\n  - {property: nullTokens")
COLUMN = ("      - name: changed_at\n", "      - name: owner\n        physicalType: string\n      - name: changed_at\n")


def test_a_contract_says_whose_its_rows_are() -> None:
    """A stored text that is delivered as it is."""
    assert parsed(parcels(OWNER, COLUMN)).customer_id == "owner"


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("sent_on\n        physicalType: string", "not a delivered text"),
        ("owner\n        physicalType: bigint", "not a delivered text"),
        ("owner\n        physicalType: string\n        transformLogic: upper(owner)", "computes nothing"),
        ("owner\n        physicalType: string\n        primaryKey: true\n        required: true", "part of the key"),
        ("owner\n        physicalType: string\n        logicalTypeOptions: {pattern: C.*}", "must fit in its place"),
        (
            "owner\n        physicalType: string\n      - name: mail\n        physicalType: string\n"
            "        classification: personal\n        required: true",
            "can't be required",
        ),
    ],
)
def test_a_column_whose_customers_could_not_be_forgotten_is_refused(column: str, said: str) -> None:
    """Each with what is wrong."""
    new = ("      - name: changed_at\n", f"      - name: {column}\n      - name: changed_at\n")
    assert said in messages(parcels(OWNER, new))

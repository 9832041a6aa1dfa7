"""Contracts of tests: of a dataset that the lake doesn't know, to be broken, and of tickets with personal data."""

from __future__ import annotations

from spark_jobs.contract import Contract, read_file

PARCELS = """\
kind: DataContract
apiVersion: v3.1.0
id: parcels
version: 1.2.0
status: active
customProperties:
  - {property: path, value: parcels/%Y/%m/%Y-%m-%d.csv}
  - {property: zone, value: Europe/Berlin}
  - {property: orderingColumn, value: changed_at}
  - {property: eventDateColumn, value: sent_on}
  - {property: nullTokens, value: ["-"]}
slaProperties:
  - {property: latency, value: 2, unit: d}
schema:
  - name: parcels
    properties:
      - name: parcel_id
        physicalType: string
        required: true
        primaryKey: true
      - name: sent_on
        physicalType: date
        customProperties:
          - {property: formats, value: [d.M.yyyy]}
      - name: weight
        physicalType: decimal(9,3)
        logicalType: number
        logicalTypeOptions: {exclusiveMinimum: 0, maximum: 31.5}
        transformSourceObjects: [grams]
        transformLogic: grams / 1000
      - name: size
        physicalType: string
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [S, M, L]}, mustBe: 0}
      - name: changed_at
        physicalType: timestamp
      - name: heavy
        physicalType: boolean
        transformLogic: weight > 20
        customProperties:
          - {property: derived, value: true}
    quality:
      - name: small_and_heavy
        type: custom
        engine: opslake
        severity: error
        implementation: not (heavy and size = 'S')
"""

TICKETS_OF_CUSTOMERS = """\
kind: DataContract
apiVersion: v3.1.0
id: tickets-with-customers
name: tickets
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
  - {property: customerIdColumn, value: customer_id}
  - {property: maxRejectRatio, value: 0.9}
schema:
  - name: tickets
    properties:
      - {name: customer_id, physicalType: string}
      - {name: contact, physicalType: string, classification: personal}
"""


def parcels(*changes: tuple[str, str]) -> str:
    """The contract of parcels with pieces of its text replaced, each of which must be there once."""
    text = PARCELS
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def parsed(text: str) -> Contract:
    """The contract in a text that has nothing wrong with it."""
    file = read_file("parcels.odcs.yaml", text)
    assert [str(finding) for finding in file.findings] == []
    assert file.contract is not None
    return file.contract


def messages(text: str) -> str:
    """All findings of a contract's text, a line each."""
    return "\n".join(str(finding) for finding in read_file("parcels.odcs.yaml", text).findings)

"""Forgotten customers in what is delivered: known again by a keyed hash of their id, before anything is kept.

The lake doesn't have their ids any more, only an HMAC of each. A record of one keeps no id and nothing personal; where
the record is the customer, it isn't taken at all. A malformed record is known by any word of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract import Contract
from spark_jobs.contract.references import is_reference
from spark_jobs.credentials import is_set, resolve
from spark_jobs.errors import UsageError
from spark_jobs.rules import BLANKS, MALFORMED
from spark_jobs.settings import Settings
from state.forgotten import FORGOTTEN_WORD, ForgottenIds

WORD = re.compile(r"[^\s,;|\"'`{}\[\]:=<>()\\]+")
"""What may be an id in a record that couldn't be read."""

CHECKED = "opslake"
LEAST_KEY = 16
"""Characters: a hash with a shorter key could be turned round by trying."""


@dataclass(frozen=True)
class Forgotten:
    """The hashes of forgotten ids and the key that they were made with, which no message shows."""

    key: bytes = field(repr=False)
    hashes: frozenset[str] = field(repr=False)

    def hash_of(self, text: str) -> str:
        """The keyed hash of an id as delivered, blanks around it aside."""
        return hmac.new(self.key, text.strip(BLANKS).encode(), hashlib.sha256).hexdigest()

    def knows(self, text: str | None) -> bool:
        """Whether the text is a forgotten customer's id."""
        return text is not None and self.hash_of(text) in self.hashes

    @property
    def check(self) -> str:
        """What tells another key from this one."""
        return self.hash_of(CHECKED)


def forgotten_of(settings: Settings, *, asked: bool = False) -> Forgotten | None:
    """The lake's forgotten customers; None where there are none, unless they are `asked` for to add to them.

    UsageError where the key is missing, too short, or another than it was.
    """
    known = ForgottenIds(settings.lake).all()
    if not known and not asked:
        return None
    found = Forgotten(_key(settings.forget_key).encode(), frozenset(known))
    if any(row.key_check != found.check for row in known.values()):
        raise UsageError(
            "not the secret with which this lake's forgotten customers are hashed: they would be loaded again",
            where="setting 'forget_key'",
            value=settings.forget_key,
            hint="let it name the secret that it named before",
        )
    return found


def _key(reference: str | None) -> str:
    if reference is None:
        raise UsageError(
            "ids of forgotten customers are hashed with a secret, and none is named",
            where="setting 'forget_key'",
            allowed="env:NAME, gcp-secret:NAME, aws-secret:NAME",
            hint="name the same secret for as long as the lake lives",
        )
    secret = resolve(reference) if is_reference(reference) and is_set(reference) else ""
    if len(secret) < LEAST_KEY:
        raise UsageError(
            f"no secret of at least {LEAST_KEY} characters stands there",
            where="setting 'forget_key'",
            value=reference if is_reference(reference) else None,  # else it may be the secret itself
            allowed="env:NAME, gcp-secret:NAME, aws-secret:NAME",
        )
    return secret


def without_forgotten(rows: pa.Table, contract: Contract, forgotten: Forgotten | None) -> pa.Table:
    """Delivered records in the shape of Bronze, without what is of forgotten customers."""
    if forgotten is None or contract.customer_id is None or not rows.num_rows:
        return rows
    source = contract.column(contract.customer_id).sources[0]
    ids = _known_among(rows[source].combine_chunks(), forgotten)
    rows = _without_texts(rows, forgotten)
    if contract.is_of_persons:
        return rows.filter(pc.invert(ids))
    if not pc.any(ids).as_py():
        return rows
    rows = _put(rows, source, pc.if_else(ids, pa.scalar(FORGOTTEN_WORD), rows[source]))
    for name in (*contract.personal_sources, "_extra"):
        if name != source:
            rows = _put(rows, name, pc.if_else(ids, pa.scalar(None, rows.schema.field(name).type), rows[name]))
    return rows


def cleaner(contract: Contract, forgotten: Forgotten | None) -> Callable[[pa.Table], pa.Table] | None:
    """The same as a function that a task can be given; None where there is nothing to take away."""
    if forgotten is None or contract.customer_id is None:
        return None
    return partial(without_forgotten, contract=contract, forgotten=forgotten)


def _known_among(texts: pa.Array, forgotten: Forgotten) -> pa.Array:
    known = [text for text in pc.unique(texts).to_pylist() if forgotten.knows(text)]
    return pc.is_in(texts, value_set=pa.array(known, texts.type))


def _without_texts(rows: pa.Table, forgotten: Forgotten) -> pa.Table:
    """The rows, those malformed records without their text in which a word is a forgotten id."""
    texts: Collection[str | None] = rows[MALFORMED].to_pylist() if rows[MALFORMED].null_count < rows.num_rows else ()
    named = [text is not None and any(map(forgotten.knows, WORD.findall(text))) for text in texts]
    if not any(named):
        return rows
    replaced = [FORGOTTEN_WORD if his else text for his, text in zip(named, texts, strict=True)]
    return _put(rows, MALFORMED, pa.array(replaced, rows.schema.field(MALFORMED).type))


def _put(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)

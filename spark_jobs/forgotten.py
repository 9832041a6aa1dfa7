"""Forgotten customers in what is delivered: known again by a keyed hash of their id, before anything is kept.

The lake doesn't have their ids any more, only an HMAC of each. A record of one keeps no id and nothing personal; where
the record is the customer, it isn't taken at all. A malformed record is known by any word of it, a field that the
contract doesn't know by its whole value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract import Contract
from spark_jobs.contract.references import is_reference
from spark_jobs.credentials import is_set, resolve
from spark_jobs.errors import UsageError
from spark_jobs.exception_export import ID
from spark_jobs.rules import BLANKS, MALFORMED
from spark_jobs.settings import Settings
from state.forgotten import FORGOTTEN_HEADER, FORGOTTEN_WORD, ForgottenIds

WORD = re.compile(r"[^\s,;|\"'`{}\[\]:=<>()\\]+")
"""What may be an id in a record that couldn't be read, with the marks that it begins or ends with."""
PART = re.compile(r"[^\W_]+")
MOST_PARTS = 6
"""Letters and digits in a row are a part; as many of them, with what is between them, are tried as an id."""

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

    def is_named_in(self, text: str) -> bool:
        """Whether a text holds such an id as words of its own, in this case or written small, large or with a capital.

        Another spelling has another hash.
        """
        spellings = ({each, each.upper(), each.lower(), each.capitalize()} for each in _candidates(text))
        return any(map(self.knows, chain.from_iterable(spellings)))

    def is_field_of(self, header: str) -> bool:
        """Whether a header, as JSON, has such an id for a name: it is a record then."""
        return any(map(self.knows, json.loads(header)))

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


def _candidates(text: str) -> Iterator[str]:
    yield from WORD.findall(text)
    parts = [found.span() for found in PART.finditer(text)]
    for number, (start, _) in enumerate(parts):
        yield from (text[start:end] for _, end in parts[number : number + MOST_PARTS])


def without_forgotten(rows: pa.Table, contract: Contract, forgotten: Forgotten | None) -> pa.Table:
    """Delivered records in the shape of Bronze, without what is of forgotten customers."""
    if forgotten is None or contract.customer_id is None or not rows.num_rows:
        return rows
    source = contract.column(contract.customer_id).sources[0]
    headed = _known_among(rows["_header"], forgotten.is_field_of)
    rows = _put(rows, MALFORMED, _known_among(rows[MALFORMED], forgotten.is_named_in), FORGOTTEN_WORD)
    rows = _put(rows, "_header", headed, FORGOTTEN_HEADER)
    nobody = pc.is_in(
        pc.utf8_lower(pc.utf8_trim(rows[source].combine_chunks(), BLANKS)),
        value_set=pa.array([None, "", *(token.strip().lower() for token in contract.null_tokens)], pa.string()),
    )
    extra = rows["_extra"].combine_chunks()
    known = {text for text in pc.unique(extra.items).to_pylist() if forgotten.knows(text)}
    theirs = pc.or_(_known_among(rows[source], forgotten.knows), pc.and_(nobody, _named_by(extra, known)))
    rows = _without_unknown(rows, pc.or_(theirs, headed), known)
    if contract.is_of_persons:
        return rows.filter(pc.invert(theirs))
    for name in contract.personal_sources:
        rows = _put(rows, name, theirs, None)
    return _put(rows, source, theirs, FORGOTTEN_WORD)


def cleaner(contract: Contract, forgotten: Forgotten | None) -> Callable[[pa.Table], pa.Table] | None:
    """The same as a function that a task can be given; None where there is nothing to take away."""
    if forgotten is None or contract.customer_id is None:
        return None
    return partial(without_forgotten, contract=contract, forgotten=forgotten)


def _known_among(texts: pa.ChunkedArray, is_known: Callable[[str], bool]) -> pa.Array:
    """Which of the texts are; each is asked for once."""
    texts = texts.combine_chunks()
    known = [text for text in pc.unique(texts).to_pylist() if text is not None and is_known(text)]
    return pc.is_in(texts, value_set=pa.array(known, texts.type))


def _named_by(extra: pa.Array, known: Collection[str]) -> pa.Array:
    """Which records have one of the known values in an unknown column."""
    if not known:
        return pa.repeat(pa.scalar(False), len(extra))
    return pa.array([any(value in known for _, value in each or ()) for each in extra.to_pylist()], pa.bool_())


def _without_unknown(rows: pa.Table, gone: pa.Array, known: Collection[str]) -> pa.Table:
    """The rows, those `gone` with no unknown column but the link to an exception, others without the known values."""
    if not known and not pc.any(gone).as_py():
        return rows
    kept = [
        [(name, FORGOTTEN_WORD if text in known else text) for name, text in each or () if name == ID or not is_gone]
        for each, is_gone in zip(rows["_extra"].to_pylist(), gone.to_pylist(), strict=True)
    ]
    field = rows.schema.field("_extra")
    values = pa.array([each or None for each in kept], field.type)
    return rows.set_column(rows.schema.get_field_index("_extra"), field, values)


def _put(rows: pa.Table, name: str, where: pa.Array, value: str | None) -> pa.Table:
    if not pc.any(where).as_py():
        return rows
    field = rows.schema.field(name)
    values = pc.if_else(where, pa.scalar(value, field.type), rows[name])
    return rows.set_column(rows.schema.get_field_index(name), field, values)

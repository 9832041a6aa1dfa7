"""Whose a record is: the tests by which `forget` finds what Bronze and exceptions have of some customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.contract import Contract
from spark_jobs.rules import BLANKS, MALFORMED

LEAST_TEXT = 5
"""Characters of a personal text from which on a value that equals it, or a text that holds it, is the customer's."""
LEAST_VALUE = 2
"""The same for malformed records of persons, among whom names may be short and dates are those of births."""
MAP = "map<string,string>"


@dataclass(frozen=True)
class Customers:
    """Whom to look for in a dataset. No id gets into a condition that a commit would tell."""

    contract: Contract
    ids: frozenset[str]
    texts: frozenset[str] = frozenset()
    """Personal texts of these customers, in small letters."""
    values: frozenset[str] = frozenset()
    """Their shorter texts, their dates and the like, which mean something only where every record is a person."""

    @property
    def source(self) -> str:
        """The delivered column that the customer's id comes from."""
        return self.contract.column(str(self.contract.customer_id)).sources[0]

    @property
    def pattern(self) -> str:
        """A Java regular expression for any of the ids and texts as words of their own, whatever their case."""
        wanted = self.ids | self.texts | (self.values if self.contract.is_of_persons else set())
        words = (rf"\Q{text}\E" for text in sorted(wanted) if r"\E" not in text)
        return rf"(?iu)(?<![\p{{L}}\p{{N}}])(?:{'|'.join(words)})(?![\p{{L}}\p{{N}}])"


def personal_values(its: Customers, silver: DataFrame | None, bronze: DataFrame | None) -> set[tuple[bool, str]]:
    """Names, addresses, birth dates and the like of these customers, as Silver and Bronze have them, in small letters.

    Beside each whether it is a text that tells one customer from another wherever it stands.
    """
    customer = str(its.contract.customer_id)
    columns = [c for c in its.contract.columns if c.is_personal and c.name != customer]
    found: set[tuple[bool, str]] = set()
    if silver is not None:
        stored = [c for c in columns if c.stored]
        fields = [F.col(c.name).cast("string") for c in stored]
        found |= _values(silver.where(F.col(customer).isin(*its.ids)), [c.type for c in stored], fields)
    if bronze is not None:
        delivered = [(c.type, source) for c in columns if not c.derived for source in c.sources]
        fields = [_text(bronze, source) for _, source in delivered]
        rows = bronze.where(_text(bronze, its.source).isin(*its.ids))
        found |= _values(rows, [kind for kind, _ in delivered], fields)
    return {(is_text, value) for is_text, value in found if value not in _nulls(its.contract)}


def _values(rows: DataFrame, types: Sequence[str], fields: Sequence[Column]) -> set[tuple[bool, str]]:
    if not fields:
        return set()
    found = rows.select(*(field.alias(f"field_{n}") for n, field in enumerate(fields))).distinct().collect()
    pairs = ((kind, value) for row in found for kind, value in zip(types, row, strict=True))
    return {
        (kind == "string" and len(value) >= LEAST_TEXT, value.casefold())
        for kind, value in pairs
        if value is not None and len(value) >= LEAST_VALUE
    }


def unknown_columns(its: Customers, bronze: DataFrame) -> list[str]:
    """Columns of Bronze that an earlier contract read and this one doesn't."""
    return [name for name in bronze.columns if not name.startswith("_") and name not in its.contract.source_names]


def is_theirs(its: Customers, bronze: DataFrame) -> Column:
    """A record of Bronze has one of the ids; or none, and one in an unknown column or a text of theirs as a field."""
    unknown = F.concat(
        F.array(*(F.col(name) for name in unknown_columns(its, bronze))).cast("array<string>"),
        F.coalesce(F.map_values("_extra"), F.array().cast("array<string>")),
    )
    return _theirs(its, _text(bronze, its.source), [_text(bronze, n) for n in its.contract.personal_sources], unknown)


def names_them(its: Customers, bronze: DataFrame) -> Column:
    """A record of Bronze names them where they can't be told from the rest: in text, in a header, in unknown fields."""
    unknown = [_equals(its, F.col(name)) for name in unknown_columns(its, bronze)]
    extra = F.exists(F.map_values("_extra"), partial(_equals, its))
    named = [F.col(MALFORMED).rlike(its.pattern), has_their_header(its), extra, *unknown]
    return reduce(or_, (F.coalesce(each, F.lit(False)) for each in named))


def has_their_header(its: Customers) -> Column:
    """The first record of a file without a header stands in the header's place, and one of its fields is an id."""
    named = F.exists(F.from_json("_header", "array<string>"), lambda each: _trimmed(each).isin(*its.ids))
    return F.coalesce(named, F.lit(False))


def without_them(its: Customers, value: Column, word: str) -> Column:
    """A value of an unknown column, or the word where it equals an id or a text."""
    return F.when(_equals(its, value), F.lit(word)).otherwise(value)


def in_exceptions(its: Customers) -> tuple[Column, Column]:
    """A rejected record is theirs; and it names them, in a malformed one's text or in unknown columns."""
    raw, contract = F.col("raw_record"), its.contract
    is_text = F.array_contains("reject_reasons", "malformed_record")
    record = F.from_json(F.when(~is_text, raw), MAP)
    extra = F.from_json(record["_extra"], MAP)
    unread = F.map_filter(record, lambda name, _: ~name.isin("_extra", *contract.source_names))
    none = F.array().cast("array<string>")
    unknown = F.concat(F.coalesce(F.map_values(unread), none), F.coalesce(F.map_values(extra), none))

    def field(name: str) -> Column:
        return _trimmed(F.coalesce(record[name], extra[name]))

    theirs = _theirs(its, field(its.source), [field(name) for name in contract.personal_sources], unknown)
    named = F.when(is_text, raw.rlike(its.pattern)).otherwise(F.exists(unknown, partial(_equals, its)))
    return ~is_text & theirs, F.coalesce(named, F.lit(False))


def _theirs(its: Customers, customer: Column, fields: Sequence[Column], unknown: Column) -> Column:
    is_nobody = customer.isNull() | F.lower(customer).isin(*_nulls(its.contract))
    named = [F.exists(unknown, lambda each: _trimmed(each).isin(*its.ids)), *(_is_text(its, each) for each in fields)]
    by_name = reduce(or_, (F.coalesce(each, F.lit(False)) for each in named))
    return F.coalesce(customer.isin(*its.ids), F.lit(False)) | (is_nobody & by_name)


def _nulls(contract: Contract) -> set[str]:
    return {"", *(token.strip().lower() for token in contract.null_tokens)}


def _equals(its: Customers, value: Column) -> Column:
    return _trimmed(value).isin(*its.ids) | _is_text(its, _trimmed(value))


def _is_text(its: Customers, value: Column) -> Column:
    return F.lower(value).isin(*its.texts) if its.texts else F.lit(False)


def _text(bronze: DataFrame, name: str) -> Column:
    """A delivered field without the blanks around it; from `_extra` where it came before the contract knew it."""
    extra = F.col("_extra")[name]
    return _trimmed(F.coalesce(F.col(name), extra) if name in bronze.columns else extra)


def _trimmed(value: Column) -> Column:
    return F.btrim(value, F.lit(BLANKS))

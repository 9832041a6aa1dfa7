"""What each column of a sample seems to be, with the evidence."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from spark_jobs.draft.instants import Instants, guess_instants
from spark_jobs.draft.sample import Sample

NULL_TOKENS = ("?", "na", "n/a", "#n/a", "null", "none", "nan", "nil", "-", "--")
IDENTIFIER = re.compile(r"(^|_)(id|ids|code|key|zip|postcode|phone|number|no|uuid|guid|ref)$")
PERSONAL = re.compile(r"(^|_)(name|email|mail|phone|mobile|address|gender|sex|age|birth|birthday|dob|ssn|ip)($|_)")
TRUTHS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[+-]?(\d{1,18})(?:\.(\d{1,10}))?")
DOUBLE = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
MOST_VALUES, LONGEST_VALUE, FEWEST_RECORDS = 20, 40, 50  # of an enumeration


@dataclass(frozen=True)
class Guess:
    """One column: how it is called, what it holds and why that is thought."""

    header: str
    name: str
    type: str
    why_type: str
    records: int
    nulls: int
    distinct: int
    formats: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    personal: bool = False
    values: frozenset[str] = frozenset()  # of a column with few of them
    tokens: tuple[str, ...] = ()  # null tokens that stand in it, as delivered

    @property
    def unique(self) -> bool:
        """True when no value stands twice and none is null."""
        return self.records > 0 and self.distinct == self.records

    @property
    def identifies(self) -> bool:
        """True when the name says that the column names a thing."""
        return IDENTIFIER.search(self.name) is not None


def guess_columns(sample: Sample) -> list[Guess]:
    """One guess per column of the sample, in the file's order."""
    return [
        _guess(header, name, values)
        for header, name, values in zip(sample.headers, sample.names, sample.values, strict=True)
    ]


def _guess(header: str, name: str, delivered: list[str | None]) -> Guess:
    counted = Counter(value for value in delivered if value is not None)
    tokens = tuple(value for value in counted if value.casefold() in NULL_TOKENS)
    for token in tokens:
        del counted[token]
    filled = sum(counted.values())
    instants = guess_instants(list(counted))
    kind, why = _type(name, counted, instants)
    return Guess(
        header=header,
        name=name,
        type=kind,
        why_type=why,
        records=len(delivered),
        nulls=len(delivered) - filled,
        distinct=len(counted),
        formats=instants.formats if instants is not None and kind == instants.type else (),
        accepted=_enumeration(name, counted) if kind == "string" else (),
        personal=PERSONAL.search(name) is not None,
        values=frozenset(counted) if len(counted) <= 100 else frozenset(),
        tokens=tokens,
    )


def _type(name: str, counted: Counter[str], instants: Instants | None) -> tuple[str, str]:
    """A Spark SQL type and what speaks for it."""
    filled = sum(counted.values())
    total = f"{filled:,} value{'s' if filled != 1 else ''}"
    if not counted:
        return "string", "no value in the sample"
    if instants is not None:
        return instants.type, _why_instants(instants)
    if IDENTIFIER.search(name):
        return "string", "the name says that it identifies something, so that leading zeros count"
    if {value.casefold() for value in counted} in TRUTHS:
        return "boolean", f"{' and '.join(sorted(counted)[:2])} in {total}"
    if all(INTEGER.fullmatch(value) for value in counted):
        largest = max(len(value.lstrip("+-")) for value in counted)
        return ("int" if largest <= 9 else "bigint"), f"{total} are whole numbers of at most {largest} digits"
    parts = [DECIMAL.fullmatch(value) for value in counted]
    if all(parts) and not any(re.match(r"[+-]?0\d", value) for value in counted):
        scale = max(len(match[2] or "") for match in parts if match)
        whole = max(len(match[1]) for match in parts if match)
        precision = min(38, max(18, whole + scale + 2))
        return (
            f"decimal({precision},{scale})",
            f"{total} have at most {whole} digits before and {scale} after the point",
        )
    if all(DOUBLE.fullmatch(value) for value in counted) and any("e" in value.casefold() for value in counted):
        return "double", f"{total} are numbers, some with an exponent"
    return "string", f"{total}, {len(counted):,} different"


def _why_instants(instants: Instants) -> str:
    what = f"read in {instants.read:,} of {instants.total:,} different values"
    if instants.rivals:
        what += f"; {', '.join(instants.rivals)} would read as many"
    return what


def _enumeration(name: str, counted: Counter[str]) -> tuple[str, ...]:
    """The values, when they are few, short and repeated; of spellings that differ in case the most frequent."""
    records = sum(counted.values())
    few = 1 < len(counted) <= MOST_VALUES and records >= FEWEST_RECORDS and len(counted) <= records / 10
    if not few or IDENTIFIER.search(name) or any(len(v) > LONGEST_VALUE or "\n" in v for v in counted):
        return ()
    spelled: dict[str, str] = {}
    for value, _ in counted.most_common():
        spelled.setdefault(value.casefold(), value)
    return tuple(sorted(spelled.values()))

"""A draft for a dataset of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from spark_jobs.contract.column_checks import CONTEXT, GENERATED, SNAKE_CASE
from spark_jobs.contract.columns import DECIMAL, LOGICAL_TYPES
from spark_jobs.draft.columns import NULL_TOKENS, Guess
from spark_jobs.draft.sample import Sample
from spark_jobs.draft.yaml_text import counted, distinct_folded, guess, preamble, quoted, scalar, setting
from spark_jobs.errors import UsageError
from spark_jobs.names import squeeze

CHANGED = re.compile(r"(^|_)(updated?|modified|changed?|version)(_|$)")
COMMENTS = (
    "Drafted from {file}. Lines below a `# guess:` were concluded from {records} records: judge each,",
    "then delete the comment. docs/contracts.md says what else a contract can state.",
)


def write_draft(sample: Sample, columns: list[Guess], dataset: str) -> str:
    """The contract as YAML; UsageError when the dataset's name isn't one."""
    if not SNAKE_CASE.fullmatch(dataset):
        raise UsageError("a dataset's name is snake_case", value=dataset, allowed="a-z, 0-9 and single _ between them")
    key, why_key = guess_key(columns)
    lines = preamble(dataset, dataset.replace("_", "-"), comments_for(sample))
    event, derived = _event_date(columns)
    lines += ["", "customProperties:", *source_settings(sample)]
    lines += [setting("path", f"{dataset}/%Y/%m/%Y-%m-%d{sample.ending}")]
    lines += [*_tokens(columns), *_zone(columns), *_ordering(columns), *event]
    lines += [guess("every delivery brings new or changed rows, none is the whole list (that would be replace)")]
    lines += [setting("loadMode", "merge"), setting("maxRejectRatio", 0.1)]
    lines += ["", "slaProperties:", "  - {property: latency, value: 24, unit: h}"]
    lines += ["", "schema:", f"  - name: {dataset}", "    logicalType: object", "    physicalType: table"]
    lines += ["    properties:"]
    for column in columns:
        lines += [*_property(column, key.index(column.name) + 1 if column.name in key else 0, why_key), ""]
    return "\n".join([*lines, *derived]).rstrip() + "\n"


def comments_for(sample: Sample) -> list[str]:
    """The head's comments: where the draft comes from, and what it left aside."""
    found = [comment.format(file=quoted(sample.file), records=f"{sample.records:,}") for comment in COMMENTS]
    if sample.malformed:
        found.append(f"{sample.malformed:,} records more have too many or too few fields, or broken quotes.")
    for header in sample.left_out:
        found.append(f"guess: the column {quoted(header)} is an exported index; keepSourceRowId would keep it.")
    return found


def source_settings(sample: Sample) -> list[str]:
    """Format and options, with what speaks for them."""
    evidence = sample.evidence
    lines = [guess(evidence["format"]), setting("format", sample.format)]
    if "delimiter" in evidence:
        lines.append(guess(f"delimiter: {evidence['delimiter']}"))
    lines.append(guess(f"encoding: {evidence['encoding']}"))
    return [*lines, setting("options", sample.options)]


def guess_key(columns: list[Guess]) -> tuple[tuple[str, ...], str]:
    """The columns that name a row and the evidence: a unique one if there is one, identifiers and early ones first."""
    unique = [column for column in columns if column.unique and column.type in ("string", "int", "bigint")]
    unique = unique or [column for column in columns if column.unique]
    if unique:
        best = next((column for column in unique if column.identifies), unique[0])
        others = [column.name for column in unique if column is not best]
        rivals = f"; so are {', '.join(others[:4])}" if others else ""
        return (best.name,), f"key: unique in {counted(best.records, best.records)}{rivals}"
    best = max(columns, key=lambda column: (column.identifies and column.nulls == 0, column.distinct))
    missing = f", {best.nulls:,} null" if best.nulls else ""
    why = f"key: nothing is unique; this one has {best.distinct:,} values in {best.records:,} records{missing}"
    return (best.name,), f"{why}. If rows come in versions this may be right, else name more columns"


def _property(column: Guess, key_position: int, why_key: str) -> list[str]:
    """One property with its guesses."""
    indent = "        "
    name, renamed = _safe(column.name)
    lines = [f"      # header: {quoted(column.header)}", f"      - name: {name}"]
    if renamed:
        lines.append(f"{indent}transformSourceObjects: [{scalar(column.name)}]")
    lines += [guess(column.why_type, indent), f"{indent}logicalType: {logical_type(column.type)}"]
    lines.append(f"{indent}physicalType: {column.type}")
    if key_position:
        lines += [guess(why_key, indent), f"{indent}primaryKey: true", f"{indent}primaryKeyPosition: {key_position}"]
        lines.append(f"{indent}required: true")
    elif column.nulls == 0 and column.records:
        lines += [guess(f"no null in {counted(column.records, column.records)}", indent), f"{indent}required: true"]
    elif column.records:
        lines.append(f"{indent}# null in {counted(column.nulls, column.records)}")
    if column.personal:
        lines += [guess("the name sounds like personal data", indent), f"{indent}classification: personal"]
    return [*lines, *_accepted(column, indent), *formats_lines(column, indent)]


def _accepted(column: Guess, indent: str) -> list[str]:
    if not column.accepted:
        return []
    filled = column.records - column.nulls
    values = ", ".join(scalar(value) for value in column.accepted)
    return [
        guess(f"{len(column.accepted)} values in {filled:,} records; any other will be rejected", indent),
        f"{indent}quality:",
        f"{indent}  - {{type: library, metric: invalidValues, arguments: {{validValues: [{values}]}}, mustBe: 0}}",
    ]


def formats_lines(column: Guess, indent: str) -> list[str]:
    """The datetime patterns of a column that needs some."""
    if not column.formats:
        return []
    return [f"{indent}customProperties:", setting("formats", list(column.formats), indent + "  ")]


def logical_type(kind: str) -> str:
    """The standard's type for a Spark SQL type."""
    return LOGICAL_TYPES["decimal" if DECIMAL.fullmatch(kind) else kind]


def _safe(name: str) -> tuple[str, bool]:
    """A name that isn't one of the engine's own, and whether it differs."""
    taken = name in (*CONTEXT, *GENERATED) or name.startswith("in_")
    return (f"source_{name}", True) if taken else (name, False)


def _tokens(columns: list[Guess]) -> list[str]:
    found = distinct_folded(token for column in columns for token in column.tokens)
    if not found:
        return [f"  # nullTokens: none of {', '.join(NULL_TOKENS)} stands in the file"]
    where = "; ".join(f"in {c.name}: {', '.join(quoted(t) for t in c.tokens)}" for c in columns if c.tokens)
    return [guess(f"these stand for nothing: {where}"), setting("nullTokens", found)]


def _zone(columns: list[Guess]) -> list[str]:
    stamps = [column.name for column in columns if column.type == "timestamp"]
    if not stamps:
        return []
    return [guess(f"the file can't say in which zone the clock of {', '.join(stamps)} ran"), setting("zone", "UTC")]


def _ordering(columns: list[Guess]) -> list[str]:
    for column in columns:
        if column.type == "timestamp" and CHANGED.search(column.name):
            why = f"{column.name} sounds like the time of a row's last change"
            return [guess(why), setting("orderingColumn", _safe(column.name)[0])]
    return ["  # orderingColumn: no timestamp sounds like the time of a row's last change; the later delivery wins"]


def _event_date(columns: list[Guess]) -> tuple[list[str], list[str]]:
    """The setting for the date that partitions Silver, and the derived column for it where there is only an instant."""
    full = sorted((c for c in columns if c.type in ("timestamp", "date")), key=lambda c: c.nulls)
    best = next((c for c in full if not CHANGED.search(c.name)), None)
    if best is None:
        return ["  # eventDateColumn: the file has no date; Silver isn't partitioned"], []
    filled = counted(best.records - best.nulls, best.records)
    source, _ = _safe(best.name)
    if best.type == "date":
        return [guess(f"{source} is a date in {filled}"), setting("eventDateColumn", source)], []
    taken = {squeeze(column.name) for column in columns}
    name = next(n for n in _date_names(source) if squeeze(n) not in taken)
    derived = [
        guess(f"the business date of {source}, to partition by", "      "),
        f"      - name: {name}",
        "        logicalType: date",
        "        physicalType: date",
        f"        transformLogic: to_date(from_utc_timestamp({source}, business_timezone))",
        "        customProperties:",
        setting("derived", True, "          "),
    ]
    return [guess(f"{source} is an instant in {filled}"), setting("eventDateColumn", name)], derived


def _date_names(instant: str) -> Iterator[str]:
    """Names for an instant's business date, the plainest first."""
    yield f"{instant}_date"
    for number in count(2):
        yield f"{instant}_date_{number}"

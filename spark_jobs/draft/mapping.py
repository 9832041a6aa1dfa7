"""A draft that `extends: builtin`: the file's columns as those of a dataset that the lake knows."""

from __future__ import annotations

from difflib import get_close_matches

from spark_jobs.contract import Column, Contract
from spark_jobs.draft.columns import Guess
from spark_jobs.draft.matching import Match, match_columns
from spark_jobs.draft.sample import Sample
from spark_jobs.draft.writing import comments_for, source_settings
from spark_jobs.draft.yaml_text import counted, distinct_folded, guess, preamble, quoted, scalar, setting

INDENT = "        "


def write_extension(sample: Sample, columns: list[Guess], onto: Contract) -> str:
    """The contract as YAML: one entry per column that needs one, the others and what is left over as comments."""
    matches = match_columns(onto, columns)
    lines = preamble(onto.dataset, f"{onto.dataset.replace('_', '-')}-own-export", comments_for(sample))
    lines += ["", "customProperties:", setting("extends", "builtin"), *_source(sample, onto), *_tokens(columns, onto)]
    if any(column.type == "timestamp" and column.formats for column in columns):
        lines += [guess("the file can't say in which zone its clock ran"), setting("zone", onto.zone)]
    lines += ["", "schema:", f"  - name: {onto.dataset}", "    properties:"]
    for column in onto.columns:
        if not column.derived:
            lines += [*_entry(column, matches.get(column.name), onto), ""]
    used = {match.guess.name for match in matches.values()}
    return "\n".join([*lines, *_left_over([c for c in columns if c.name not in used])]).rstrip() + "\n"


def _source(sample: Sample, onto: Contract) -> list[str]:
    """Format and options where they aren't the built-in ones."""
    usual = {"delimiter": ",", "layout": "auto"} | onto.options
    differs = {key: value for key, value in sample.options.items() if usual.get(key) != value}
    if sample.format == onto.format and not (differs and sample.format == "csv"):
        return []
    path = [] if sample.format == onto.format else [setting("path", onto.path.replace(onto.format, sample.format))]
    return [*source_settings(sample), *path]


def _tokens(columns: list[Guess], onto: Contract) -> list[str]:
    known = {token.casefold() for token in onto.null_tokens}
    found = [t for t in distinct_folded(t for c in columns for t in c.tokens) if t.casefold() not in known]
    if not found:
        return []
    return [
        guess(f"{', '.join(map(quoted, found))} stand for nothing"),
        setting("nullTokens", [*onto.null_tokens, *found]),
    ]


def _entry(column: Column, match: Match | None, onto: Contract) -> list[str]:
    """The property that maps the file's column, or what is to be known of one that isn't mapped."""
    if match is None:
        return _unmapped(column)
    found, logic = match.guess, _value_map(column, match.guess)
    lines = (
        [f"      # {column.name}: the header {quoted(found.header)} is the same name"]
        if match.certain
        else [
            f"      # header: {quoted(found.header)}",
            guess(match.why, "      "),
        ]
    )
    if column.name in onto.key:
        lines.append(f"      # {_key_evidence(found)}")
    elif column.required and found.nulls:
        lines.append(f"      # null in {counted(found.nulls, found.records)}, which will be rejected")
    formats = _formats(column, found)
    if match.certain and not logic and not formats:
        return lines
    lines += [f"      - name: {column.name}", f"{INDENT}transformSourceObjects: [{scalar(found.name)}]"]
    return [*lines, *logic, *formats]


def _unmapped(column: Column) -> list[str]:
    if column.required:
        return [
            f"      # to do: {column.name} ({column.type}) is required and nothing in the file looks like it. Name",
            "      # what it comes from, or a formula or a constant; until then every delivery fails for want of it:",
            f"      # - name: {column.name}",
            "      #   transformSourceObjects: [a_column_of_the_file]",
            "      #   transformLogic: case lower(a_column_of_the_file) when 'a' then 1 else 2 end",
        ]
    return [
        guess(f"nothing in the file looks like {column.name}", "      "),
        f"      - name: {column.name}",
        f"{INDENT}transformLogic: cast(null as {column.type})",
    ]


def _key_evidence(found: Guess) -> str:
    if found.unique:
        return f"the key: unique in {counted(found.records, found.records)}"
    return f"the key: {found.distinct:,} values in {found.records:,} records, the others are versions or duplicates"


def _value_map(column: Column, found: Guess) -> list[str]:
    """A CASE for values that the contract spells otherwise; those that resemble nothing are named in a comment."""
    spelled = {value.casefold() for value in column.accepted}
    strange = sorted(value for value in found.values if value.casefold() not in spelled)
    if not column.accepted or not strange:
        return []
    meant = {value: _meant(value, column.accepted) for value in strange}
    whens = [f"{INDENT}  when {_sql(value.lower())} then {_sql(word)}" for value, word in meant.items() if word]
    lost = [quoted(value) for value, word in meant.items() if word is None]
    lines = [f"{INDENT}# to do: {', '.join(lost)} will be rejected as {column.unknown_reason}"] if lost else []
    if not whens:
        return lines
    lines.append(guess(f"values that resemble one of {', '.join(column.accepted)}", INDENT))
    logic = [
        f"{INDENT}transformLogic: >-",
        f"{INDENT}  case lower({found.name})",
        *whens,
        f"{INDENT}  else {found.name} end",
    ]
    return [*lines, *logic]


def _meant(value: str, accepted: tuple[str, ...]) -> str | None:
    """The accepted value that the text begins with, holds as words, or is nearly."""
    folded = value.casefold()
    by_word = {word.casefold(): word for word in accepted}
    for word in sorted(by_word, key=len, reverse=True):
        if f" {word} " in f" {folded.replace('-', ' ').replace('_', ' ')} ":
            return by_word[word]
    close = get_close_matches(folded, by_word, n=1, cutoff=0.8)
    return by_word[close[0]] if close else None


def _sql(text: str) -> str:
    """A Spark SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _formats(column: Column, found: Guess) -> list[str]:
    """The file's datetime patterns, where the built-in ones wouldn't read it."""
    if not found.formats or column.type not in ("timestamp", "date") or set(found.formats) <= set(column.formats):
        return []
    needed = [pattern for pattern in found.formats if pattern not in column.formats]
    lines = [guess(found.why_type, INDENT), f"{INDENT}customProperties:"]
    return [*lines, setting("formats", [*needed, *(f for f in column.formats if f in found.formats)], INDENT + "  ")]


def _left_over(columns: list[Guess]) -> list[str]:
    if not columns:
        return []
    lines = ["      # Not mapped; they stay in Bronze, in `_extra`, and are reported as drift:"]
    for column in columns:
        lines.append(f"      #   {quoted(column.header)} ({column.type}; {column.why_type})")
    return lines

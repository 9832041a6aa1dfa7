"""Which column of a file is meant by which column of a contract."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spark_jobs.contract import Column, Contract
from spark_jobs.draft.columns import Guess
from spark_jobs.names import squeeze

# Beginnings of words that mean the same on a help desk.
SAME = (
    {"creat", "opene", "openi", "submi", "repor", "raise"},
    {"resol", "close", "closi", "solve", "compl", "finis"},
    {"updat", "modif", "chang"},
    {"prior", "urgen", "sever"},
    {"categ", "type", "topic"},
    {"chann", "sourc", "mediu", "origi"},
    {"tier", "plan", "segme"},
    {"statu", "state"},
    {"agent", "assig", "owner", "techn"},
    {"id", "numbe", "no", "key", "ref", "refer"},
)
FILLERS = {"at", "on", "of", "the", "to", "time", "date", "datet", "times", "day", "is", "value"}
NUMBERS = ("int", "bigint", "double", "decimal")


@dataclass(frozen=True)
class Match:
    """A column of the file for a column of the contract, and why."""

    column: Column
    guess: Guess
    why: str
    certain: bool  # the header is the contract's own name: nothing need be said


def match_columns(contract: Contract, guesses: list[Guess]) -> dict[str, Match]:
    """Matches by contract column: equal names first, then names of the same meaning, then the only one of its type.

    A column of the file may serve several columns of the contract only by its own name.
    """
    delivered = [column for column in contract.columns if not column.derived]
    found = _by_name(delivered, guesses)
    taken = {match.guess.name for match in found.values()}
    for column in delivered:
        if column.name not in found:
            best = _by_meaning(column, [g for g in guesses if g.name not in taken], contract.dataset)
            if best is not None:
                found[column.name] = best
                taken.add(best.guess.name)
    for column in delivered:
        if column.name not in found and column.required and column.type in ("timestamp", "date"):
            rest = [g for g in guesses if g.name not in taken and g.type == column.type]
            if len(rest) == 1:
                why = f"no header is called like it, and this is the only other {column.type} of the file"
                found[column.name] = Match(column, rest[0], why, certain=False)
                taken.add(rest[0].name)
    return found


def _by_name(delivered: list[Column], guesses: list[Guess]) -> dict[str, Match]:
    squeezed = {squeeze(guess.name): guess for guess in guesses}
    found = {}
    for column in delivered:
        source = column.sources[0] if len(column.sources) == 1 and column.transform is None else column.name
        guess = squeezed.get(squeeze(source))
        if guess is not None:
            found[column.name] = Match(column, guess, "the same name", certain=True)
    return found


def _by_meaning(column: Column, guesses: list[Guess], dataset: str) -> Match | None:
    """The fitting column whose words mean the most of what the contract's column is called."""
    wanted = _stems(column.name, dataset)
    scored = []
    for guess in guesses:
        words = _stems(guess.name, dataset)
        shared = wanted & words
        if shared and _fits(column, guess):
            scored.append((len(shared) / len(wanted | words), guess.records - guess.nulls, guess))
    if not scored:
        return None
    score, _, best = max(scored, key=lambda entry: entry[:2])
    if score < 0.5:
        return None
    return Match(
        column, best, f"{best.name} sounds like {column.name}, and its values fit {column.type}", certain=False
    )


def _stems(name: str, dataset: str) -> frozenset[str]:
    """The meanings of a name's words, without fillers and without the dataset's own name."""
    own = {word.rstrip("s") for word in dataset.split("_")}
    words = [word for word in re.split(r"_+", name) if word.rstrip("s") not in own]
    stems = {word[:5] for word in words} - FILLERS
    return frozenset(_meanings(stems))


def _meanings(stems: Iterable[str]) -> Iterable[str]:
    for stem in stems:
        yield next((min(group) for group in SAME if stem in group), stem)


def _fits(column: Column, guess: Guess) -> bool:
    """True when the column could hold what the file's column holds."""
    family, found = column.type.partition("(")[0], guess.type.partition("(")[0]
    if family == "string":
        return found not in ("timestamp", "date")
    if family in NUMBERS:
        return found in NUMBERS
    return family == found or (family == "timestamp" and found == "date")

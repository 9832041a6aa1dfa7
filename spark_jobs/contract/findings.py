"""What is wrong with a contract's file: collected, so that lint shows everything and loading raises the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spark_jobs.errors import ContractError, nearest


@dataclass(frozen=True)
class Mark:
    """A place in a file; `line` counts from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Finding:
    """One thing wrong: the file and line, the key, the value found, what is allowed and what to do."""

    mark: Mark
    key: str
    what: str
    value: object = None
    allowed: str | None = None
    hint: str | None = None

    def error(self, others: int = 0) -> ContractError:
        """The finding as the error to raise; `others` is how many more there are."""
        more = f"{others} more: see `opslake contract lint`" if others else None
        hint = "; ".join(part for part in (self.hint, more) if part) or None
        where = f"{self.mark} {self.key}".rstrip()
        return ContractError(self.what, where=where, value=self.value, allowed=self.allowed, hint=hint)

    def __str__(self) -> str:
        return str(self.error())


@dataclass
class Report:
    """The findings of one file, with the places of its keys (`column.setting`, or a key of the contract)."""

    file: str
    findings: list[Finding] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)

    def add(
        self,
        key: str,
        what: str,
        *,
        mark: Mark | None = None,
        value: object = None,
        allowed: Iterable[str] | str | None = None,
        hint: str | None = None,
    ) -> None:
        """Record a finding; without a mark the place of the key, else of what is before its dot, is taken."""
        words = allowed if allowed is None or isinstance(allowed, str) else ", ".join(allowed)
        if hint is None and isinstance(value, str) and allowed is not None and not isinstance(allowed, str):
            hint = nearest(value, allowed)
        place = mark or self.marks.get(key) or self.marks.get(key.partition(".")[0]) or Mark(self.file)
        self.findings.append(Finding(place, key, what, value, words, hint))

    def raise_first(self) -> None:
        """Raise the first finding as a ContractError, if there is one."""
        if self.findings:
            raise self.findings[0].error(others=len(self.findings) - 1)

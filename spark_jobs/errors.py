"""The errors that a user sees: each says what failed, where, the value found, what is allowed and what to do.

Bad rows are never errors: they are data and go to the exception path.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

OK, DATA_FAILED, WRONG_USAGE, ENGINE_FAILED, LAKE_HELD = 0, 1, 2, 3, 75


class OpslakeError(Exception):
    """An error with an answer: the message reads on its own, `exit_code` is what the process ends with."""

    exit_code = ENGINE_FAILED

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        value: object = None,
        allowed: Iterable[object] | str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.where, self.value, self.hint = what, where, value, hint
        self.allowed = allowed if allowed is None or isinstance(allowed, str) else ", ".join(map(str, allowed))
        parts = [f"{where}: {what}" if where else what]
        if value is not None:
            parts.append(f"found: {value!r}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if hint:
            parts.append(hint)
        super().__init__("; ".join(parts))


class UsageError(OpslakeError):
    """A command line, a setting or an environment variable that can't be meant."""

    exit_code = WRONG_USAGE


class ContractError(OpslakeError):
    """A contract that can't be read, or that contradicts itself or the lake."""

    exit_code = WRONG_USAGE


class SourceError(OpslakeError):
    """A delivery that can't be read at all (a single bad record is data, not an error)."""


class Unreachable(SourceError):
    """A server that a source needs doesn't answer, or has let go: worth another try."""


class DataError(OpslakeError):
    """A delivery or a Gold slice that was read well and must not be published."""

    exit_code = DATA_FAILED


class EngineError(OpslakeError):
    """Spark, Delta or a store failed, or a promise of the engine didn't hold."""


class LakeHeld(OpslakeError):
    """Somebody else holds the lake's lease."""

    exit_code = LAKE_HELD


class LeaseLost(OpslakeError):
    """The lease was taken from this run: it may commit nothing more."""

    exit_code = LAKE_HELD


def nearest(value: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that was most likely meant, as a hint, or None."""
    close = get_close_matches(value, list(allowed), n=1)
    return f"did you mean {close[0]!r}?" if close else None


def as_opslake_error(error: Exception, *, where: str) -> OpslakeError:
    """The error itself where it is ours; one that a Spark task raised is found in the text that Spark passes on."""
    if isinstance(error, OpslakeError):
        return error
    text = str(error)
    sign = "SourceError: "
    if sign in text:
        return SourceError(text.split(sign, 1)[1].splitlines()[0])
    return EngineError(f"{type(error).__name__}: {first_line(error)}", where=where)


def first_line(error: Exception) -> str:
    """The first line of what a foreign error says, cut to a length for a log."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__

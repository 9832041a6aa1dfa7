"""From the bytes of a delivered file to text: gzip, byte order marks, declared encodings, bytes that can't be decoded.

Text keeps its own line ends. A byte that can't be decoded becomes a lone surrogate (U+DC00 + byte), so that the reader
of records can reject exactly the record that holds it; `printable` turns such text into valid UTF-8.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from spark_jobs.errors import ContractError, SourceError, nearest

UNDECODABLE = "opslake_undecodable"
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_ORDER_MARKS = (  # the longer first: UTF-32 little endian begins like UTF-16 little endian
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 18


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were looked at: they are read again before the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def open_text(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The text of a binary stream, unzipped when it is gzip, with its line ends untouched; the caller closes `stream`.

    A byte order mark outranks the declared encoding: no other text begins with one.
    """
    head, plain = _peek(stream)
    if head.startswith(b"\x1f\x8b"):
        head, plain = _peek(gzip.GzipFile(fileobj=plain, mode="rb"))  # type: ignore[arg-type]
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), encoding)
    return io.TextIOWrapper(plain, encoding=marked, errors=UNDECODABLE, newline="")


def _peek(stream: BinaryIO) -> tuple[bytes, io.BufferedReader]:
    head = b""
    while len(head) < 4 and (more := stream.read(4 - len(head))):
        head += more
    return head, io.BufferedReader(_Rejoined(head, stream), _BLOCK)


def _keep_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes that can't be decoded as lone surrogates, and those as the bytes again."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    if isinstance(error, UnicodeEncodeError):
        return b"".join(map(_kept_byte, error.object[error.start : error.end])), error.end
    raise error


def _kept_byte(character: str) -> bytes:
    code = ord(character) - 0xDC00
    return bytes([code]) if 0 <= code <= 0xFF else character.encode("utf-8", "surrogatepass")


codecs.register_error(UNDECODABLE, _keep_bytes)


def reading(pieces: Iterable[str], where: str) -> Iterator[str]:
    """The pieces of a text; a damaged gzip stream is a SourceError (only reading finds it)."""
    try:
        yield from pieces
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(
            f"the gzip stream is damaged ({error})", where=where, hint="have the file delivered again"
        ) from error


def is_damaged(text: str) -> bool:
    """Whether the text holds an undecodable byte or a lone surrogate, so that it can't be stored as UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def printable(text: str) -> str:
    """The text as valid UTF-8: an undecodable byte as \\xNN, another lone surrogate as \\uNNNN."""
    return _SURROGATE.sub(_escaped, text) if is_damaged(text) else text


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC00 <= code <= 0xDCFF else f"\\u{code:04x}"


def refuse_unknown_options(options: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    """ContractError for the first option that the format doesn't have."""
    allowed = tuple(allowed)
    for key in options:
        if key not in allowed:
            raise ContractError(
                "unknown source option", where=where, value=key, allowed=allowed, hint=nearest(str(key), allowed)
            )


def encoding_option(value: object, where: str) -> str:
    """The name of a text encoding that Python knows, or ContractError."""
    try:
        if isinstance(value, str) and isinstance("".encode(value), bytes):
            return codecs.lookup(value).name
    except (LookupError, ValueError):
        pass  # the error below says it with the value
    raise ContractError(
        "unknown text encoding", where=f"{where}, encoding", value=value, allowed="utf-8, utf-16, cp1252, iso8859-1, …"
    )

"""Terraform's values on the wire: MessagePack with one extension, which stands for a value that isn't known yet."""

from __future__ import annotations

import struct
from typing import Any

UNKNOWN = object()
NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
NUMBERS |= {0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
LENGTHS = {1: ">B", 2: ">H", 4: ">I"}
TEXTS, BYTES, LISTS, MAPS = (
    {0xD9: 1, 0xDA: 2, 0xDB: 4},
    {0xC4: 1, 0xC5: 2, 0xC6: 4},
    {0xDC: 2, 0xDD: 4},
    {0xDE: 2, 0xDF: 4},
)
EXTENSIONS, FIXED_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}, {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def unpacked(data: bytes) -> Any:
    """The value; every extension is UNKNOWN."""
    return _Reader(data).value()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def value(self) -> Any:
        head = self._number(">B")
        if head <= 0x7F or head >= 0xE0:
            return head if head <= 0x7F else head - 0x100
        if head in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[head]
        if head in NUMBERS:
            return self._number(NUMBERS[head])
        if head <= 0x8F or head in MAPS:
            return {self.value(): self.value() for _ in range(self._length(head, MAPS, 0x0F))}
        if head <= 0x9F or head in LISTS:
            return [self.value() for _ in range(self._length(head, LISTS, 0x0F))]
        if head <= 0xBF or head in TEXTS:
            return self._take(self._length(head, TEXTS, 0x1F)).decode()
        if head in BYTES:
            return self._take(self._length(head, BYTES, 0))
        self._take(1 + (FIXED_EXTENSIONS.get(head) or self._number(LENGTHS[EXTENSIONS[head]])))
        return UNKNOWN

    def _length(self, head: int, sizes: dict[int, int], mask: int) -> int:
        return self._number(LENGTHS[sizes[head]]) if head in sizes else head & mask

    def _number(self, kind: str) -> Any:
        return struct.unpack(kind, self._take(struct.calcsize(kind)))[0]

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]


def packed(value: Any) -> bytes:
    """The value's bytes, in the longest form of each kind."""
    if value is UNKNOWN:
        return b"\xd4\x00\x00"
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(packed, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(packed(one) for pair in value.items() for one in pair)

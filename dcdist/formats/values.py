"""Untrusted msgpack to plain values. Invariant: no value is built before it is counted; byte strings are views.

The msgpack library limits each array but not their number: 40 MB of empty arrays would become gigabytes of lists.
Here the caller limits all values together, so memory stays near the size of the input. Accepted are nil, booleans,
integers, text, byte strings, arrays, and maps with unique text keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from dcdist.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = "int | str | memoryview | list[Value] | dict[str, Value] | None"
"""A value that was read. Booleans are integers to Python; `Fields` tells them apart."""

_DEPTH: Final = 8
_UNSIGNED: Final = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
_SIGNED: Final = {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_TEXT: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAY: Final = {0xDC: 2, 0xDD: 4}
_MAP: Final = {0xDE: 2, 0xDF: 4}
_CONSTANTS: Final[Mapping[int, bool | None]] = {0xC0: None, 0xC2: False, 0xC3: True}


def read(data: bytes | memoryview, *, count: int) -> Value:
    """The one value that `data` holds, made of at most `count` values (a map's keys count too).

    Raises:
        FormatError: It is not msgpack, has another type, is nested too deeply, or has too many values.
    """
    reader = _Reader(memoryview(data), count)
    value = reader.value(_DEPTH)
    if reader.at != len(reader.data):
        raise FormatError(f"{len(reader.data) - reader.at} bytes follow its end")
    return value


class _Reader:
    """A position in the data, and the number of values that may follow."""

    __slots__ = ("at", "data", "left")

    def __init__(self, data: memoryview, count: int) -> None:
        self.data = data
        self.at = 0
        self.left = count

    def value(self, depth: int) -> Value:
        self._count(1)
        lead = self._lead()
        if lead < 0x80:
            return lead
        if lead >= 0xE0:
            return lead - 0x100
        if lead < 0x90:
            return self._map(lead & 0x0F, depth)
        if lead < 0xA0:
            return self._array(lead & 0x0F, depth)
        if lead < 0xC0:
            return self._text(lead & 0x1F)
        return self._long(lead, depth)

    def _long(self, lead: int, depth: int) -> Value:
        """A value whose lead byte is followed by its length, or by the value itself."""
        if lead in _UNSIGNED:
            return self._number(_UNSIGNED[lead])
        if lead in _TEXT:
            return self._text(self._number(_TEXT[lead]))
        if lead in _BYTES:
            return self._take(self._number(_BYTES[lead]))
        if lead in _ARRAY:
            return self._array(self._number(_ARRAY[lead]), depth)
        if lead in _MAP:
            return self._map(self._number(_MAP[lead]), depth)
        if lead in _SIGNED:
            return int.from_bytes(self._take(_SIGNED[lead]), "big", signed=True)
        if lead in _CONSTANTS:
            return _CONSTANTS[lead]
        raise FormatError(f"values of type {lead:#x} are not allowed here")

    def _count(self, values: int) -> None:
        if values > self.left:
            raise FormatError("too many values")
        self.left -= values

    def _lead(self) -> int:
        # Every value has one: read as a slice of one byte, it would take a quarter of all reading time.
        if self.at >= len(self.data):
            raise FormatError("it is truncated")
        self.at += 1
        return self.data[self.at - 1]

    def _take(self, length: int) -> memoryview:
        part = self.data[self.at : self.at + length]
        if len(part) != length:
            raise FormatError("it is truncated")
        self.at += length
        return part

    def _number(self, length: int) -> int:
        return int.from_bytes(self._take(length), "big")

    def _text(self, length: int) -> str:
        try:
            return str(self._take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("a text is not UTF-8") from error

    def _array(self, length: int, depth: int) -> list[Value]:
        self._open(length, depth)
        return [self.value(depth - 1) for _ in range(length)]

    def _map(self, length: int, depth: int) -> dict[str, Value]:
        self._open(2 * length, depth)
        values: dict[str, Value] = {}
        for _ in range(length):
            key = self.value(depth - 1)
            if not isinstance(key, str) or key in values:
                raise FormatError("a map's key is not a text, or occurs twice")
            values[key] = self.value(depth - 1)
        return values

    def _open(self, members: int, depth: int) -> None:
        if depth <= 1 or members > self.left:
            raise FormatError("too many values, or nested too deeply")

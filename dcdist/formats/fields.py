"""One map of an untrusted object, read key by key: what is asked for is there, of its type and within its bounds.

Keys that nobody asks for are ignored, so that a version can grow keys that its older readers do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.errors import FormatError
from dcdist.formats import columns
from dcdist.model.identity import Digest

if TYPE_CHECKING:
    from array import array

    from dcdist.formats.values import Value

DIGEST_LENGTH = 32
"""Bytes of a SHA-256."""


class Fields:
    """A map; `what` names the object in messages. Each method raises FormatError when the key is missing or off."""

    __slots__ = ("_values", "_what")

    def __init__(self, values: Value, what: str) -> None:
        if not isinstance(values, dict):
            raise FormatError(f"{what} cannot be read: it is not a map")
        self._values = values
        self._what = what

    def integer(self, key: str, *, low: int = 0, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(f"{key!r} is not a number")
        if not low <= value <= high:
            raise self.refuse(f"{key!r} is {value}, not from {low} to {high}")
        return value

    def text(self, key: str, *, limit: int) -> str:
        """A text of at most `limit` characters."""
        value = self._value(key)
        if not isinstance(value, str) or len(value) > limit:
            raise self.refuse(f"{key!r} is not a text of at most {limit} characters")
        return value

    def data(self, key: str, *, limit: int) -> memoryview:
        """At most `limit` bytes: a view of the object."""
        value = self._value(key)
        if not isinstance(value, memoryview) or len(value) > limit:
            raise self.refuse(f"{key!r} is not a byte string of at most {limit} bytes")
        return value

    def digest(self, key: str) -> Digest:
        """A SHA-256."""
        return Digest(self.exactly(key, DIGEST_LENGTH))

    def exactly(self, key: str, length: int) -> bytes:
        """`length` bytes."""
        value = self.data(key, limit=length)
        if len(value) != length:
            raise self.refuse(f"{key!r} has {len(value)} bytes, not {length}")
        return bytes(value)

    def column(self, key: str, kind: columns.Type, *, limit: int) -> array[int]:
        """A column of at most `limit` numbers."""
        value = self.data(key, limit=limit * columns.WIDTHS[kind])
        if len(value) % columns.WIDTHS[kind]:
            raise self.refuse(f"{key!r} is cut within a number")
        return columns.read(value, kind)

    def maps(self, key: str, *, limit: int) -> list[Fields]:
        """An array of at most `limit` maps."""
        value = self._value(key)
        if not isinstance(value, list) or len(value) > limit:
            raise self.refuse(f"{key!r} is not an array of at most {limit} maps")
        return [Fields(each, f"{self._what}, {key} {number}") for number, each in enumerate(value)]

    def refuse(self, reason: str) -> FormatError:
        """The error to raise when the object is off in a way that only the caller can tell."""
        return FormatError(f"{self._what} cannot be read: {reason}")

    def _value(self, key: str) -> Value:
        if key not in self._values:
            raise self.refuse(f"{key!r} is missing")
        return self._values[key]

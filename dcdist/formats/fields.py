"""One map of an untrusted object, read field by field. Invariant: a value that is returned has its type and its bounds.

Fields that no reader asks for are ignored, so that a version can gain fields that older readers do without.
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
    """A map; `what` names the object in messages. Each method raises FormatError if the field is missing or wrong."""

    __slots__ = ("_values", "_what")

    def __init__(self, values: Value, what: str) -> None:
        if not isinstance(values, dict):
            raise FormatError(f"{what} cannot be read: it is not a map")
        self._values = values
        self._what = what

    def integer(self, name: str, *, low: int = 0, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        value = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(f"{name!r} is not a number")
        if not low <= value <= high:
            raise self.refuse(f"{name!r} is {value}, not from {low} to {high}")
        return value

    def text(self, name: str, *, limit: int) -> str:
        """A text of at most `limit` characters."""
        value = self._value(name)
        if not isinstance(value, str) or len(value) > limit:
            raise self.refuse(f"{name!r} is not a text of at most {limit} characters")
        return value

    def optional_text(self, name: str, *, limit: int) -> str | None:
        """As `text`; None if the writer left it out."""
        return self.text(name, limit=limit) if name in self._values else None

    def texts(self, name: str, *, count: int, limit: int) -> tuple[str, ...]:
        """A list of at most `count` texts of at most `limit` characters; empty if the writer left it out."""
        found = self._values.get(name, [])
        if not isinstance(found, list) or len(found) > count:
            raise self.refuse(f"{name!r} is not a list of at most {count}")
        if not all(isinstance(each, str) and len(each) <= limit for each in found):
            raise self.refuse(f"{name!r} has an entry that is not a text of at most {limit} characters")
        return tuple(each for each in found if isinstance(each, str))

    def data(self, name: str, *, limit: int) -> memoryview:
        """At most `limit` bytes: a view of the object."""
        value = self._value(name)
        if not isinstance(value, memoryview) or len(value) > limit:
            raise self.refuse(f"{name!r} is not a byte string of at most {limit} bytes")
        return value

    def flag(self, name: str) -> bool:
        """A boolean that a writer may leave out: False then."""
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self.refuse(f"{name!r} is not a boolean")
        return value

    def digest(self, name: str) -> Digest:
        """A SHA-256."""
        return Digest(self.exactly(name, DIGEST_LENGTH))

    def exactly(self, name: str, length: int) -> bytes:
        """`length` bytes."""
        value = self.data(name, limit=length)
        if len(value) != length:
            raise self.refuse(f"{name!r} has {len(value)} bytes, not {length}")
        return bytes(value)

    def column(self, name: str, kind: columns.Type, *, limit: int) -> array[int]:
        """A column of at most `limit` numbers."""
        value = self.data(name, limit=limit * columns.WIDTHS[kind])
        if len(value) % columns.WIDTHS[kind]:
            raise self.refuse(f"{name!r} ends within a number")
        return columns.read(value, kind)

    def maps(self, name: str, *, limit: int) -> list[Fields]:
        """An array of at most `limit` maps."""
        value = self._value(name)
        if not isinstance(value, list) or len(value) > limit:
            raise self.refuse(f"{name!r} is not an array of at most {limit} maps")
        return [Fields(each, f"{self._what}, {name} {number}") for number, each in enumerate(value)]

    def refuse(self, reason: str) -> FormatError:
        """The error to raise when a check of the caller fails."""
        return FormatError(f"{self._what} cannot be read: {reason}")

    def _value(self, name: str) -> Value:
        if name not in self._values:
            raise self.refuse(f"{name!r} is missing")
        return self._values[name]

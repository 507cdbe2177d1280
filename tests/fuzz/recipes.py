"""Bytes as a recipe: which places of a valid value to change, and into what.

A fuzzer that flips bytes of a packed object breaks a length or a checksum first, and gets no further. Here the bytes
say what to change in the value, and the object is packed around the change: whatever the bytes, it is well formed
outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.format_objects import Plain

LOWEST, HIGHEST = -(1 << 63), (1 << 64) - 1
"""The integers that msgpack has."""

EDGES = (
    0, 1, 2, -1, 63, 64, 65, 255, 256, 65535, 65536, 1 << 20, (1 << 20) + 1, 4 << 20, (4 << 20) + 16384,
    (4 << 20) + 16385, 1 << 22, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 4 << 30, (4 << 30) + 1, 1 << 44, 1 << 50,
    (1 << 50) + 1, (1 << 63) - 1, 1 << 63, HIGHEST, LOWEST,
)  # fmt: skip
_EDITS = 6
_ROOM = 8 << 10  # what copies may weigh: else copies of copies fill the memory
_WIDTHS = (2, 4, 8, 32)


# What may follow a place: its removal, its doubling, another value, something near it.
_CHANGES = (
    b"\0", b"\1\6", b"\1\7", b"\1\3" + bytes(range(30)),
    *(bytes([2, choice, 9, 4]) + bytes(range(40)) for choice in range(12)),
    *(bytes([2, 0, edge]) for edge in (0, 3, 14, 19, 22, 25, 26, 28)),
    *(bytes([3, step]) + bytes(range(30)) for step in (0, 1, 2, 127, 129, 255)),
)  # fmt: skip


def recipes(value: Plain, changes: Sequence[bytes] = _CHANGES) -> list[bytes]:
    """Recipes that make each of `changes` at each place of a value."""
    return [place + change for place in (b"\0\0", *_places(value, b"\0\1")) for change in changes]


def _places(value: Plain, way: bytes) -> Iterator[bytes]:
    if isinstance(value, dict | list):
        inner = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
        for number, each in enumerate(inner):
            open_container = isinstance(each, dict | list) and bool(each)
            yield way + bytes([number]) + (b"\0" if open_container else b"")
            yield from _places(each, way + bytes([number, 1]))


def _copied(value: Plain) -> Plain:
    """A value that shares no list and no map with it; the standard library's copy takes ten times as long."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _weight(value: Plain) -> int:
    """About what a value takes when it is packed, in bytes."""
    if isinstance(value, dict):
        return 1 + sum(1 + len(key) + _weight(each) for key, each in value.items())
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + len(value) if isinstance(value, str | bytes) else 3


class Recipe:
    """Reads what to do from bytes; when they end, everything is zero."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._room = _ROOM

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, length: int = 1) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(length), "little")

    def take(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        part = self._data[self._at : self._at + length]
        self._at += length
        return part

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))

    def integer(self) -> int:
        """Any integer that msgpack has, often one at the edge of something."""
        choice = self.number()
        if choice < 160:
            return EDGES[choice % len(EDGES)]
        return int.from_bytes(self.take(choice % 8 + 1), "little", signed=True)

    def text(self) -> str:
        """Any text."""
        return self.take(self.number() % 40).decode("utf-8", "replace")

    def value(self, depth: int = 3) -> Plain:
        """Any value."""
        choice = self.number() % 12
        if choice < 3:
            return self.integer()
        if choice < 5:
            return self.take(self.number() % 65)
        if choice == 5:
            return bytes(self.number(2) % 4096)
        if choice < 8:
            return self.text()
        if choice == 8:
            return (None, True, False, 0.5)[self.number() % 4]
        if choice == 9 and depth:
            return [self.value(depth - 1) for _ in range(self.number() % 5)]
        if choice == 10 and depth:
            return {self.text(): self.value(depth - 1) for _ in range(self.number() % 5)}
        return self._nested(self.number())

    def edited(self, value: Plain) -> Plain:
        """A copy of `value` with up to six places changed."""
        holder: dict[str, Plain] = {"": _copied(value)}
        for _ in range(_EDITS):
            if not self:
                break
            self._edit(holder)
        return holder.get("")

    def _edit(self, holder: dict[str, Plain] | list[Plain]) -> None:
        """Go down from `holder` to a place, and change what is there."""
        while holder:
            if isinstance(holder, dict):
                names = sorted(holder)
                key = names[self.number() % len(names)]
                inner = holder[key]
            else:
                number = self.number() % len(holder)
                inner = holder[number]
            if isinstance(inner, dict | list) and inner and self.number() % 6:
                holder = inner
                continue
            if isinstance(holder, dict):
                self._edit_member(holder, key)
            else:
                self._edit_item(holder, number)
            return

    def _edit_member(self, holder: dict[str, Plain], key: str) -> None:
        match self.number() % 6:
            case 0:
                del holder[key]
            case 1:
                holder[self.text()] = holder[key]
            case 2:
                holder[key] = self.value()
            case _:
                holder[key] = self._near(holder[key])

    def _edit_item(self, holder: list[Plain], number: int) -> None:
        match self.number() % 6:
            case 0:
                del holder[number]
            case 1:
                count = min((1, 1, 1, 2, 2, 3, 7, 70)[self.number() % 8], self._room // _weight(holder[number]))
                self._room -= count * _weight(holder[number])
                holder.extend(_copied(holder[number]) for _ in range(count))
            case 2:
                holder[number] = self.value()
            case _:
                holder[number] = self._near(holder[number])

    def _near(self, value: Plain) -> Plain:
        """Something like the value."""
        if isinstance(value, bool) or value is None:
            return not value
        if isinstance(value, int):
            return min(max(value + self.number() - 128, LOWEST), HIGHEST)
        if isinstance(value, bytes):
            return self._spliced(value) if self.number() % 2 else self._in_column(value)
        if isinstance(value, str):
            return self._spliced(value.encode()).decode("utf-8", "replace")
        return self.value()

    def _spliced(self, data: bytes) -> bytes:
        """A run replaced."""
        at = self.number(2) % (len(data) + 1)
        cut, put = self.number() % 34, self.number() % 34
        return data[:at] + self.take(put) + data[at + cut :]

    def _in_column(self, data: bytes) -> bytes:
        """One number of a column replaced."""
        width = _WIDTHS[self.number() % len(_WIDTHS)]
        at = self.number() * width % (len(data) + width)
        return data[:at] + (self.integer() % (1 << 8 * width)).to_bytes(width, "little") + data[at + width :]

    def _nested(self, depth: int) -> Plain:
        """Lists in lists."""
        value: Plain = []
        for _ in range(depth):
            value = [value]
        return value

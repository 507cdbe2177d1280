"""msgpack: what is read is what the library for it reads, and costs no more than was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack

from dcdist.errors import FormatError
from dcdist.formats import values
from tests.fuzz.recipes import Recipe
from tests.fuzz.target import Target, require

if TYPE_CHECKING:
    from dcdist.formats.values import Value


def run(data: bytes) -> None:
    """The first byte: whether the rest is msgpack or a recipe for a value, and how many values are allowed."""
    first, rest = data[0] if data else 0, data[1:]
    packed = msgpack.packb(Recipe(rest).value(8)) if first & 1 else rest
    allowed = first // 2
    try:
        read = values.read(packed, count=allowed)
    except FormatError as error:
        require(len(str(error)) < 200, "a message is short")
        return
    require(_count(read) <= allowed, "no more values come than were allowed")
    require(read == msgpack.unpackb(packed), "what is read is what msgpack reads")


def _count(value: Value) -> int:
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1


def seeds() -> list[bytes]:
    """Values of each kind, nested, cut, and too many."""
    kinds = [
        0, 127, 128, 256, 1 << 20, 1 << 40, -1, -33, -200, -70000, -(1 << 40), "", "\xe9", "a" * 40, "b" * 300, b"",
        b"x" * 300, None, True, False, 0.5, [], [1] * 20, {}, {"a": [1, {"b": None}]},
        {str(number): number for number in range(20)},
    ]  # fmt: skip
    packed = [msgpack.packb(each) for each in kinds]
    packed += [
        b"\x91" * 9, b"\xa1\xff", b"\x82\xa1a\x01\xa1a\x02", b"\x81\x01\x02", b"\xdd\xff\xff\xff\xff", b"\xc1",
        b"\xc7\x01\x01x", b"\xda\x00\x01a", b"\xc6\x00\x00\x00\x01a", b"\xdf\x00\x00\x00\x00",
    ]  # fmt: skip
    recipes = [bytes([255, kind, *range(20)]) for kind in range(12)]
    whole = [first + each for first in (b"\xfe", b"\x04") for each in packed]
    return [*whole, *(b"\xfe" + each[:-1] for each in packed), *recipes]


TARGET = Target("values", run, [values.read], seeds, max_length=400)

"""Objects in an envelope, from bytes: the object itself, its map, or changes to a valid map."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgpack

from dcdist.model.identity import Digest
from tests.fuzz.recipes import Recipe, recipes
from tests.support.format_objects import take_apart

if TYPE_CHECKING:
    from tests.support.format_objects import Opened, Plain

OBJECT, MAP, CHANGES, MADE = range(4)
"""What an input is, by its first byte: an object, a map, changes to a valid map, or the target's own form."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_ONE_SEGMENT_SIZE_4 = b"\xa0"
_BLOCK_LIMIT = 128 << 10


def stored(plain: bytes) -> bytes:
    """A zstd frame of these bytes as they are: made a hundred times as fast as one that is compressed."""
    blocks = []
    for start in range(0, max(len(plain), 1), _BLOCK_LIMIT):
        part = plain[start : start + _BLOCK_LIMIT]
        last = start + _BLOCK_LIMIT >= len(plain)
        blocks.append((len(part) << 3 | last).to_bytes(3, "little") + part)
    return _MAGIC + _ONE_SEGMENT_SIZE_4 + len(plain).to_bytes(4, "little") + b"".join(blocks)


def wrapped(kind: Plain, plain: bytes, version: Plain = 1) -> bytes:
    """An object of this kind around a map's bytes."""
    return msgpack.packb([kind, version, stored(plain)])


def digest(data: bytes) -> Digest:
    """Its SHA-256."""
    return Digest(hashlib.sha256(data).digest())


def written_again(data: bytes) -> bool:
    """Whether a target writes what it read of this input: one in four, since writing is slow."""
    return bool(data) and data[0] >= 192


class Form:
    """How inputs become objects of one kind, given a valid one."""

    def __init__(self, valid: bytes) -> None:
        self.valid = valid
        self._opened: Opened = take_apart(valid)

    def object_of(self, data: bytes) -> bytes:
        """The object that an input stands for; MADE is for the target to handle before this."""
        what, rest = data[0] % 4 if data else OBJECT, data[1:]
        if what == OBJECT:
            return rest
        if what == MAP:
            return wrapped(self._opened.kind, rest, self._opened.version)
        return self.changed(Recipe(rest), self._opened.body)

    def changed(self, recipe: Recipe, body: dict[str, Plain]) -> bytes:
        """An object of this kind with changes to `body`."""
        return wrapped(self._opened.kind, msgpack.packb(recipe.edited(dict(body))), self._opened.version)

    def seeds(self) -> list[bytes]:
        """The valid object in each form, an envelope that is off, and changes of each sort."""
        objects = [self.valid, msgpack.packb([self._opened.kind, 2, b""]), msgpack.packb([self._opened.kind, True])]
        plain = msgpack.packb(self._opened.body)
        return [
            *(bytes([OBJECT]) + each for each in objects),
            bytes([MAP]) + plain,
            bytes([CHANGES]),
            bytes([192 + CHANGES]),
            *(bytes([CHANGES]) + each for each in recipes(self._opened.body)),
        ]

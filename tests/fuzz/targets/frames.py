"""Frames: exactly the promised plain bytes, or a refusal; and one zstd frame with bounds on its size."""

from __future__ import annotations

import zstandard

from dcdist.formats import compression, frames
from dcdist.model.layer import Frame
from tests.fuzz.objects import digest, stored
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require

_PLAIN = b"plain bytes, plain bytes, " * 10 + bytes(200)
_PACKED = [zstandard.ZstdCompressor(level=level).compress(_PLAIN) for level in (1, 19)]
_UNPACKER, _DECOMPRESSOR = frames.Unpacker(), compression.decompressor()


def run(data: bytes) -> None:
    """The first byte: whether the rest is a frame, or changes to one; two more: what length is promised."""
    first, promised, rest = data[0] if data else 0, int.from_bytes(data[1:3], "little"), data[3:]
    if first & 1:
        changed = Recipe(rest).edited([_PACKED[first // 4 % 2]])
        rest = next((each for each in changed if isinstance(each, bytes)), b"") if isinstance(changed, list) else b""
    length = promised or len(_PLAIN)
    frame = Frame(0, 0, len(rest), 0, length, digest(rest if first & 2 else b""))
    try:
        require(len(_UNPACKER.unpack(frame, rest)) == length, "a frame has the promised length")
        require(bool(first & 2), "a frame has the promised digest")
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
    try:
        require(1 <= len(compression.unpack(_DECOMPRESSOR, rest, high=1000)) <= 1000, "a size stays in its bounds")
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")


def seeds() -> list[bytes]:
    """Frames of some kinds, and changes of each sort."""
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(_PLAIN)
    checked = zstandard.ZstdCompressor(write_checksum=True).compress(_PLAIN)
    made = [*_PACKED, unsized, checked, stored(_PLAIN), stored(b""), stored(b"x"), _PACKED[0] * 2, b""]
    edits = [bytes([first, 0, 0]) + recipe for first in (3, 7) for recipe in recipes([_PACKED[0]])]
    return [*(bytes([first, 0, 0]) + each for each in made for first in (0, 2)), b"\x02\x05\0" + _PACKED[0], *edits]


TARGET = Target("frames", run, [frames.Unpacker.unpack, frames.unpack, compression.unpack], seeds)

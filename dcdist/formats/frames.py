"""Frames: runs of plain bytes, each one zstd frame that is checked before it is unpacked.

Invariant: unpacking returns exactly the expected number of bytes or raises, and never takes more memory than that.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, IntegrityError, InvariantError, UsageError
from dcdist.formats import compression
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from dcdist.model.layer import Frame

FRAME_PLAIN_LIMIT: Final = 4 * MIB
"""The most plain bytes of one frame."""

FRAME_LIMIT: Final = FRAME_PLAIN_LIMIT + FRAME_PLAIN_LIMIT // 256
"""The most compressed bytes of one frame: zstd's worst case for that many random bytes."""

_LEVELS: Final = range(1, 23)


class Packer:
    """Makes frames; for one thread at a time. `level` is zstd's, 1 to 22.

    Raises:
        UsageError: The level is not one of these.
    """

    __slots__ = ("_compress",)

    def __init__(self, level: int) -> None:
        if level not in _LEVELS:
            raise UsageError(f"there is no compression level {level}: choose {_LEVELS[0]} to {_LEVELS[-1]}")
        self._compress = compression.compressor(level)

    def pack(self, plain: bytes | memoryview) -> bytes:
        """One frame with 1 to FRAME_PLAIN_LIMIT plain bytes."""
        if not 0 < len(plain) <= FRAME_PLAIN_LIMIT:
            raise InvariantError(f"a frame of {len(plain)} plain bytes")
        return self._compress.compress(plain)


class Unpacker:
    """Reads frames; for one thread at a time."""

    __slots__ = ("_decompress",)

    def __init__(self) -> None:
        self._decompress = compression.decompressor()

    def unpack(self, frame: Frame, data: bytes | memoryview) -> bytes:
        """The plain bytes of `frame`; `data` are its supposed compressed bytes.

        Raises:
            IntegrityError: `data` has another SHA-256.
            FormatError: `data` has the right SHA-256, but is not one frame of `plain_length` bytes.
        """
        if hashlib.sha256(data).digest() != frame.digest:
            raise IntegrityError(f"frame {frame.number} is not the expected one: its SHA-256 differs")
        try:
            return compression.unpack(self._decompress, data, low=frame.plain_length, high=frame.plain_length)
        except FormatError as error:
            raise FormatError(f"frame {frame.number} cannot be read: {error}") from error


def unpack(frame: Frame, data: bytes | memoryview) -> bytes:
    """`Unpacker().unpack`, for a single frame."""
    return Unpacker().unpack(frame, data)

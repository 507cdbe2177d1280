"""One zstd frame to bytes. Invariant: a frame is unpacked only if it declares its size, within the caller's bounds."""

from __future__ import annotations

from typing import Final

import zstandard

from dcdist.errors import FormatError
from dcdist.model.geometry import MIB

DEFAULT_LEVEL: Final = 9
"""zstd's level where nobody chose one: about 14 CPU seconds a GiB."""

WINDOW_LIMIT: Final = 8 * MIB
"""The most bytes that a frame may refer back: every zstd decoder must support as many."""


def compressor(level: int) -> zstandard.ZstdCompressor:
    """Declares the size and adds no checksum, since SHA-256 covers every frame. For one thread at a time."""
    return zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=False)


def decompressor() -> zstandard.ZstdDecompressor:
    """Obeys WINDOW_LIMIT. For one thread at a time."""
    return zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT)


def declared_size(data: bytes | memoryview) -> int:
    """The bytes of content that a frame declares, at least 2^63 if it declares none; nothing is unpacked.

    Raises:
        FormatError: It does not begin as a frame.
    """
    try:
        return zstandard.get_frame_parameters(data).content_size
    except zstandard.ZstdError as error:
        raise FormatError(f"a zstd frame is damaged: {error}") from error


def unpack(decompress: zstandard.ZstdDecompressor, data: bytes | memoryview, *, low: int = 1, high: int) -> bytes:
    """The content of `data`: one frame with `low` to `high` bytes of content.

    Raises:
        FormatError: It is not one whole frame, does not declare its size, or declares a wrong one.
    """
    try:
        frame = zstandard.get_frame_parameters(data)
        if not low <= frame.content_size <= high:
            raise FormatError(f"a zstd frame does not declare a size from {low} to {high} bytes")
        if frame.window_size > WINDOW_LIMIT or frame.dict_id:
            raise FormatError(f"a zstd frame needs a dictionary or a window of over {WINDOW_LIMIT} bytes")
        content = decompress.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"a zstd frame is damaged: {error}") from error
    if len(content) != frame.content_size:
        raise FormatError(f"a zstd frame declares {frame.content_size} bytes, but has {len(content)}")
    return content

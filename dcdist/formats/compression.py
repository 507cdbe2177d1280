"""One zstd frame to bytes, its size known before it is unpacked: a frame that does not declare it is refused."""

from __future__ import annotations

from typing import Final

import zstandard

from dcdist.errors import FormatError

DEFAULT_LEVEL: Final = 9
"""zstd's level where nobody chose one: about 14 CPU seconds a GiB."""

WINDOW_LIMIT: Final = 8 << 20
"""The most bytes that a frame may refer back: what every zstd decoder must support."""


def compressor(level: int) -> zstandard.ZstdCompressor:
    """One that declares the size and adds no checksum: SHA-256 covers every frame. Use it in one thread at a time."""
    return zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=False)


def decompressor() -> zstandard.ZstdDecompressor:
    """One that obeys WINDOW_LIMIT. Use it in one thread at a time."""
    return zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT)


def unpack(decompress: zstandard.ZstdDecompressor, data: bytes | memoryview, *, low: int = 1, high: int) -> bytes:
    """The content of `data`, which is one frame of `low` to `high` bytes.

    Raises:
        FormatError: It is not one whole frame, does not declare its size, declares another, or lies.
    """
    try:
        frame = zstandard.get_frame_parameters(data)
        if not low <= frame.content_size <= high:
            raise FormatError(f"a zstd frame declares no size from {low} to {high} bytes")
        if frame.window_size > WINDOW_LIMIT or frame.dict_id:
            raise FormatError(f"a zstd frame needs a dictionary or a window of over {WINDOW_LIMIT} bytes")
        content = decompress.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"a zstd frame is damaged: {error}") from error
    if len(content) != frame.content_size:
        raise FormatError(f"a zstd frame declares {frame.content_size} bytes and has {len(content)}")
    return content

"""gzip and zstd around a whole file, unwrapped as a stream.

Invariant: it holds at most a few dozen MiB, whatever the input; a stream that ends without an error is whole.
"""

from __future__ import annotations

import enum
import zlib
from typing import TYPE_CHECKING, Final

import zstandard

from dcdist.errors import FormatError
from dcdist.model.geometry import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Wrapping(enum.Enum):
    """The compression around a file."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_MAGICS: Final = ((b"\x1f\x8b", Wrapping.GZIP), (b"\x28\xb5\x2f\xfd", Wrapping.ZSTD))
# What stands instead once the file is unpacked, as gunzip and unzstd have it.
_ENDINGS: Final = {
    ".gz": "", ".gzip": "", ".tgz": ".tar", ".taz": ".tar", ".zst": "", ".zstd": "", ".tzst": ".tar",
}  # fmt: skip
_PART: Final = MIB
# A zstd block of 4 bytes can hold 128 KiB, and the binding unpacks all of its input at once: 2 KiB become 64 MiB.
_ZSTD_INPUT: Final = 2 * KIB
# The default of the zstd command.
_ZSTD_WINDOW: Final = 128 * MIB


def wrapping_of(head: bytes) -> Wrapping:
    """The wrapping that the first bytes of a file indicate."""
    return next((wrapping for magic, wrapping in _MAGICS if head.startswith(magic)), Wrapping.NONE)


def bare_name(name: str) -> str:
    """The name of a file once it is unpacked: `web.xva` for `web.xva.gzip`, `web.tar` for `web.tgz`."""
    stem, dot, last = name.rpartition(".")
    return stem + _ENDINGS.get(f"{dot}{last}".lower(), f"{dot}{last}")


def unwrap(wrapping: Wrapping, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a file whose bytes are `parts`; in parts of any size, none empty.

    Raises:
        FormatError: The stream is damaged, or ends early.
    """
    match wrapping:
        case Wrapping.NONE:
            return (part for part in parts if part)
        case Wrapping.GZIP:
            return _gunzip(parts)
        case Wrapping.ZSTD:
            return _unzstd(parts)


def _gunzip(parts: Iterable[bytes]) -> Iterator[bytes]:
    stream: zlib._Decompress | None = None
    members = 0
    for part in parts:
        data = part
        more = True
        while more:
            if stream is None:
                # As in gzip: members may follow each other, and zeros (a tape's padding) may follow the last.
                data = data.lstrip(b"\0") if members else data
                if not data:
                    break
                stream, members = zlib.decompressobj(wbits=31), members + 1
            try:
                plain = stream.decompress(data, _PART)
            except zlib.error as error:
                raise FormatError(f"the gzip stream is damaged: {error}") from error
            if plain:
                yield plain
            if stream.eof:
                data, stream = stream.unused_data, None
            else:
                data = stream.unconsumed_tail
                # At its output limit zlib may hold more output, though it has consumed all input.
                more = bool(data) or len(plain) == _PART
    if stream is not None or not members:
        raise FormatError("the gzip stream ends early: the file is truncated")


def _unzstd(parts: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream: zstandard.ZstdDecompressionObj | None = None
    frames = 0
    for part in parts:
        for start in range(0, len(part), _ZSTD_INPUT):
            data = part[start : start + _ZSTD_INPUT]
            while data:
                if stream is None:
                    stream, frames = decompressor.decompressobj(), frames + 1
                try:
                    plain = stream.decompress(data)
                except zstandard.ZstdError as error:
                    raise FormatError(f"the zstd stream is damaged: {error}") from error
                if plain:
                    yield plain
                data = b""
                if stream.eof:
                    data, stream = stream.unused_data, None
    if stream is not None or not frames:
        raise FormatError("the zstd stream ends early: the file is truncated")

"""What is around an XVA: nothing, zstd or gzip, by its first 512 bytes, and how to take it off.

Follows import.ml (`with_open_archive`): what is not a header of ova.xml is zstd by its magic number, and else goes
through `gzip -d`. A decompressor that meets what it cannot read just ends, so that the archive seems to end there: a
stream whose first member has another name fails as one that is too short.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Literal

import zstandard

from tools.lab.xapi.archive import OVA
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.tar_header import read_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Compression = Literal["zstd", "gzip"]

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP = 31
"""zlib's number for a window of 32 KiB in gzip's format."""


def compression_of(block: bytes) -> Compression | None:
    """What is around an archive that begins with these 512 bytes; None if nothing is."""
    try:
        member = read_member(block)
    except Failure:
        member = None
    if member is not None and member.name == OVA:
        return None
    return "zstd" if block.startswith(_ZSTD_MAGIC) else "gzip"


def unpacked(compression: Compression, packed: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a compressed stream, up to its end or to what cannot be read."""
    try:
        if compression == "zstd":
            expand = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
            for data in packed:
                yield expand.decompress(data)
        else:
            yield from _gunzipped(packed)
    except (zlib.error, zstandard.ZstdError):
        return


def _gunzipped(packed: Iterable[bytes]) -> Iterator[bytes]:
    """All members of a gzip file."""
    member = zlib.decompressobj(_GZIP)
    for data in packed:
        rest = data
        while rest:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            yield member.decompress(rest)
            rest = member.unused_data

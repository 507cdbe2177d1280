"""gzip and zstd around a file: the same content in any split, never much of it at once."""

from __future__ import annotations

import gzip
import hashlib

import zstandard

from dcdist.formats.wrapping import Wrapping, unwrap, wrapping_of
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require

_MOST = 4 << 20
_PART_LIMIT = 64 << 20
_PLAIN = b"the plain bytes of an image, the plain bytes of an image" + bytes(300)
_GZIP = gzip.compress(_PLAIN, 6, mtime=0)
_ZSTD = zstandard.ZstdCompressor(level=3).compress(_PLAIN)


def run(data: bytes) -> None:
    """The first byte: the split, and whether the rest is a file or changes to a list of streams."""
    first, rest = data[0] if data else 0, data[1:]
    if first & 1:
        listed = Recipe(rest).edited([_GZIP] if first & 2 else [_ZSTD])
        rest = b"".join(each for each in listed if isinstance(each, bytes)) if isinstance(listed, list) else b""
    kind = (wrapping_of(rest), Wrapping.GZIP, Wrapping.ZSTD, wrapping_of(rest))[first // 4 % 4]
    whole, split = _read(kind, rest, len(rest) or 1), _read(kind, rest, (1, 7, 64, 1000)[first // 16 % 4])
    require(None in (whole, split) or whole == split, "the split of the bytes changes nothing")
    if kind is Wrapping.NONE:
        passed = (len(rest), hashlib.sha256(rest).digest()) if len(rest) <= _MOST else None
        require(whole == passed, "what is not wrapped is passed on")


def _read(kind: Wrapping, data: bytes, step: int) -> tuple[int, bytes] | None:
    """Length and digest of the content; None if it was refused, or is more than is looked at."""
    total, hasher = 0, hashlib.sha256()
    try:
        for part in unwrap(kind, (data[start : start + step] for start in range(0, len(data), step))):
            require(0 < len(part) <= _PART_LIMIT, "no part is empty, and none is huge")
            total += len(part)
            hasher.update(part)
            if total > _MOST:
                return None
    except REFUSALS:
        return None
    return total, hasher.digest()


def seeds() -> list[bytes]:
    """Streams of both kinds, several in a row, and changes of each sort."""
    files = [b"", b"plain", _GZIP, _ZSTD, _GZIP * 2, _ZSTD * 2, _GZIP + bytes(9), _GZIP[:-3], _ZSTD[:-3], _GZIP + b"x"]
    files.append(zstandard.ZstdCompressor(level=1).compress(bytes(1 << 20)))
    edits = [bytes([first]) + recipe for first in (1, 3, 17, 19, 35) for recipe in recipes([_GZIP])]
    return [*(bytes([split]) + each for each in files for split in (0, 16, 32)), *edits]


TARGET = Target("wrapping", run, [unwrap, wrapping_of], seeds, max_length=600)

"""Small layers of random bytes with true piece hashes, for adapters that do not look into frames."""

from __future__ import annotations

import hashlib
import random
from array import array
from dataclasses import dataclass

from dcdist.model.geometry import MIB, Geometry
from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable, Index


@dataclass(frozen=True)
class SampleLayer:
    """A layer's index and all its bytes."""

    index: Index
    data: bytes

    def piece(self, number: int) -> bytes:
        """The bytes of one piece."""
        geometry = self.index.geometry
        start = number * geometry.piece_length
        return self.data[start : start + geometry.piece_size(number)]


def sample_layer(length: int = 2 * MIB + 1000, *, seed: int = 1, data: bytes | None = None) -> SampleLayer:
    """A layer of `length` bytes (2 MiB + 1000: nine pieces, the last short), with a single frame."""
    content = random.Random(seed).randbytes(length) if data is None else data
    geometry = Geometry.for_length(len(content))
    cuts = range(0, len(content), geometry.piece_length)
    hashes = b"".join(hashlib.sha1(content[cut : cut + geometry.piece_length]).digest() for cut in cuts)
    ends = array("Q", [0, len(content)])
    frames = FrameTable(ends, ends, hashlib.sha256(content).digest())
    name = LayerName(f"{seed:032x}")
    return SampleLayer(Index(name, geometry, hashes, frames, Digest(bytes(32))), content)

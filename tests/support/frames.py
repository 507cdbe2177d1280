"""Layers of real frames, and the extents of images over them, made without a publisher."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass

from dcdist.formats.frames import Packer
from dcdist.model.extent import Extents
from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable, Index


@dataclass(frozen=True)
class FramedLayer:
    """A layer's index, all its bytes, and what they unpack to."""

    index: Index
    data: bytes
    plain: bytes


def framed_layer(plains: list[bytes], *, number: int = 1) -> FramedLayer:
    """A layer with one frame for each of `plains`."""
    packer = Packer(1)
    packed = [packer.pack(plain) for plain in plains]
    starts, plain_starts = array("Q", [0]), array("Q", [0])
    for frame, plain in zip(packed, plains, strict=True):
        starts.append(starts[-1] + len(frame))
        plain_starts.append(plain_starts[-1] + len(plain))
    data = b"".join(packed)
    geometry = Geometry.for_length(len(data))
    cuts = range(0, len(data), geometry.piece_length)
    hashes = b"".join(hashlib.sha1(data[cut : cut + geometry.piece_length]).digest() for cut in cuts)
    digests = b"".join(hashlib.sha256(frame).digest() for frame in packed)
    table = FrameTable(starts, plain_starts, digests)
    index = Index(LayerName(f"{number:032x}"), geometry, hashes, table, Digest(bytes(32)))
    return FramedLayer(index, data, b"".join(plains))


def extents_of(layers: list[FramedLayer], runs: list[tuple[int, int, int]]) -> Extents:
    """Extents from (source, start, length) triples; source 0 is zeros."""
    return Extents(
        sum(length for _, _, length in runs),
        tuple(layer.index.layer for layer in layers),
        array("H", [source for source, _, _ in runs]),
        array("Q", [start for _, start, _ in runs]),
        array("Q", [length for _, _, length in runs]),
    )


def image_of(layers: list[FramedLayer], runs: list[tuple[int, int, int]]) -> bytes:
    """The bytes that those extents stand for."""
    return b"".join(
        layers[source - 1].plain[start : start + length] if source else bytes(length) for source, start, length in runs
    )

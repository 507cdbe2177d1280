"""Copies frames that a new layer shares with layers in the cache, instead of moving them again.

When a publisher moves frames out of a layer that is mostly dead, they arrive byte for byte; a host that has the old
layer has them. Only pieces that such frames cover whole are taken; each is checked like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.errors import DiskError
from dcdist.model import pieces
from dcdist.model.filled_pieces import filled_pieces
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from dcdist.model.identity import Digest, LayerName
    from dcdist.model.layer import FrameTable, Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.layers import Cache
    from dcdist.ports.swarm import SwarmLayer


@dataclass(frozen=True, slots=True)
class _KnownLayer:
    name: LayerName
    place: str


class KnownFrames:
    """The frames of layers in the cache, by their digests."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._places: dict[Digest, tuple[_KnownLayer, int]] = {}

    def learn(self, name: LayerName, place: str, table: FrameTable) -> None:
        """The frames of a whole layer in the cache; `place` stands in messages."""
        layer = _KnownLayer(name, place)
        for number in range(len(table)):
            self._places.setdefault(table.digest(number), (layer, table.starts[number]))

    def __contains__(self, digest: object) -> bool:
        return digest in self._places

    def files(self, index: Index, piece: int) -> str:
        """The data files that a piece is put together from, for messages."""
        start = piece * index.geometry.piece_length
        over = index.frames.over(start, start + index.geometry.piece_size(piece))
        return ", ".join(sorted({self._places[index.frames.digest(number)][0].place for number in over}))

    def read(self, table: FrameTable, number: int) -> bytes:
        """The compressed bytes of a known frame; blocks.

        Raises:
            DiskError: The layer went away or cannot be read.
        """
        frame = table[number]
        layer, start = self._places[frame.digest]
        with self._cache.reader(layer.name) as reader:
            return reader.read(start, frame.length)


def known_pieces(index: Index, missing: Bits, known: KnownFrames) -> Bits:
    """The missing pieces of a layer that known frames cover whole."""
    return filled_pieces(index, known) & missing


async def copy_pieces(index: Index, wanted: Bits, known: KnownFrames, swarm_layer: SwarmLayer) -> Bits:
    """Hand pieces that known frames cover to the swarm; returns those that could be read."""
    copied: Bits = 0
    swarm_layer.reserve(wanted)
    try:
        for piece in pieces.each(wanted):
            try:
                data = await in_thread(_piece, index, known, piece)
            except DiskError:
                # That layer went away or cannot be read: the piece comes from elsewhere.
                continue
            if len(data) == index.geometry.piece_size(piece):
                await swarm_layer.inject(piece, data)
                copied |= 1 << piece
    finally:
        swarm_layer.release(wanted & ~copied)
    return copied


def _piece(index: Index, known: KnownFrames, piece: int) -> bytes:
    start = piece * index.geometry.piece_length
    stop = start + index.geometry.piece_size(piece)
    parts = []
    for number in index.frames.over(start, stop):
        frame_start = index.frames.starts[number]
        data = known.read(index.frames, number)
        parts.append(data[max(0, start - frame_start) : stop - frame_start])
    return b"".join(parts)

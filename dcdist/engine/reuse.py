"""Takes frames that a new layer shares with layers in the cache from there, instead of moving them again.

When a publisher moves frames out of a layer that is mostly dead, they arrive byte for byte; a host that has the old
layer has them. Only pieces that such frames cover whole are taken; each is checked like any other.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcdist.model.layer import FrameTable, Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.swarm import SwarmLayer


class KnownFrames:
    """The frames of layers in the cache, by their digests."""

    def __init__(self) -> None:
        self._places: dict[bytes, tuple[Path, int]] = {}

    def learn(self, path: Path, table: FrameTable) -> None:
        """The frames of a whole layer whose data file is at `path`."""
        for number in range(len(table)):
            self._places.setdefault(table.digest(number), (path, table.starts[number]))

    def shared(self, table: FrameTable) -> list[int]:
        """The frames of a layer that are known."""
        if not self._places:
            return []
        return [number for number in range(len(table)) if table.digest(number) in self._places]

    def files(self, index: Index, piece: int) -> str:
        """The data files that a piece is put together from."""
        start = piece * index.geometry.piece_length
        over = index.frames.over(start, start + index.geometry.piece_size(piece))
        return ", ".join(sorted({str(self._places[index.frames[number].digest][0]) for number in over}))

    def read(self, table: FrameTable, number: int) -> bytes:
        """The compressed bytes of a known frame; blocks."""
        frame = table[number]
        path, start = self._places[frame.digest]
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(file, frame.length, start)
        finally:
            os.close(file)


def covered(index: Index, frames: Sequence[int]) -> Bits:
    """The pieces whose bytes all lie in `frames` (rising)."""
    geometry, table = index.geometry, index.frames
    bits: Bits = 0
    at = 0
    while at < len(frames):
        first = at
        while at + 1 < len(frames) and frames[at + 1] == frames[at] + 1:
            at += 1
        start, stop = table.starts[frames[first]], table.starts[frames[at] + 1]
        first_piece = -(-start // geometry.piece_length)
        stop_piece = geometry.piece_count if stop == geometry.length else stop // geometry.piece_length
        bits |= pieces.span(first_piece, stop_piece)
        at += 1
    return bits


def known_pieces(index: Index, missing: Bits, known: KnownFrames) -> Bits:
    """The missing pieces of a layer that known frames cover."""
    return covered(index, known.shared(index.frames)) & missing


async def copy_pieces(index: Index, wanted: Bits, known: KnownFrames, swarm_layer: SwarmLayer) -> Bits:
    """Hand pieces that known frames cover to the swarm; gives those that could be read."""
    copied: Bits = 0
    swarm_layer.claim(wanted)
    try:
        for piece in pieces.each(wanted):
            try:
                data = await asyncio.to_thread(_piece, index, known, piece)
            except OSError:
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

"""The pieces of a layer that frames which a host has already fill: a fetch copies them, and moves the others.

Frames that a publisher moves out of a layer that is mostly dead arrive byte for byte in the new one. Invariant: a piece
counts only if such frames fill it whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from dcdist.model.identity import Digest
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits


def filled_pieces(index: Index, had: Container[Digest]) -> Bits:
    """The pieces that frames with these digests fill whole."""
    table = index.frames
    return covered(index, [number for number in range(len(table)) if table.digest(number) in had])


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

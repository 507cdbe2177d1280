"""Pieces count as filled only if frames that are there cover them whole."""

from __future__ import annotations

import random

from dcdist.model import pieces
from dcdist.model.filled_pieces import covered, filled_pieces
from dcdist.model.geometry import KIB, Geometry
from tests.support.frames import framed_layer

RANDOM = random.Random(3)
PLAINS = [RANDOM.randbytes(200 * KIB) for _ in range(8)]


def test_only_pieces_that_known_frames_cover_whole_are_counted() -> None:
    layer = framed_layer(PLAINS)
    length = layer.index.geometry.piece_length
    starts = layer.index.frames.starts
    last = layer.index.geometry.piece_count - 1

    assert covered(layer.index, []) == 0
    assert covered(layer.index, list(range(8))) == pieces.span(0, last + 1)
    first_whole = -(-starts[2] // length)
    assert covered(layer.index, [2, 3, 4]) == pieces.span(first_whole, starts[5] // length)


def test_frames_are_known_by_their_digests() -> None:
    layer = framed_layer(PLAINS)
    digests = {layer.index.frames.digest(number) for number in (2, 3, 4)}

    assert filled_pieces(layer.index, digests) == covered(layer.index, [2, 3, 4]) != 0
    assert filled_pieces(layer.index, frozenset()) == 0


def test_the_bytes_of_a_set_of_pieces_end_with_the_layer() -> None:
    geometry = Geometry.for_length(2 * 256 * KIB + 5)

    assert [geometry.bytes_of(bits) for bits in (0b000, 0b001, 0b100, 0b111)] == [0, 262144, 5, 524293]

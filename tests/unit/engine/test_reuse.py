"""Frames that a new layer shares with the cache are copied, piece by whole piece."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from dcdist.engine.reuse import KnownFrames, copy_pieces, covered, known_pieces
from dcdist.model import pieces
from dcdist.model.geometry import KIB
from tests.support.engine import RememberingLayer
from tests.support.frames import framed_layer

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = random.Random(3)
PLAINS = [RANDOM.randbytes(200 * KIB) for _ in range(8)]
FRESH = [RANDOM.randbytes(200 * KIB) for _ in range(2)]


def test_only_pieces_that_known_frames_cover_whole_are_counted() -> None:
    layer = framed_layer(PLAINS)
    length = layer.index.geometry.piece_length
    starts = layer.index.frames.starts
    last = layer.index.geometry.piece_count - 1

    assert covered(layer.index, []) == 0
    assert covered(layer.index, list(range(8))) == pieces.span(0, last + 1)
    first_whole = -(-starts[2] // length)
    assert covered(layer.index, [2, 3, 4]) == pieces.span(first_whole, starts[5] // length)


async def test_known_frames_fill_the_pieces_of_a_new_layer(tmp_path: Path) -> None:
    old = framed_layer(PLAINS, number=1)
    (tmp_path / "old").write_bytes(old.data)
    new = framed_layer([FRESH[0], *PLAINS[2:7], FRESH[1]], number=2)
    known = KnownFrames()
    known.learn(tmp_path / "old", old.index.frames)
    swarm_layer = RememberingLayer()
    geometry = new.index.geometry

    wanted = known_pieces(new.index, pieces.span(0, geometry.piece_count), known)
    copied = await copy_pieces(new.index, wanted, known, swarm_layer)

    assert wanted == covered(new.index, [1, 2, 3, 4, 5])
    assert sorted(swarm_layer.injected) == list(pieces.each(wanted))
    assert copied == wanted != 0
    for piece, data in swarm_layer.injected.items():
        start = piece * geometry.piece_length
        assert data == new.data[start : start + geometry.piece_size(piece)]
    assert swarm_layer.claimed == wanted


def test_nothing_known_means_nothing_to_copy() -> None:
    assert known_pieces(framed_layer(PLAINS).index, 255, KnownFrames()) == 0

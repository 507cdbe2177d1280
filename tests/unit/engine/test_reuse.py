"""Frames that a new layer shares with the cache are copied, piece by whole piece."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from dcdist.disk import DirectoryCache
from dcdist.engine.reuse import KnownFrames, copy_pieces, known_pieces
from dcdist.model import pieces
from dcdist.model.filled_pieces import covered
from dcdist.model.geometry import KIB
from tests.support.engine import RememberingLayer
from tests.support.frames import framed_layer

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = random.Random(3)
PLAINS = [RANDOM.randbytes(200 * KIB) for _ in range(8)]
FRESH = [RANDOM.randbytes(200 * KIB) for _ in range(2)]


OLD = framed_layer(PLAINS, number=1)
NEW = framed_layer([FRESH[0], *PLAINS[2:7], FRESH[1]], number=2)


def knowing_old(cache: DirectoryCache) -> KnownFrames:
    """The frames of the old layer, of which nothing need be in the cache."""
    known = KnownFrames(cache)
    known.learn(OLD.index.layer, "old", OLD.index.frames)
    return known


async def test_known_frames_fill_the_pieces_of_a_new_layer(tmp_path: Path) -> None:
    swarm_layer, new, geometry = RememberingLayer(), NEW, NEW.index.geometry
    async with DirectoryCache(tmp_path) as cache:
        folder = tmp_path / "layers" / OLD.index.layer
        folder.mkdir(parents=True)
        (folder / "data").write_bytes(OLD.data)
        known = knowing_old(cache)
        wanted = known_pieces(new.index, pieces.span(0, geometry.piece_count), known)
        copied = await copy_pieces(new.index, wanted, known, swarm_layer)

    assert wanted == covered(new.index, [1, 2, 3, 4, 5])
    assert sorted(swarm_layer.injected) == list(pieces.each(wanted))
    assert copied == wanted != 0
    for piece, data in swarm_layer.injected.items():
        start = piece * geometry.piece_length
        assert data == new.data[start : start + geometry.piece_size(piece)]
    assert swarm_layer.claimed == wanted


async def test_pieces_of_a_layer_that_went_away_come_from_elsewhere(tmp_path: Path) -> None:
    swarm_layer = RememberingLayer()
    async with DirectoryCache(tmp_path) as cache:
        known = knowing_old(cache)
        wanted = known_pieces(NEW.index, pieces.span(0, NEW.index.geometry.piece_count), known)
        copied = await copy_pieces(NEW.index, wanted, known, swarm_layer)

    assert wanted != 0
    assert (copied, swarm_layer.injected, swarm_layer.claimed) == (0, {}, 0)


async def test_nothing_known_means_nothing_to_copy(tmp_path: Path) -> None:
    async with DirectoryCache(tmp_path) as cache:
        assert known_pieces(framed_layer(PLAINS).index, 255, KnownFrames(cache)) == 0

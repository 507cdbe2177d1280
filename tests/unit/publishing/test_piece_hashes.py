"""Piece hashes are right for every length, though the length is known last."""

from __future__ import annotations

import hashlib
import random

import pytest

from dcdist.model.geometry import KIB, MIB, Geometry
from dcdist.publishing.writing.piece_hashes import PieceHashes

DATA = random.Random(3).randbytes(MIB)


@pytest.mark.parametrize("length", [1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 5 * MIB + 3, 129 * MIB, 513 * MIB + 7])
def test_the_hashes_are_those_of_the_final_geometry(length: int) -> None:
    geometry = Geometry.for_length(length)
    hashes, expected = PieceHashes(), b""
    for start in range(0, length, MIB):
        hashes.update(DATA[: min(MIB, length - start)])
    for piece in range(geometry.piece_count):
        at = piece * geometry.piece_length % MIB
        expected += hashlib.sha1(DATA[at : at + geometry.piece_size(piece)], usedforsecurity=False).digest()

    assert hashes.finish() == expected


def test_how_the_bytes_come_makes_no_difference() -> None:
    whole, parts = PieceHashes(), PieceHashes()
    whole.update(DATA)
    for start in range(0, MIB, 100_003):
        parts.update(memoryview(DATA)[start : start + 100_003])
        parts.update(b"")

    assert whole.finish() == parts.finish()
    assert len(whole.finish()) == 80

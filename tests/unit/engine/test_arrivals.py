"""A frame has arrived when its last piece has, and is named once."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dcdist.engine.arrivals import Arrivals
from dcdist.model import pieces
from dcdist.model.geometry import KIB
from tests.support.frames import framed_layer

RANDOM = random.Random(5)
INDEX = framed_layer([RANDOM.randbytes(100 * KIB) for _ in range(6)] + [RANDOM.randbytes(400 * KIB)]).index
"""Frames of 100 KiB, five of which begin in the first of four pieces of 256 KiB; the seventh ends in the last."""


def used(_: int) -> bool:
    return True


def test_a_frame_arrives_with_the_last_of_its_pieces() -> None:
    arrivals = Arrivals(INDEX, used)

    assert arrivals.completed_by(0b0010, 0b0010) == [3, 4]
    assert arrivals.completed_by(0b0001, 0b0011) == [0, 1, 2]
    assert arrivals.completed_by(0b1000, 0b1011) == []
    assert arrivals.completed_by(0b0100, 0b1111) == [5, 6]


def test_frames_that_nobody_uses_never_arrive() -> None:
    arrivals = Arrivals(INDEX, lambda frame: frame in {0, 6})

    assert arrivals.completed_by(0b1111, 0b1111) == [0, 6]


@given(st.permutations(range(4)), st.sets(st.integers(1, 3)))
def test_every_frame_arrives_once_whatever_the_order(order: list[int], cuts: set[int]) -> None:
    arrivals, have, found = Arrivals(INDEX, used), 0, []
    for start, stop in pairwise([0, *sorted(cuts), 4]):
        came = pieces.of(order[start:stop])
        have |= came
        found += arrivals.completed_by(came, have)
        assert arrivals.completed_by(came, have) == []
    assert sorted(found) == list(range(7))

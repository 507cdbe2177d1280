"""Extents turned around: every byte of every image has exactly one place, whatever the cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.engine.placements import Part, Place, parts, turn_around
from dcdist.errors import FormatError
from tests.support.frames import extents_of, framed_layer, image_of

FIRST = framed_layer([b"a" * 10, b"b" * 20, b"c" * 30], number=1)
SECOND = framed_layer([b"d" * 5, b"e" * 5], number=2)
LAYERS = [FIRST, SECOND]
ONE, TWO = FIRST.index.layer, SECOND.index.layer
TABLES = {layer.index.layer: layer.index.frames for layer in LAYERS}


def test_an_extent_is_cut_where_frames_are_cut() -> None:
    extents = extents_of(LAYERS, [(1, 5, 30), (0, 0, 7), (2, 4, 2)])

    assert list(parts(extents, TABLES)) == [
        Part(0, 5, ONE, 0, 5),
        Part(5, 20, ONE, 1, 0),
        Part(25, 5, ONE, 2, 0),
        Part(30, 7, None, 0, 0),
        Part(37, 1, TWO, 0, 4),
        Part(38, 1, TWO, 1, 0),
    ]


def test_a_frame_knows_all_its_places_in_all_images() -> None:
    images = [extents_of(LAYERS, [(1, 10, 20), (1, 12, 4)]), extents_of(LAYERS, [(0, 0, 100), (1, 10, 1)])]
    placements = turn_around(images, TABLES)
    first, second = placements[ONE], placements[TWO]

    assert list(first.of(1)) == [Place(0, 0, 0, 20), Place(0, 20, 2, 4), Place(1, 100, 0, 1)]
    assert not first.is_used(0)
    assert not second.is_used(0)


def test_an_extent_beyond_its_layer_is_refused() -> None:
    with pytest.raises(FormatError, match="outside of layer"):
        turn_around([extents_of(LAYERS, [(2, 8, 3)])], TABLES)


runs_of_extents = st.lists(
    st.one_of(
        st.tuples(st.just(0), st.just(0), st.integers(1, 50)),
        st.tuples(st.just(1), st.integers(0, 59), st.integers(1, 60)).filter(lambda run: run[1] + run[2] <= 60),
        st.tuples(st.just(2), st.integers(0, 9), st.integers(1, 10)).filter(lambda run: run[1] + run[2] <= 10),
    ),
    min_size=1,
    max_size=12,
)


@given(runs_of_extents)
def test_writing_every_frame_to_its_places_gives_the_image(runs: list[tuple[int, int, int]]) -> None:
    image = bytearray(sum(length for _, _, length in runs))
    placements = turn_around([extents_of(LAYERS, runs)], TABLES)
    for layer in LAYERS:
        table, places = layer.index.frames, placements[layer.index.layer]
        for number in range(len(table)):
            frame = table[number]
            plain = layer.plain[frame.plain_start : frame.plain_start + frame.plain_length]
            for place in places.of(number):
                image[place.offset : place.offset + place.length] = plain[place.start : place.start + place.length]

    assert bytes(image) == image_of(LAYERS, runs)

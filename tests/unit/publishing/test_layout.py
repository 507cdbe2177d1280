"""Extents end up in final layers: split where layers end, moved with their frames, joined where they meet."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable
from dcdist.model.release import LayerEntry
from dcdist.publishing.cutting.placer import NEW, NOWHERE, DraftExtents
from dcdist.publishing.layout import Layout, MovedLayer
from dcdist.publishing.writing.layer_writer import NewLayer

if TYPE_CHECKING:
    from dcdist.model.extent import Extent


def entry(letter: str) -> LayerEntry:
    return LayerEntry(LayerName(letter * 32), 1000, Digest(hashlib.sha256(letter.encode()).digest()))


FIRST, SECOND, OLD, GONE = (entry(letter) for letter in "1234")
STREAM = [NewLayer(FIRST, 0, 100), NewLayer(SECOND, 100, 200)]
FRAMES = FrameTable(array("Q", [0, 10, 20, 30]), array("Q", [0, 50, 80, 130]), bytes(96))
# The middle frame was not live; the others now stand behind each other, across the end of the first new layer.
MOVED = MovedLayer(FRAMES, array("q", [70, -1, 120]))


def laid_out(layout: Layout, *extents: tuple[int, int, int]) -> list[tuple[str, int, int]]:
    run = DraftExtents()
    for source, start, length in extents:
        run.append(source, start, length)
    found = layout.extents(run)
    assert found.size == sum(length for _, _, length in extents)

    def name(each: Extent) -> str:
        return found.layers[each.source - 1][0] if each.source else "zeros"

    return [(name(each), each.start, each.length) for each in found]


def layout() -> Layout:
    return Layout(STREAM, {6: MOVED}, {5: OLD})


def test_extents_of_the_new_stream_are_split_where_a_layer_ends() -> None:
    assert laid_out(layout(), (NEW, 90, 30)) == [("1", 90, 10), ("2", 0, 20)]
    assert laid_out(layout(), (NEW, 100, 200)) == [("2", 0, 200)]


def test_zeros_and_kept_layers_stay_where_they_are() -> None:
    assert laid_out(layout(), (NOWHERE, 0, 7), (5, 33, 44)) == [("zeros", 0, 7), ("3", 33, 44)]


def test_extents_follow_their_frames() -> None:
    assert laid_out(layout(), (6, 10, 40)) == [("1", 80, 20), ("2", 0, 20)]
    assert laid_out(layout(), (6, 80, 50)) == [("2", 20, 50)]


def test_what_meets_again_is_one_extent() -> None:
    assert laid_out(layout(), (6, 30, 20), (6, 80, 10)) == [("2", 0, 30)]


def test_layers_are_named_in_the_order_of_first_use() -> None:
    both = layout()
    laid_out(both, (NEW, 150, 1), (5, 0, 1))
    laid_out(both, (NEW, 0, 1), (NEW, 150, 1))

    assert list(both.layers.values()) == [SECOND, OLD, FIRST]


def test_an_image_of_nothing_has_no_extents() -> None:
    assert laid_out(layout()) == []

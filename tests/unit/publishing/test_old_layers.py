"""Which old layers are left behind."""

from __future__ import annotations

from array import array

import pytest

from dcdist.model.geometry import GIB, Geometry
from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable, Index
from dcdist.model.release import LayerEntry
from dcdist.publishing.cutting.placer import NEW, NOWHERE, DraftExtents
from dcdist.publishing.sharing.old_layers import OldLayer, choose, mark_all

NAUGHT = Digest(bytes(32))


def layer(source: int, length: int, alive: int) -> OldLayer:
    """A layer of 100 equal frames, of which `alive` live."""
    step = length // 100
    starts = array("Q", range(0, length + 1, step))
    index = Index(
        LayerName(f"{source:032x}"), Geometry.for_length(length), b"", FrameTable(starts, starts, b""), NAUGHT
    )
    return OldLayer(
        source, LayerEntry(index.layer, length, NAUGHT), index, bytearray([1] * alive + [0] * (100 - alive))
    )


def chosen(old: list[OldLayer], *, finished: int = 0, open_length: int = 0, most: int = 64) -> list[int]:
    return [each.source for each in choose(old, finished=finished, open_length=open_length, limit=4 * GIB, most=most)]


def test_what_is_less_than_70_percent_alive_is_moved() -> None:
    assert chosen([layer(0, 1000, 69), layer(1, 1000, 70), layer(2, 1000, 100)]) == [0]


@pytest.mark.parametrize(
    ("finished", "open_length", "moved"),
    [
        (0, 0, []),
        (60, 0, []),
        (60, 1000, [0]),
        (61, 0, [0, 3]),
        (61, 1000, [0, 3]),
        (62, 1000, [0, 1, 3]),
        (63, 1000, [0, 1, 2, 3]),
        (64, 0, [0, 1, 2, 3]),
    ],
)
def test_the_smallest_are_moved_until_few_enough_are_needed(finished: int, open_length: int, moved: list[int]) -> None:
    old = [layer(0, 1000, 100), layer(1, 3000, 100), layer(2, 4000, 100), layer(3, 2000, 80)]

    assert chosen(old, finished=finished, open_length=open_length) == moved


def test_what_is_moved_needs_layers_itself() -> None:
    large = [layer(number, 3 * GIB // 100 * 100, 100) for number in range(4)]

    assert chosen(large, most=3) == [0, 1, 2, 3]


def test_live_frames_are_those_that_an_extent_touches() -> None:
    first, second = layer(0, 1000, 0), layer(1, 1000, 0)
    run = DraftExtents()
    for extent in [(0, 9, 2), (0, 995, 5), (NOWHERE, 0, 50), (NEW, 500, 50), (7, 600, 50), (1, 200, 10)]:
        run.append(*extent)

    mark_all({0: first, 1: second}, [run])

    assert [number for number, alive in enumerate(first.live) if alive] == [0, 1, 99]
    assert [number for number, alive in enumerate(second.live) if alive] == [20]
    assert first.live_length == 30

"""Where each frame goes: the extents of all images, inverted.

Extents follow the order of an image, but frames come in any order; so the places of each frame are listed. They are
columns of machine integers: an image cut in many pieces costs 18 bytes an extent.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from dcdist.errors import FormatError
from dcdist.model.extent import ZEROS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcdist.model.extent import Extents
    from dcdist.model.identity import LayerName
    from dcdist.model.layer import FrameTable


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes of an image at `offset`: from `start` of a frame's plain bytes, or zeros if `layer` is None."""

    offset: int
    length: int
    layer: LayerName | None
    frame: int
    start: int


def parts(extents: Extents, tables: Mapping[LayerName, FrameTable]) -> Iterator[Part]:
    """An image's bytes in order, cut where its frames are cut. `tables` has the frames of each of its layers.

    Raises:
        FormatError: An extent lies outside of its layer.
    """
    offset = 0
    for extent in extents:
        if extent.source == ZEROS:
            yield Part(offset, extent.length, None, 0, 0)
            offset += extent.length
            continue
        layer = extents.layers[extent.source - 1]
        table = tables[layer]
        position, stop = extent.start, extent.start + extent.length
        if stop > table.plain_length:
            raise FormatError(f"the extent at byte {offset} of an image lies outside of layer {layer}")
        frame = table.at_plain(position)
        while position < stop:
            frame_start, frame_stop = table.plain_starts[frame], table.plain_starts[frame + 1]
            length = min(stop, frame_stop) - position
            yield Part(offset, length, layer, frame, position - frame_start)
            offset += length
            position += length
            frame += 1


@dataclass(frozen=True, slots=True)
class Place:
    """`length` bytes from `start` of a frame's plain bytes belong at `offset` of image number `image`."""

    image: int
    offset: int
    start: int
    length: int


class LayerPlacements:
    """The places of all frames of one layer."""

    def __init__(self, counts: Sequence[int]) -> None:
        """`counts[frame]` is the number of places of a frame; they are added with `put`."""
        self._first = array("I", accumulate(counts, initial=0))
        self._next = array("I", self._first[:-1])
        total = self._first[-1]
        self._images = array("H", bytes(2 * total))
        self._offsets = array("Q", bytes(8 * total))
        self._starts = array("I", bytes(4 * total))
        self._lengths = array("I", bytes(4 * total))

    def put(self, frame: int, place: Place) -> None:
        """Add one place of a frame."""
        slot = self._next[frame]
        self._next[frame] = slot + 1
        self._images[slot] = place.image
        self._offsets[slot] = place.offset
        self._starts[slot] = place.start
        self._lengths[slot] = place.length

    def of(self, frame: int) -> Iterator[Place]:
        """The places of a frame."""
        for slot in range(self._first[frame], self._first[frame + 1]):
            yield Place(self._images[slot], self._offsets[slot], self._starts[slot], self._lengths[slot])

    def is_used(self, frame: int) -> bool:
        """Whether a frame has any place."""
        return self._first[frame] != self._first[frame + 1]


def turn_around(images: Sequence[Extents], tables: Mapping[LayerName, FrameTable]) -> dict[LayerName, LayerPlacements]:
    """The placements of each layer of `tables`; images are numbered as they stand in `images`.

    Raises:
        FormatError: An extent lies outside of its layer.
    """
    counts = {name: array("I", bytes(4 * len(table))) for name, table in tables.items()}
    for extents in images:
        for part in parts(extents, tables):
            if part.layer is not None:
                counts[part.layer][part.frame] += 1
    placements = {name: LayerPlacements(count) for name, count in counts.items()}
    for image, extents in enumerate(images):
        for part in parts(extents, tables):
            if part.layer is not None:
                placements[part.layer].put(part.frame, Place(image, part.offset, part.start, part.length))
    return placements

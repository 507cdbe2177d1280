"""Where everything lies in the end: from extents in old layers and the new stream to extents in final layers.

Pure. Invariant: an image's final extents name only layers that the release will name, and add up to the image.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.model.extent import ZEROS, Extents
from dcdist.publishing.cutting.placer import NEW, NOWHERE, DraftExtents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.model.identity import LayerName
    from dcdist.model.layer import FrameTable
    from dcdist.model.release import LayerEntry
    from dcdist.publishing.writing.layer_writer import NewLayer


@dataclass(frozen=True, slots=True)
class MovedLayer:
    """An old layer whose live frames were moved: where each begins in the new stream (-1: it is dead)."""

    frames: FrameTable
    starts: array[int]


@dataclass(slots=True)
class Layout:
    """Where sources ended up: `new` in the order of the stream, `moved` and `kept` by their source."""

    new: Sequence[NewLayer]
    moved: dict[int, MovedLayer]
    kept: dict[int, LayerEntry]
    layers: dict[LayerName, LayerEntry] = field(default_factory=dict)
    """The layers that the images laid out so far need, in the order of first use."""

    def extents(self, run: DraftExtents) -> Extents:
        """The final extents of the next image in start order. Blocks."""
        numbers: dict[LayerName, int] = {}
        final = DraftExtents()
        for source, start, length in run:
            for entry, at, part in self._locate(source, start, length):
                if entry is None:
                    final.append(ZEROS, 0, part)
                    continue
                self.layers.setdefault(entry.name, entry)
                number = numbers.setdefault(entry.name, len(numbers) + 1)
                final.append(number, at, part)
        return Extents(sum(final.lengths), tuple(numbers), array("H", final.sources), final.starts, final.lengths)

    def _locate(self, source: int, start: int, length: int) -> Iterator[tuple[LayerEntry | None, int, int]]:
        if source == NOWHERE:
            yield None, 0, length
        elif source == NEW:
            yield from self._in_stream(start, length)
        elif source in self.moved:
            yield from self._in_moved(self.moved[source], start, length)
        else:
            yield self.kept[source], start, length

    def _in_stream(self, start: int, length: int) -> Iterator[tuple[LayerEntry, int, int]]:
        number = bisect_right(self.new, start, key=lambda layer: layer.stream_start) - 1
        while length:
            layer = self.new[number]
            at = start - layer.stream_start
            part = min(length, layer.plain_length - at)
            yield layer.entry, at, part
            start, length, number = start + part, length - part, number + 1

    def _in_moved(self, moved: MovedLayer, start: int, length: int) -> Iterator[tuple[LayerEntry, int, int]]:
        number = moved.frames.at_plain(start)
        while length:
            frame = moved.frames[number]
            within = start - frame.plain_start
            part = min(length, frame.plain_length - within)
            yield from self._in_stream(moved.starts[number] + within, part)
            start, length, number = start + part, length - part, number + 1

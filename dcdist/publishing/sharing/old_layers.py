"""Old layers that are mostly dead: which of them are moved into new layers. Pure.

A host needs whole layers, so it fetches the dead part of a layer for nothing; and a release must stay under a number of
layers. So the live frames of some layers are moved, byte for byte, into the new stream, and the layer is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcdist.model.layer import Index
    from dcdist.model.release import LayerEntry
    from dcdist.publishing.cutting.placer import DraftExtents

ALIVE: Final = 0.7
"""A layer whose live share is smaller is moved."""


@dataclass(frozen=True, slots=True, eq=False)
class OldLayer:
    """A layer of the store that the images refer to: `live` has a 1 for each frame that they need."""

    source: int
    entry: LayerEntry
    index: Index
    live: bytearray

    @property
    def live_length(self) -> int:
        """Bytes of the live frames."""
        frames = self.index.frames
        return sum(frames.starts[n + 1] - frames.starts[n] for n, alive in enumerate(self.live) if alive)

    def mark(self, start: int, length: int) -> None:
        """Note that these plain bytes are needed."""
        frames = self.index.frames
        first, last = frames.at_plain(start), frames.at_plain(start + length - 1)
        self.live[first : last + 1] = b"\1" * (last + 1 - first)


def mark_all(layers: dict[int, OldLayer], runs: Iterable[DraftExtents]) -> None:
    """Mark what the extents of all images need of their old layers. Blocks."""
    for run in runs:
        for source, start, length in run:
            if source in layers:
                layers[source].mark(start, length)


def choose(old: Sequence[OldLayer], *, finished: int, open_length: int, limit: int, most: int) -> list[OldLayer]:
    """The layers to move: the mostly dead ones, and then the smallest, until at most `most` are needed.

    `finished` new layers are full; the one that is being filled has `open_length` bytes of `limit`.
    """
    moved = [layer for layer in old if layer.live_length < ALIVE * layer.entry.length]
    staying = sorted(
        (layer for layer in old if layer not in moved), key=lambda layer: (layer.live_length, layer.source)
    )
    length = open_length + sum(layer.live_length for layer in moved)

    def needed() -> int:
        # Layers end at frame boundaries, so each may stay a little short of its limit.
        return finished + -(-length // max(1, limit - 2 * MIB)) + len(staying)

    while staying and needed() > most:
        layer = staying.pop(0)
        moved.append(layer)
        length += layer.live_length
    return sorted(moved, key=lambda layer: layer.source)

"""An image as extents: runs of the plain bytes of layers, and zeros.

Invariant: the lengths of an image's extents add up to its size. An extent may span many frames of one layer, so an
entirely new image may be a single extent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from dcdist.model.identity import LayerName

ZEROS = 0
"""The source of an extent of zeros; layers are 1, 2, ..."""


@dataclass(frozen=True, slots=True)
class Extent:
    """`length` plain bytes at `start` of layer number `source` (from 1), or zeros if `source` is ZEROS."""

    source: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Extents:
    """An image's extents in order, as columns; `layers[source - 1]` is the layer of a source."""

    size: int
    layers: tuple[LayerName, ...]
    sources: array[int]
    starts: array[int]
    lengths: array[int]

    @property
    def content_length(self) -> int:
        """Bytes from layers: the size less the extents of zeros."""
        return sum(length for source, length in zip(self.sources, self.lengths, strict=True) if source != ZEROS)

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[Extent]:
        for source, start, length in zip(self.sources, self.starts, self.lengths, strict=True):
            yield Extent(source, start, length)

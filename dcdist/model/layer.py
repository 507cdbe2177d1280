"""A layer as its readers see it: its frames, and its index.

Invariant: frames follow each other without gap, in the layer's bytes and in its plain bytes alike.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.model.identity import Digest, LayerName

if TYPE_CHECKING:
    from array import array

    from dcdist.model.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Frame:
    """One zstd frame: `length` bytes at `start` of the layer, which unpack to `plain_length` at `plain_start`.

    `digest` is the SHA-256 of the compressed bytes: they are checked before they are unpacked.
    """

    number: int
    start: int
    length: int
    plain_start: int
    plain_length: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class FrameTable:
    """All frames of a layer, in columns: a layer may have tens of thousands.

    `starts` and `plain_starts` have one entry more than there are frames: the ends of the last. `digests` has 32
    bytes a frame.
    """

    starts: array[int]
    plain_starts: array[int]
    digests: bytes

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> Frame:
        start, plain_start = self.starts[number], self.plain_starts[number]
        return Frame(
            number,
            start,
            self.starts[number + 1] - start,
            plain_start,
            self.plain_starts[number + 1] - plain_start,
            self.digest(number),
        )

    def digest(self, number: int) -> Digest:
        """The SHA-256 of a frame's compressed bytes."""
        return Digest(self.digests[number * 32 : number * 32 + 32])

    @property
    def plain_length(self) -> int:
        """Plain bytes of the whole layer."""
        return self.plain_starts[-1]

    def over(self, start: int, stop: int) -> range:
        """The frames that hold compressed bytes of [start, stop)."""
        return range(bisect_right(self.starts, start) - 1, bisect_right(self.starts, stop - 1))

    def at_plain(self, offset: int) -> int:
        """The frame that holds the plain byte at `offset`."""
        return bisect_right(self.plain_starts, offset) - 1


@dataclass(frozen=True, slots=True)
class Index:
    """What a host must know of a layer: its cut, its piece hashes (SHA-1, 20 bytes each), its frames.

    `chunks_digest` is the SHA-256 of the layer's chunk list, which only publishers read.
    """

    layer: LayerName
    geometry: Geometry
    piece_hashes: bytes
    frames: FrameTable
    chunks_digest: Digest

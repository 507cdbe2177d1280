"""The cut of a layer into pieces (peers), stripes (range requests) and segments (objects).

A geometry follows from the layer's length alone. Invariant: a stripe consists of whole pieces and a segment of whole
stripes, so a range request never crosses an object and a piece never crosses a stripe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

LAYER_LIMIT = 4 * GIB
"""The most bytes of one layer."""

SEGMENT_LENGTH = 64 * MIB
"""Bytes of one object of a layer; the last may be shorter. Fixed, so that uploads begin before the length is known."""

PIECE_LENGTHS = (256 * KIB, 512 * KIB, MIB)
"""The piece lengths that a layer may have; a publisher hashes with all of them until it knows the layer's length."""

_SMALL_LAYER = GIB
_MIDDLE_LAYER = 2 * GIB


@dataclass(frozen=True, slots=True)
class Geometry:
    """The cut of one layer; all lengths in bytes."""

    length: int
    piece_length: int
    stripe_length: int
    segment_length: int = SEGMENT_LENGTH

    @classmethod
    def for_length(cls, length: int) -> Geometry:
        """The geometry of a layer of `length` bytes (1 to LAYER_LIMIT).

        A host can pass on a piece when it has the last byte of it: small pieces keep every link busy from the start,
        large pieces keep big layers cheap. A large layer has 512 to 1024 stripes, so that each of many hosts owns some.
        A stripe has 1 to 16 MiB: shorter ranges are expensive for a server.
        """
        if not 0 < length <= LAYER_LIMIT:
            raise ValueError(f"a layer has 1 to {LAYER_LIMIT} bytes, not {length}")
        small, middle, large = PIECE_LENGTHS
        piece = small if length <= _SMALL_LAYER else middle if length <= _MIDDLE_LAYER else large
        stripe = MIB
        while stripe < 16 * MIB and stripe * 1024 < length:
            stripe *= 2
        return cls(length, piece, stripe)

    @property
    def piece_count(self) -> int:
        """Number of pieces."""
        return -(-self.length // self.piece_length)

    @property
    def stripe_count(self) -> int:
        """Number of stripes."""
        return -(-self.length // self.stripe_length)

    @property
    def segment_count(self) -> int:
        """Number of segments."""
        return -(-self.length // self.segment_length)

    @property
    def pieces_per_stripe(self) -> int:
        """Pieces of a full stripe."""
        return self.stripe_length // self.piece_length

    @property
    def stripes_per_segment(self) -> int:
        """Stripes of a full segment."""
        return self.segment_length // self.stripe_length

    def piece_size(self, piece: int) -> int:
        """Bytes of `piece`; only the last piece may be shorter."""
        return min(self.piece_length, self.length - piece * self.piece_length)

    def bytes_of(self, pieces: Bits) -> int:
        """Bytes of a set of pieces."""
        last = self.piece_count - 1
        short = self.piece_length - self.piece_size(last) if pieces >> last & 1 else 0
        return pieces.bit_count() * self.piece_length - short

    def stripe_pieces(self, stripe: int) -> range:
        """The pieces of `stripe`."""
        first = stripe * self.pieces_per_stripe
        return range(first, min(first + self.pieces_per_stripe, self.piece_count))

    def pieces_over(self, start: int, stop: int) -> range:
        """The pieces that hold bytes of [start, stop)."""
        return range(start // self.piece_length, -(-stop // self.piece_length))

    def segment_size(self, segment: int) -> int:
        """Bytes of `segment`."""
        return min(self.segment_length, self.length - segment * self.segment_length)

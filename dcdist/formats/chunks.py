"""A layer's chunk list, at `layers/NAME/chunks`: the place of each chunk in its plain bytes. Only publishers read it.

Invariant: the chunks follow each other without gaps from plain offset 0.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcdist.errors import InvariantError
from dcdist.formats import columns, envelope
from dcdist.formats.fields import DIGEST_LENGTH
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from dcdist.model.identity import Digest

CHUNKS_LIMIT: Final = 80 * MIB
"""The most bytes of a chunk list object, and of its map."""

COUNT_LIMIT: Final = 1 << 21
"""The most chunks of one layer."""

_KIND: Final = envelope.Kind("dcdist-chunks", 1, CHUNKS_LIMIT)


@dataclass(frozen=True, slots=True)
class ChunkList:
    """All chunks of a layer in plain order: SHA-256 of their plain bytes, 32 bytes each, and lengths in bytes."""

    digests: bytes
    lengths: array[int]

    def __len__(self) -> int:
        return len(self.lengths)


def encode(chunks: ChunkList) -> bytes:
    """The chunk list object."""
    if len(chunks.digests) != DIGEST_LENGTH * len(chunks) or len(chunks) > COUNT_LIMIT:
        raise InvariantError(f"a chunk list of {len(chunks)} lengths and {len(chunks.digests)} bytes of digests")
    body = {"digests": chunks.digests, "lengths": columns.write(array("I", chunks.lengths))}
    return envelope.encode(_KIND, body)


def decode(data: bytes, digest: Digest) -> ChunkList:
    """The chunk list whose SHA-256 a layer's index has.

    Raises:
        IntegrityError: Its SHA-256 is not `digest`.
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or its parts do not fit together.
    """
    what = "a chunk list"
    envelope.require_digest(data, digest, what=what, source="")
    fields = envelope.decode(_KIND, data, what=what)
    lengths = fields.column("lengths", "I", limit=COUNT_LIMIT)
    if min(lengths, default=1) == 0:
        raise fields.refuse("a chunk is empty")
    return ChunkList(fields.exactly("digests", len(lengths) * DIGEST_LENGTH), lengths)

"""A release that is large for real: pseudo-random bytes, published while they are made, never in memory as a whole."""

from __future__ import annotations

import hashlib
import io
import random
from typing import TYPE_CHECKING

import dcdist
from dcdist.model.geometry import GIB, KIB, MIB, PIECE_LENGTHS, Geometry
from dcdist.model.identity import ReleaseName
from dcdist.publishing import Cut, ImageSource, PublishRequest, publish
from tests.support.fault_site import FaultSite
from tests.support.publishing import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from dcdist import Release
    from tools.lab.swift import Swift

_LAYERS = 5
_NAME = "web.img"


class Noise(io.RawIOBase):
    """Bytes that neither pack nor repeat, the same for the same seed; `digest` is the SHA-256 of those read so far."""

    def __init__(self, seed: int, length: int) -> None:
        super().__init__()
        self._rng = random.Random(seed)
        self._left = length
        self.digest = hashlib.sha256()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer with the next bytes; how many there were."""
        room = memoryview(buffer).cast("B")
        data = self._rng.randbytes(min(len(room), self._left))
        room[: len(data)] = data
        self._left -= len(data)
        self.digest.update(data)
        return len(data)

    def readable(self) -> bool:
        """It is."""
        return True


async def publish_pieces(swift: Swift, container: str, folder: Path, count: int) -> tuple[FaultSite, str]:
    """`web@1` of `count` pieces or a few more, in five layers; also the SHA-256 of its image.

    A layer of 1 GiB or less has the smallest pieces, 256 KiB: no release with so many pieces is smaller.
    """
    noise = Noise(count, count * PIECE_LENGTHS[0])
    cut = Cut(chunk=64 * KIB, layer=min(GIB, count * PIECE_LENGTHS[0] // (_LAYERS - 1)))
    source = ImageSource(_NAME, stream=io.BufferedReader(noise, buffer_size=MIB))
    request = PublishRequest(ReleaseName.parse("web@1"), (source,), KEY, level=1, cut=cut)
    async with dcdist.open_store(f"swift://{container}/demos", environment=swift.environment) as store:
        published = await publish(store, request, report=lambda _: None)
    return FaultSite(swift, container, folder, published.release, b""), noise.digest.hexdigest()


def pieces_of(release: Release) -> int:
    """The pieces of all its layers."""
    return sum(Geometry.for_length(entry.length).piece_count for entry in release.layers)

"""The frames that the cache holds beyond the release being fetched: those of other releases' whole layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.engine.reuse import KnownFrames
from dcdist.errors import DiskError, FormatError
from dcdist.formats import index
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName
    from dcdist.model.release import Release
    from dcdist.ports.layers import Cache


async def known_frames(cache: Cache, release: Release) -> KnownFrames:
    """The frames of all whole layers in the cache that `release` does not name itself.

    They are trusted only as far as the pieces that they fill pass their check.
    """
    own = {entry.name for entry in release.layers}
    known = KnownFrames(cache)
    for name in await cache.complete_layers():
        data = None if name in own else await cache.read_index(name)
        if data is not None:
            await in_thread(_learn, known, cache, name, data)
    return known


def _learn(known: KnownFrames, cache: Cache, name: LayerName, data: bytes) -> None:
    try:
        with cache.reader(name) as reader:
            known.learn(name, reader.place, index.decode_unpromised(data, name, reader.length).frames)
    except (DiskError, FormatError):
        # A layer that is being deleted or was damaged: there is simply less to reuse.
        return

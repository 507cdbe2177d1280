"""Which frames the cache holds besides those of the release that is fetched: those of other whole layers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.engine.reuse import KnownFrames
from dcdist.errors import FormatError
from dcdist.formats import index

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk import DirectoryCache
    from dcdist.model.identity import LayerName
    from dcdist.model.release import Release


async def known_frames(cache: DirectoryCache, release: Release) -> KnownFrames:
    """The frames of all whole layers in the cache that `release` does not name itself.

    They are believed only as far as the pieces that they fill pass their check.
    """
    own = {entry.name for entry in release.layers}
    known = KnownFrames()
    for name in await cache.complete_layers():
        data = None if name in own else await cache.read_index(name)
        if data is not None:
            await asyncio.to_thread(_learn, known, name, cache.data_path(name), data)
    return known


def _learn(known: KnownFrames, name: LayerName, path: Path, data: bytes) -> None:
    try:
        known.learn(path, index.decode_unpromised(data, name, path.stat().st_size).frames)
    except (OSError, FormatError):
        # A layer that is being deleted or was damaged: there is less to use again.
        return

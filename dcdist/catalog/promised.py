"""Reads the objects that a manifest promises, one by one: indexes, chunk lists, extents.

Invariant: what is returned is what the manifest promised, by its SHA-256, and fits together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.catalog.read_again import read_description, read_once
from dcdist.errors import FormatError
from dcdist.formats import chunks, extents, index, object_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.formats.chunks import ChunkList
    from dcdist.model.extent import Extents
    from dcdist.model.layer import Index
    from dcdist.model.release import Image, LayerEntry
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store


async def read_index(
    store: Store, entry: LayerEntry, *, again: bool = True, report: Callable[[Troubled], None] | None = None
) -> tuple[bytes, Index]:
    """A layer's index object, and the index; tried `again` for a while, unless a failure is to be known at once.

    Raises:
        StoreError: The store could not give it.
        IntegrityError: It is not what the manifest promises.
        FormatError: It cannot be read.
    """
    key = object_names.layer_index(entry.name)

    def read(data: bytes) -> Index:
        return index.decode(data, entry)

    if not again:
        return await read_once(store, key, limit=index.INDEX_LIMIT, read=read)
    return await read_description(store, key, limit=index.INDEX_LIMIT, read=read, report=report)


async def read_extents(store: Store, image: Image, *, report: Callable[[Troubled], None] | None = None) -> Extents:
    """An image's extents, tried again for a while.

    Raises:
        StoreError: The store could not give them.
        IntegrityError: They are not what the manifest promises.
        FormatError: They cannot be read.
    """
    key = object_names.image_extents(image.extents)

    def read(data: bytes) -> Extents:
        return extents.decode(data, image)

    _, found = await read_description(store, key, limit=extents.EXTENTS_LIMIT, read=read, report=report)
    return found


async def read_chunks(store: Store, layer: Index) -> ChunkList:
    """A layer's chunk list, tried once: a publisher can do without it.

    Raises:
        StoreError: The store could not give it.
        IntegrityError: It is not what the index promises.
        FormatError: It cannot be read, or is not that layer's.
    """

    def read(data: bytes) -> ChunkList:
        found = chunks.decode(data, layer.chunks_digest)
        if sum(found.lengths) != layer.frames.plain_length:
            raise FormatError(f"the chunk list of layer {layer.layer} does not cover its plain bytes")
        return found

    _, found = await read_once(store, object_names.layer_chunks(layer.layer), limit=chunks.CHUNKS_LIMIT, read=read)
    return found

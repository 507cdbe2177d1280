"""The releases that a store shows: all of them to list, and the layers of the trusted ones to share with.

Invariant: a layer is shared with only after signature, index and chunk list were checked against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, IntegrityError, ObjectMissingError
from dcdist.formats import chunks, index, keys, manifest
from dcdist.publishing.tasks import in_parallel, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.chunks import ChunkList
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LayerName
    from dcdist.model.layer import Index
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Entry, Store
    from dcdist.publishing.known import KnownChunks

_PARALLEL: Final = 8


@dataclass(frozen=True, slots=True)
class Visible:
    """A release in the store. `trusted`: one of the keys that were asked for has signed it."""

    release: Release
    trusted: bool
    size: int
    modified: float


async def visible_releases(
    store: Store, *, demo: str | None, trusted: Sequence[PublicKey] = (), skipped: Callable[[str, str], None]
) -> list[Visible]:
    """All releases of a demo (or of all) that can be read, by demo and then by serial.

    `skipped` is told the key and the reason of each that cannot.

    Raises:
        StoreError: The store could not be read.
    """
    listing = await store.list(keys.releases_prefix(demo))

    async def read(entry: Entry) -> Visible | None:
        try:
            data = await store.get(entry.key, limit=manifest.MANIFEST_LIMIT)
            release = manifest.read_unverified(data)
        except ObjectMissingError:
            return None
        except FormatError as error:
            skipped(entry.key, str(error))
            return None
        if keys.release(release.name) != entry.key:
            skipped(entry.key, f"it holds the manifest of {release.name}")
            return None
        return Visible(release, _is_signed(data, trusted), entry.size, entry.modified)

    wanted = [entry for entry in listing.entries if keys.parse_release_key(entry.key) is not None]
    found = await in_parallel([partial(read, entry) for entry in wanted], limit=_PARALLEL)
    return sorted(
        (each for each in found if each is not None),
        key=lambda each: (each.release.name.demo, each.release.serial, each.release.name.version),
    )


def layers_to_share(releases: Sequence[Visible], demo: str) -> list[LayerEntry]:
    """The layers of the trusted ones, each once: the newest releases of `demo` first."""
    newest = sorted(releases, key=lambda each: (each.release.serial, each.release.name.version), reverse=True)
    order = sorted(newest, key=lambda each: (each.release.name.demo != demo, each.release.name.demo))
    entries: dict[LayerName, LayerEntry] = {}
    for visible in order:
        if visible.trusted:
            for entry in visible.release.layers:
                entries.setdefault(entry.name, entry)
    return list(entries.values())


async def read_index(store: Store, entry: LayerEntry) -> Index:
    """A layer's index.

    Raises:
        StoreError, FormatError, IntegrityError: It cannot be had.
    """
    data = await store.get(keys.layer_index(entry.name), limit=index.INDEX_LIMIT)
    return await in_thread(index.decode, data, entry)


async def read_chunks(store: Store, layer: Index) -> ChunkList:
    """A layer's chunk list.

    Raises:
        StoreError, FormatError, IntegrityError: It cannot be had, or is not that layer's.
    """
    data = await store.get(keys.layer_chunks(layer.layer), limit=chunks.CHUNKS_LIMIT)
    found = await in_thread(chunks.decode, data, layer.chunks_digest)
    if sum(found.lengths) != layer.frames.plain_length:
        raise FormatError(f"the chunk list of layer {layer.layer} does not cover its plain bytes")
    return found


async def learn_chunks(
    store: Store, entries: Sequence[LayerEntry], known: KnownChunks, *, skipped: Callable[[str, str], None]
) -> None:
    """Add the chunks of `entries` to `known`, each layer's position in `entries` being its source.

    A layer whose index or chunk list cannot be had is not shared with: `skipped` is told the key and the reason.

    Raises:
        StoreError: The store could not be read.
        DiskError: The temporary folder has no room.
    """

    async def read(entry: LayerEntry) -> ChunkList | None:
        try:
            return await read_chunks(store, await read_index(store, entry))
        except (ObjectMissingError, FormatError, IntegrityError) as error:
            skipped(keys.layer_index(entry.name), str(error))
            return None

    for first in range(0, len(entries), _PARALLEL):
        batch = entries[first : first + _PARALLEL]
        lists = await in_parallel([partial(read, each) for each in batch], limit=_PARALLEL)
        for source, found in enumerate(lists, first):
            if found is not None:
                await in_thread(known.add_layer, source, found)


def _is_signed(data: bytes, trusted: Sequence[PublicKey]) -> bool:
    if not trusted:
        return False
    try:
        manifest.open_sealed(data, trusted)
    except IntegrityError:
        return False
    return True

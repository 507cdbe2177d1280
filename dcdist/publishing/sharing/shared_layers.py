"""The layers of trusted releases that a publish shares: which they are, and the chunks that they hold.

Invariant: a layer is shared only after signature, index and chunk list were checked against each other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.promised import read_chunks, read_index
from dcdist.errors import FormatError, IntegrityError, ObjectMissingError
from dcdist.formats import object_names
from dcdist.tasks import in_parallel, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.catalog.releases import VisibleRelease
    from dcdist.formats.chunks import ChunkList
    from dcdist.model.identity import LayerName
    from dcdist.model.release import LayerEntry
    from dcdist.ports.store import Store
    from dcdist.publishing.cutting.known_chunks import KnownChunks

_PARALLEL: Final = 8


def layers_to_share(releases: Sequence[VisibleRelease], demo: str) -> list[LayerEntry]:
    """The layers of the trusted releases, each once: the newest releases of `demo` first."""
    newest = sorted(releases, key=lambda each: (each.release.serial, each.release.name.version), reverse=True)
    order = sorted(newest, key=lambda each: (each.release.name.demo != demo, each.release.name.demo))
    entries: dict[LayerName, LayerEntry] = {}
    for visible in order:
        if visible.trusted:
            for entry in visible.release.layers:
                entries.setdefault(entry.name, entry)
    return list(entries.values())


async def learn_chunks(
    store: Store, entries: Sequence[LayerEntry], known: KnownChunks, *, skipped: Callable[[str, str], None]
) -> None:
    """Add the chunks of `entries` to `known`, each layer's position in `entries` being its source.

    A layer whose index or chunk list cannot be read is not shared: `skipped` is called with the key and the reason.

    Raises:
        StoreError: The store could not be read.
        DiskError: The temporary folder has no room.
    """

    async def read(entry: LayerEntry) -> ChunkList | None:
        try:
            _, index = await read_index(store, entry, again=False)
            return await read_chunks(store, index)
        except (ObjectMissingError, FormatError, IntegrityError) as error:
            skipped(object_names.layer_index(entry.name), str(error))
            return None

    for first in range(0, len(entries), _PARALLEL):
        batch = entries[first : first + _PARALLEL]
        lists = await in_parallel([partial(read, each) for each in batch], limit=_PARALLEL)
        for source, found in enumerate(lists, first):
            if found is not None:
                await in_thread(known.add_layer, source, found)

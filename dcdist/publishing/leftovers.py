"""What ended publishes of a release left in the store: the next publish goes on with it, or it is deleted.

Invariant: no layer that the visible release names is deleted; if that release cannot be read, none is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.catalog.publishes import list_publishes
from dcdist.errors import FormatError, ObjectMissingError, StoreError
from dcdist.formats import manifest, object_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.catalog.publishes import ListedPublish
    from dcdist.model.identity import LayerName, ReleaseName
    from dcdist.ports.store import Store


async def dead_publishes(store: Store, release: ReleaseName) -> list[ListedPublish]:
    """The dead publishes of `release`, those with the most to inherit first.

    Raises:
        StoreError: The store cannot be read or listed.
    """
    found = (await list_publishes(store)).readable
    dead = [each for each in found if each.dead and each.journal.release == release]
    return sorted(dead, key=lambda each: (-each.finished, each.publish))


async def discard_layers(store: Store, release: ReleaseName, layers: Iterable[LayerName]) -> None:
    """Delete all objects of layers that a publish of `release` began, except those that the visible release names.

    If that fails, they are left to a collector. If the visible release cannot be read, nothing is deleted.
    """
    with suppress(StoreError, FormatError):
        needed = await _visible_layers(store, release)
        for layer in layers:
            if layer not in needed:
                for entry in (await store.list(object_names.layer_prefix(layer))).entries:
                    await store.delete(entry.key)


async def sweep(store: Store, release: ReleaseName) -> None:
    """Now that `release` is visible, delete what its dead publishes have left."""
    with suppress(StoreError):
        for dead in await dead_publishes(store, release):
            await discard_layers(store, release, [layer.name for layer in dead.journal.layers])
            await store.delete(object_names.publish_journal(dead.publish))


async def _visible_layers(store: Store, release: ReleaseName) -> set[LayerName]:
    try:
        data = await store.get(object_names.release(release), limit=manifest.MANIFEST_LIMIT)
    except ObjectMissingError:
        return set()
    return {layer.name for layer in manifest.read_unverified(data).layers}

"""Everything before the first byte of payload: the images, their layers, the indexes, the layers in the cache.

Invariant: only what the manifest names by its SHA-256 is trusted.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog import promised
from dcdist.engine.fetch_events import LayerChecked, Waiting
from dcdist.engine.fetch_plan import PlannedImage, plan_images, plan_layers
from dcdist.engine.troubles import cache_is_damaged
from dcdist.errors import CacheBusyError, FetchFailedError, IntegrityError, StoreError, UsageError
from dcdist.formats import index as index_format
from dcdist.tasks import in_parallel, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AsyncExitStack
    from types import TracebackType

    from dcdist.engine.fetch_events import FetchEvent, Troubled
    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.model.identity import LayerName
    from dcdist.model.layer import Index
    from dcdist.model.release import Image, LayerEntry, Release
    from dcdist.ports.layers import Cache, CachedLayer
    from dcdist.ports.store import Store

_BUSY_POLL = 0.5
"""Seconds between two looks at a layer that another process writes."""

_AT_ONCE = 4
"""Extents or index objects that are read at once."""


def choose_images(release: Release, names: Sequence[str]) -> tuple[Image, ...]:
    """The images with these names, in start order; all if there are none.

    Raises:
        UsageError: The release has no such image.
    """
    known = {image.name for image in release.images}
    for name in names:
        if name not in known:
            has = ", ".join(sorted(known)) or "none"
            raise UsageError(f"release {release.name} has no image {name!r}; it has: {has}")
    return tuple(image for image in release.images if not names or image.name in names)


async def make_plan(
    store: Store,
    cache: Cache,
    release: Release,
    images: Sequence[Image],
    report: Callable[[Troubled], None] | None = None,
    *,
    held: Collection[LayerName] = (),
) -> FetchPlan:
    """Read the extents of `images` and the indexes of the layers that they need; `report` gets what was wrong.

    Layers of the release that are in `held` are in the plan too, to be given to others, even if no image is built.

    Raises:
        StoreError: The store could not give them.
        IntegrityError: They are not what the manifest promises.
        FormatError: They cannot be read.
    """
    extents = await in_parallel(
        [partial(promised.read_extents, store, image, report=report) for image in images], limit=_AT_ONCE
    )
    wanted = {layer for each in extents for layer in each.layers}
    taking_part = wanted | set(held)
    entries = tuple(entry for entry in release.layers if entry.name in taking_part)
    unknown = wanted - {entry.name for entry in entries}
    if unknown:
        raise IntegrityError(f"an image of {release.name} needs layer {min(unknown)}, which its manifest does not name")
    indexes = await in_parallel([partial(read_index, store, cache, entry, report) for entry in entries], limit=_AT_ONCE)
    planned = [PlannedImage(image, each) for image, each in zip(images, extents, strict=True)]
    return await in_thread(plan_images, release, planned, {index.layer: index for index in indexes})


async def plan_of_layers(
    store: Store, cache: Cache, release: Release, report: Callable[[Troubled], None] | None = None
) -> FetchPlan:
    """A plan of all layers of a release and no image: what a seeder holds; `report` gets what was wrong.

    Raises:
        StoreError: The store could not give the indexes.
        IntegrityError: They are not what the manifest promises.
    """
    indexes = [await read_index(store, cache, entry, report) for entry in release.layers]
    return plan_layers(release, {index.layer: index for index in indexes})


async def read_index(
    store: Store, cache: Cache, entry: LayerEntry, report: Callable[[Troubled], None] | None = None
) -> Index:
    """The index of a layer, from the cache or the store; kept in the cache."""
    kept = await cache.read_index(entry.name)
    if kept is not None:
        try:
            return await in_thread(index_format.decode, kept, entry)
        except IntegrityError:
            # The copy on this disk is damaged: the store has another.
            pass
    data, index = await promised.read_index(store, entry, report=report)
    await cache.save_index(entry.name, data)
    return index


async def open_layer(
    cache: Cache, index: Index, stack: AsyncExitStack, report: Callable[[FetchEvent], None]
) -> CachedLayer:
    """Open a layer in the cache, waiting while another process writes it; `stack` closes it.

    If the stack ends with an error that casts doubt on what was written, the layer is checked next time.
    """
    reported = False

    def checked(count: int) -> None:
        report(LayerChecked(index.layer, count, index.geometry.length))

    while True:
        try:
            layer = await cache.open(index, checked=checked)
        except CacheBusyError as error:
            if not reported:
                report(Waiting(index.layer, str(error)))
                reported = True
            await asyncio.sleep(_BUSY_POLL)
        else:
            break

    async def close(_: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        await layer.close(clean=_leaves_layers_whole(error))

    stack.push_async_exit(close)
    if layer.damaged:
        report(cache_is_damaged(layer))
    return layer


def _leaves_layers_whole(error: BaseException | None) -> bool:
    """Whether what was written can be trusted although `error` ended the fetch: its cause lies outside of this host."""
    if isinstance(error, BaseExceptionGroup):
        return all(_leaves_layers_whole(each) for each in error.exceptions)
    return error is None or isinstance(error, asyncio.CancelledError | StoreError | FetchFailedError | UsageError)

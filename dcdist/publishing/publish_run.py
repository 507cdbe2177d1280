"""Publishing a release: the order of things, and what happens when one of them fails.

Invariant: the manifest is written last, and only once. Until then nothing is visible; the next try of the
same release uses what a killed publish left; what a refused one left is deleted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.errors import (
    DcdistError,
    DiskError,
    ObjectExistsError,
    StoreDeniedError,
    StoreError,
)
from dcdist.formats import manifest, object_names
from dcdist.formats.frames import Packer
from dcdist.model.release import Release
from dcdist.publishing.build import build
from dcdist.publishing.existing_release import (
    confirm,
    content_of,
    find_existing,
    open_existing,
    require_followed,
    require_same,
    require_wished_line,
)
from dcdist.publishing.leftovers import Leftovers
from dcdist.publishing.own_releases import read_own_releases
from dcdist.publishing.publish_events import LinesDropped, Published
from dcdist.publishing.publish_journal import PublishJournal
from dcdist.publishing.reading.input_images import open_images
from dcdist.publishing.reading.metadata_folder import read_metadata
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.catalog.publishes import ListedPublish
    from dcdist.model.release import LayerEntry, MetadataFile
    from dcdist.ports.store import Store
    from dcdist.publishing.build import Built
    from dcdist.publishing.own_releases import OwnReleases
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest
    from dcdist.publishing.reading.input_images import InputImages

READ_BACK = 1.0
"""Seconds after which a manifest is read back from a store that may let two creates of it succeed."""


async def publish(store: Store, request: PublishRequest, *, report: Callable[[PublishEvent], None]) -> Published:
    """Publish a release, or see that it is published already with the same images and metadata.

    `store` tries again what can be tried again; here a failure is final. `report` is called on the event loop.

    Raises:
        ReleaseExistsError: The release exists with other content, in another line than the request names or hosts
            follow, or signed by another key.
        XvaError: An image is a damaged XVA.
        InputChangedError: A file, or the folder of metadata, changed while it was read.
        FormatError: An image is empty, and the request does not allow that.
        UsageError: A name, a level or a number is beyond what a release may have; the demo has releases, none of them
            signed by a key of `request`, which does not allow that; or no serial or line follows from those that are.
        DiskError: A file cannot be read.
        StoreDeniedError: The store is read-only; it was asked nothing.
        StoreError: The store refused; publish again, and only what is missing is uploaded.
    """
    if not store.capabilities.writable:
        raise StoreDeniedError(
            f"{store} is read-only, as every web server: publish to swift://... or file:///...",
            store=str(store),
        )
    # A level that zstd lacks is refused before anything else happens.
    Packer(request.level)
    metadata = await in_thread(read_metadata, request.metadata)
    leftovers = Leftovers(store, request, report)
    async with open_images(request.images, allow_empty=request.allow_empty) as images:
        existing = await find_existing(store, request)
        if existing is not None:
            confirmed = await confirm(request, require_wished_line(request, existing), images, metadata, report)
            await require_followed(store, request, existing)
            await leftovers.sweep(confirmed.release)
            return confirmed

        known = await read_own_releases(store, request, report)
        # A line that cannot go on is told of before the images are read.
        known.next_position(request)
        journal, shareable = await _begin_journal(store, request, known.shareable, await leftovers.look())
        async with journal:
            try:
                built = await _build(store, request, images, shareable, journal, report)
                published = await _make_visible(store, request, built, metadata, journal, known, report)
            except (StoreError, DiskError):
                raise
            except DcdistError:
                await leftovers.discard(journal.publish, journal.layers, None)
                raise
            await leftovers.discard(journal.publish, journal.layers, published.release)
            await leftovers.sweep(published.release)
            return published


async def _build(
    store: Store,
    request: PublishRequest,
    images: InputImages,
    shareable: Sequence[LayerEntry],
    journal: PublishJournal,
    report: Callable[[PublishEvent], None],
) -> Built:
    """Build; if the store refuses, the error says that what was uploaded is kept."""
    try:
        return await build(store, request, images, shareable, journal, report=report)
    except StoreError as error:
        kept = f"nothing of {request.name} is visible, and what was uploaded is kept: publish it again to resume"
        error.add_context(note=kept)
        raise


async def _begin_journal(
    store: Store, request: PublishRequest, shareable: Sequence[LayerEntry], dead_publishes: Sequence[ListedPublish]
) -> tuple[PublishJournal, Sequence[LayerEntry]]:
    """A journal in the store, and what to share with: the same as the dead publish that it inherits, if any.

    Only the same references give the same bytes, of which the store has many already.
    """
    by_name = {entry.name: entry for entry in shareable}
    for dead in dead_publishes:
        references = [by_name[name] for name in dead.journal.references if name in by_name]
        if not dead.finished:
            references = list(shareable)
        journal = PublishJournal(store, request.name, request.key, [entry.name for entry in references], dead)
        if await journal.create():
            return journal, references
    journal = PublishJournal(store, request.name, request.key, [entry.name for entry in shareable])
    await journal.create()
    return journal, shareable


async def _make_visible(
    store: Store,
    request: PublishRequest,
    built: Built,
    metadata: tuple[MetadataFile, ...],
    journal: PublishJournal,
    known: OwnReleases,
    report: Callable[[PublishEvent], None],
) -> Published:
    position = (await known.seen_again(store, request)).next_position(request)
    if position.dropped:
        report(LinesDropped(position.dropped))
    release = Release(
        request.name, position.serial, built.images, built.layers, metadata, position.line, position.replaces
    )
    data = await in_thread(manifest.seal, release, request.key)
    await journal.require_own()
    existed = False
    try:
        await store.put(object_names.release(request.name), data, if_absent=True)
        if not store.capabilities.creates_once:
            # The store would have let in another publish of the same release at the same moment as well.
            await asyncio.sleep(READ_BACK)
    except ObjectExistsError:
        # Another publish was faster, or it is ours and the answer to a first try was lost.
        pass
    there = await store.get(object_names.release(request.name), limit=manifest.MANIFEST_LIMIT)
    if there != data:
        existed = True
        release = _same(store, request, there, release)
        await require_followed(store, request, release)
    return Published(
        release,
        existed=existed,
        layers=() if existed else built.new,
        read=built.read,
        new=built.counts.new,
        reused=built.counts.reused,
        zeros=built.counts.zeros,
        uploaded=built.uploaded + len(data),
        new_line=position.new and not existed,
    )


def _same(store: Store, request: PublishRequest, there: bytes, release: Release) -> Release:
    """The release that another publish made visible, if it is the same as this one."""
    existing = require_same(request, open_existing(store, request, there), content_of(release), release.metadata)
    return require_wished_line(request, existing)

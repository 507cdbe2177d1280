"""Publishing a release: the order of things, and what happens when one of them fails.

Invariant: the manifest is written last, and only once. Until then nothing is visible; the next try of the
same release uses what a killed publish left; what a refused one left is deleted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.catalog.releases import visible_releases
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
    require_known_signer,
    require_same,
)
from dcdist.publishing.leftovers import dead_publishes, discard_layers, sweep
from dcdist.publishing.publish_events import NotShared, Published
from dcdist.publishing.publish_journal import PublishJournal
from dcdist.publishing.reading.input_images import open_images
from dcdist.publishing.reading.metadata_folder import read_metadata
from dcdist.publishing.sharing.shared_layers import layers_to_share
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.model.release import LayerEntry, MetadataFile
    from dcdist.ports.store import Store
    from dcdist.publishing.build import Built
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest
    from dcdist.publishing.reading.input_images import InputImages

READ_BACK = 1.0
"""Seconds after which a manifest is read back from a store that may let two creates of it succeed."""


async def publish(store: Store, request: PublishRequest, *, report: Callable[[PublishEvent], None]) -> Published:
    """Publish a release, or see that it is published already with the same images and metadata.

    `store` tries again what can be tried again; here a failure is final. `report` is called on the event loop.

    Raises:
        ReleaseExistsError: The release exists with other content, or signed by another key.
        XvaError: An image is a damaged XVA.
        InputChangedError: A file, or the folder of metadata, changed while it was read.
        FormatError: An image is empty, and the request does not allow that.
        UsageError: A name, a level or a number is beyond what a release may have; or another key signed the demo's
            latest release, and `request` does not allow that.
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
    async with open_images(request.images, allow_empty=request.allow_empty) as images:
        existing = await find_existing(store, request)
        if existing is not None:
            confirmed = await confirm(request, existing, images, metadata, report)
            await sweep(store, request.name)
            return confirmed

        journal, shareable = await _begin_journal(store, request, await _shareable(store, request, report))
        async with journal:
            try:
                built = await _build(store, request, images, shareable, journal, report)
                published = await _make_visible(store, request, built, metadata, journal)
            except (StoreError, DiskError):
                raise
            except DcdistError:
                await _discard(store, request, journal)
                raise
            await _discard(store, request, journal)
            await sweep(store, request.name)
            return published


async def _shareable(store: Store, request: PublishRequest, report: Callable[[PublishEvent], None]) -> list[LayerEntry]:
    """The layers to share chunks with, once it is clear that the demo may be published to."""

    def skipped(key: str, reason: str) -> None:
        report(NotShared(key, reason))

    visible = await visible_releases(store, demo=None, trusted=request.keys, skipped=skipped)
    require_known_signer(store, request, visible)
    for each in visible:
        if each.release.name.demo == request.name.demo and not each.trusted:
            skipped(object_names.release(each.release.name), "no key that this publisher trusts has signed it")
    return layers_to_share(visible, request.name.demo)


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


async def _discard(store: Store, request: PublishRequest, journal: PublishJournal) -> None:
    """Delete what the visible release does not need, and the journal, which has done its work."""
    await discard_layers(store, request.name, journal.layers)
    await journal.delete()


async def _begin_journal(
    store: Store, request: PublishRequest, shareable: Sequence[LayerEntry]
) -> tuple[PublishJournal, Sequence[LayerEntry]]:
    """A journal in the store, and what to share with: the same as the dead publish that it inherits, if any.

    Only the same references give the same bytes, of which the store has many already.
    """
    by_name = {entry.name: entry for entry in shareable}
    for dead in await dead_publishes(store, request.name):
        references = [by_name[name] for name in dead.journal.references if name in by_name]
        if not dead.finished:
            references = list(shareable)
        journal = PublishJournal(store, request.name, [entry.name for entry in references], dead)
        if await journal.create():
            return journal, references
    journal = PublishJournal(store, request.name, [entry.name for entry in shareable])
    await journal.create()
    return journal, shareable


async def _make_visible(
    store: Store, request: PublishRequest, built: Built, metadata: tuple[MetadataFile, ...], journal: PublishJournal
) -> Published:
    serial = await _next_serial(store, request)
    release = Release(request.name, serial, built.images, built.layers, metadata)
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
        release = require_same(request, open_existing(request, there), content_of(release), metadata)
    return Published(
        release,
        existed=existed,
        layers=() if existed else built.new,
        read=built.read,
        new=built.counts.new,
        reused=built.counts.reused,
        zeros=built.counts.zeros,
        uploaded=built.uploaded + len(data),
    )


async def _next_serial(store: Store, request: PublishRequest) -> int:
    """One more than any release of the demo has, whoever signed it: hosts may trust several publishers."""
    visible = await visible_releases(store, demo=request.name.demo, skipped=lambda _key, _reason: None)
    return max((each.release.serial for each in visible), default=0) + 1

"""Publishing a release: the order of things, and what happens when one of them fails.

Invariant: the manifest is written last, and only once. Until then nothing is visible; what a killed publish has left
is used by the next try of the same release, and what a refused one has left is deleted.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, NoReturn

from dcdist.catalog.releases import visible_releases
from dcdist.errors import (
    DcdistError,
    DiskError,
    FormatError,
    IntegrityError,
    ObjectExistsError,
    ObjectMissingError,
    ReleaseExistsError,
    StoreError,
)
from dcdist.formats import manifest, object_names
from dcdist.formats.frames import Packer
from dcdist.model.release import Release
from dcdist.publishing.build import build
from dcdist.publishing.input_images import batches, open_images
from dcdist.publishing.leftovers import dead_publishes, discard_layers, sweep
from dcdist.publishing.metadata import read_metadata
from dcdist.publishing.publish_events import ImageFinished, ImageStarted, NotShared, Progress, Published
from dcdist.publishing.publish_journal import PublishJournal
from dcdist.publishing.shared_layers import layers_to_share
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.model.identity import Digest
    from dcdist.model.release import LayerEntry, MetadataFile
    from dcdist.ports.store import Store
    from dcdist.publishing.build import Built
    from dcdist.publishing.input_images import Images
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest

READ_BACK = 1.0
"""Seconds after which a manifest is read back from a store that may let two creates of it succeed."""

_Content = tuple[tuple[str, int, "Digest"], ...]


async def publish(store: Store, request: PublishRequest, *, report: Callable[[PublishEvent], None]) -> Published:
    """Publish a release, or see that it is published already with the same images and metadata.

    `store` repeats what can be repeated; here a failure is final. `report` is called on the event loop.

    Raises:
        ReleaseExistsError: The release exists with other content, or signed by another key.
        XvaError: An image is a damaged XVA.
        UsageError: A name, a level or a number is beyond what a release may have.
        DiskError: A file cannot be read.
        StoreError: The store refused; publish again, and only what is missing is uploaded.
    """
    # So that a level that zstd lacks is refused before anything else happens.
    Packer(request.level)
    metadata = await in_thread(read_metadata, request.metadata)
    async with open_images(request.images) as images:
        existing = await _existing(store, request)
        if existing is not None:
            return await _confirm(store, request, existing, images, metadata, report)

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
    def skipped(key: str, reason: str) -> None:
        report(NotShared(key, reason))

    visible = await visible_releases(store, demo=None, trusted=request.keys, skipped=skipped)
    for each in visible:
        if each.release.name.demo == request.name.demo and not each.trusted:
            skipped(object_names.release(each.release.name), "no key that this publisher trusts has signed it")
    return layers_to_share(visible, request.name.demo)


async def _build(
    store: Store,
    request: PublishRequest,
    images: Images,
    shareable: Sequence[LayerEntry],
    journal: PublishJournal,
    report: Callable[[PublishEvent], None],
) -> Built:
    """Build; a store that refuses leaves what it has, and the error says so."""
    try:
        return await build(store, request, images, shareable, journal, report=report)
    except StoreError as error:
        kept = f"nothing of {request.name} is visible, and what was uploaded is kept: publish it again to go on"
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

    Only with the same references come the same bytes, of which the store has many already.
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
            # Another publish of the same release at the same moment would have been let in as well.
            await asyncio.sleep(READ_BACK)
    except ObjectExistsError:
        # Another publish was faster, or it is ours and the answer to a first try was lost.
        pass
    there = await store.get(object_names.release(request.name), limit=manifest.MANIFEST_LIMIT)
    if there != data:
        existed, release = True, _require_same(request, _open(request, there), _content(release), metadata)
    return Published(
        release,
        existed=existed,
        layers=() if existed else built.new,
        read=built.read,
        new=built.tally.new,
        reused=built.tally.reused,
        zeros=built.tally.zeros,
        uploaded=built.uploaded + len(data),
    )


async def _next_serial(store: Store, request: PublishRequest) -> int:
    """One more than any release of the demo has, whoever signed it: hosts may trust several publishers."""
    visible = await visible_releases(store, demo=request.name.demo, skipped=lambda _key, _reason: None)
    return max((each.release.serial for each in visible), default=0) + 1


async def _existing(store: Store, request: PublishRequest) -> Release | None:
    try:
        data = await store.get(object_names.release(request.name), limit=manifest.MANIFEST_LIMIT)
    except ObjectMissingError:
        return None
    return _open(request, data)


def _open(request: PublishRequest, data: bytes) -> Release:
    try:
        return manifest.open_sealed(data, request.keys)
    except (IntegrityError, FormatError) as error:
        raise ReleaseExistsError(
            f"release {request.name} exists, and cannot be compared: {error}; choose another version",
            release=str(request.name),
        ) from error


async def _confirm(
    store: Store,
    request: PublishRequest,
    existing: Release,
    images: Images,
    metadata: tuple[MetadataFile, ...],
    report: Callable[[PublishEvent], None],
) -> Published:
    """Read the images to compare them with what is published; nothing is written."""
    named = [each.name for each in images.inputs]
    if named != [image.name for image in existing.images] or metadata != existing.metadata:
        _refuse(request, "other images, another order of them, or other metadata")
    content = []
    for source in images.inputs:
        report(ImageStarted(source.name, source.size, source.is_xva))
        async with aclosing(batches(source)) as parts:
            async for _ in parts:
                report(Progress(images.read, images.total, 0))
        content.append((source.name, source.plain, source.digest))
        report(ImageFinished(source.name, source.plain, 0, source.plain, 0))
    _require_same(request, existing, tuple(content), metadata)
    await sweep(store, request.name)
    return Published(
        existing, existed=True, layers=(), read=images.read, new=0, reused=existing.image_bytes, zeros=0, uploaded=0
    )


def _require_same(
    request: PublishRequest, existing: Release, content: _Content, metadata: tuple[MetadataFile, ...]
) -> Release:
    there = _content(existing)
    different = [name for (name, *_), other in zip(content, there, strict=False) if (name, *_) != other]
    if content != there or metadata != existing.metadata:
        _refuse(request, f"other content: {', '.join(different) or 'images or metadata'} differ")
    return existing


def _content(release: Release) -> _Content:
    return tuple((image.name, image.size, image.digest) for image in release.images)


def _refuse(request: PublishRequest, why: str) -> NoReturn:
    raise ReleaseExistsError(
        f"release {request.name} exists with {why}; a release never changes: choose another version",
        release=str(request.name),
    )

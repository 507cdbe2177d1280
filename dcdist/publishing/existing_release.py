"""What a publish finds in the store under the name of its release: the same one, another one, or rubbish.

Invariant: nothing is written here.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, NoReturn

from dcdist.catalog.releases import visible_releases
from dcdist.errors import FormatError, IntegrityError, ObjectMissingError, ReleaseExistsError
from dcdist.formats import manifest, object_names
from dcdist.publishing.next_in_line import passed_over
from dcdist.publishing.publish_events import ImagePublished, Published, PublishProgress
from dcdist.publishing.reading.input_images import batches, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.identity import Digest
    from dcdist.model.release import MetadataFile, Release
    from dcdist.ports.store import Store
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest
    from dcdist.publishing.reading.input_images import InputImages

Content = tuple[tuple[str, int, "Digest"], ...]
"""The name, the bytes and the SHA-256 of each image, in start order."""


async def find_existing(store: Store, request: PublishRequest) -> Release | None:
    """The release of that name in the store; None if there is none.

    Raises:
        ReleaseExistsError: It is there, and no key of `request` signed it, or it cannot be read.
        StoreError: The store could not give it.
    """
    try:
        data = await store.get(object_names.release(request.name), limit=manifest.MANIFEST_LIMIT)
    except ObjectMissingError:
        return None
    except FormatError as error:
        raise _not_comparable(store, request, error) from error
    return open_existing(store, request, data)


def open_existing(store: Store, request: PublishRequest, data: bytes) -> Release:
    """The release in `data`, a manifest that is in the way.

    Raises:
        ReleaseExistsError: No key of `request` signed it, it cannot be read, or it is that of another release.
    """
    try:
        existing = manifest.open_sealed(data, request.keys)
    except (IntegrityError, FormatError) as error:
        raise _not_comparable(store, request, error) from error
    if existing.name != request.name:
        # Whoever may write to a store can put a copy of any release there.
        raise _not_comparable(store, request, f"it holds the manifest of {existing.name}")
    return existing


async def confirm(
    request: PublishRequest,
    existing: Release,
    images: InputImages,
    metadata: tuple[MetadataFile, ...],
    report: Callable[[PublishEvent], None],
) -> Published:
    """Read the images to compare them with what is published, up to the first that differs; nothing is written.

    Raises:
        ReleaseExistsError: The release has other content.
        XvaError: An image is a damaged XVA.
        InputChangedError: A file changed while it was read.
        DiskError: An image cannot be read.
    """
    named = [each.name for each in images.inputs]
    if named != [image.name for image in existing.images] or metadata != existing.metadata:
        _refuse(request, "other images, another order of them, or other metadata")
    for source, there in zip(images.inputs, content_of(existing), strict=True):
        report(started(source))
        async with aclosing(batches(source)) as parts:
            async for _ in parts:
                report(PublishProgress(images.read, images.total, 0))
        if (source.name, source.plain, source.digest) != there:
            _refuse(request, f"other content: {source.name} differs")
        report(ImagePublished(source.name, source.plain, 0, source.plain, 0))
    return Published(
        existing, existed=True, layers=(), read=images.read, new=0, reused=existing.image_bytes, zeros=0, uploaded=0
    )


def require_same(
    request: PublishRequest, existing: Release, content: Content, metadata: tuple[MetadataFile, ...]
) -> Release:
    """The existing release, if it has this content.

    Raises:
        ReleaseExistsError: It has other content.
    """
    there = content_of(existing)
    different = [name for (name, *_), other in zip(content, there, strict=False) if (name, *_) != other]
    if content != there or metadata != existing.metadata:
        verb = "differs" if len(different) == 1 else "differ"
        _refuse(request, f"other content: {', '.join(different) or 'images or metadata'} {verb}")
    return existing


def content_of(release: Release) -> Content:
    """What of a release must be the same."""
    return tuple((image.name, image.size, image.digest) for image in release.images)


def require_wished_line(request: PublishRequest, existing: Release) -> Release:
    """The existing release, if it stands in the line that the request asks for.

    Raises:
        ReleaseExistsError: It does not, and a release never changes.
    """
    wish = request.lines
    if wish.new or wish.line not in {None, existing.line} or not set(wish.replaces) <= set(existing.replaces):
        _refuse(request, f"this content in {f'line {existing.line}' if existing.line else 'no line'}")
    return existing


async def require_followed(store: Store, request: PublishRequest, existing: Release) -> None:
    """Check that hosts follow the line of the existing release, unless the request names that line.

    Whoever may write to a store can put a release of another store there, which the same key signed.

    Raises:
        ReleaseExistsError: They may pass it over.
        StoreError: The store cannot be read or listed.
    """
    if request.lines.line is not None:
        return
    demo = request.name.demo
    visible = await visible_releases(store, demo=demo, trusted=request.keys, skipped=lambda _key, _reason: None)
    why = passed_over(existing, [each.release for each in visible if each.trusted])
    if why is not None:
        way = f"if they follow this line, say so with --line {existing.line} (line=), else " if existing.line else ""
        raise ReleaseExistsError(
            f"release {request.name} exists with this content {why}; {way}choose another version, or, if nobody should "
            f"have put it there, delete the object {object_names.release(request.name)} from {store} first",
            release=str(request.name),
        )


def _not_comparable(store: Store, request: PublishRequest, why: Exception | str) -> ReleaseExistsError:
    return ReleaseExistsError(
        f"release {request.name} exists, and cannot be compared: {why}; choose another version, or, if nobody "
        f"should have put it there, delete the object {object_names.release(request.name)} from {store} first",
        release=str(request.name),
    )


def _refuse(request: PublishRequest, why: str) -> NoReturn:
    raise ReleaseExistsError(
        f"release {request.name} exists with {why}; a release never changes: choose another version",
        release=str(request.name),
    )

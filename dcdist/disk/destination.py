"""The folder that a release is fetched to: images under their names, `metadata/`, and a record of what was brought.

Invariant: nothing changes before `begin`; from then until `complete` the record says that the release is incomplete.
What dcdist did not bring is never removed; it is replaced only where the release has a file of its name, by that file.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Self

from dcdist.disk import comparison, places
from dcdist.disk.destination_lock import DestinationLock
from dcdist.disk.destination_record import BroughtFile, DestinationRecord, metadata_path
from dcdist.disk.free_space import allocated_bytes, file_system, free_bytes
from dcdist.disk.image_checker import ImageChecker
from dcdist.disk.image_file import PartFile, part_path
from dcdist.disk.metadata_files import write_metadata
from dcdist.disk.own_file import OwnFiles
from dcdist.disk.private_folder import make_folders
from dcdist.disk.record_file import load_record, store_record
from dcdist.disk.system_errors import refusals
from dcdist.disk.threads import Threads
from dcdist.errors import DiskError, FormatError
from dcdist.formats.names import METADATA_FOLDER
from dcdist.model.destination_notes import FileKept, FileRemoved, FileReplaced
from dcdist.model.identity import Digest
from dcdist.model.space import SpaceNeeded
from dcdist.model.trouble import Troubled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from dcdist.disk.exposure import Exposure
    from dcdist.model.destination_notes import DestinationNote
    from dcdist.model.release import Image, MetadataFile, Release
    from dcdist.ports.images import ImageFile, InPlace

_THREADS = 2


class DirectoryDestination:
    """Implements `Destination` in a folder, which is created when needed. Close it after its images."""

    def __init__(self, path: Path, release: Release, *, report: Callable[[DestinationNote | Troubled], None]) -> None:
        """`report` is told what happens to files that the user should know of."""
        self._path = path.absolute()
        self._release = release
        self._report = report
        self._threads = Threads("dcdist-images", count=_THREADS)
        self._lock = DestinationLock(self._path, self._threads)
        self._storing = asyncio.Lock()
        self._stored = self._record = DestinationRecord()
        self._checker = ImageChecker(self._path, self._threads, report)
        self._has_all = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let other fetches write, and end the threads. Finish or abandon the images first."""
        try:
            await self._lock.release()
        finally:
            self._threads.close()

    async def acquire(self, *, waiting: Callable[[str], None]) -> None:
        """Become the only fetch that writes there, and read what the last one recorded.

        Raises:
            CacheBusyError: The one that holds it shows no sign of life.
            DiskError: The folder cannot be made or written to.
        """
        await self._lock.acquire(self._release.name, waiting=waiting)
        own = frozenset({self._lock.owner})
        with refusals(self._path, "look at"):
            exposure = await self._threads.run(comparison.exposure_in, self._path, self._release, own)
        if exposure is not None:
            self._report(_exposed(self._path, exposure))
        self._checker.ownership = OwnFiles(own, exposed=exposure is not None)
        try:
            self._stored = self._record = await self._threads.run(load_record, self._path, own=own)
        except FormatError as error:
            self._report(
                Troubled(f"{error}. A new one is written; what earlier releases brought stays", source=str(self._path))
            )

    async def look(self, image: Image, *, read: bool = False) -> InPlace:
        """Whether an image is there already. Not changed since that was last known, it is read only with `read`.

        Raises:
            DiskError: It cannot be read, or a folder stands in its place.
        """
        self._image(image.name)
        await self._threads.run(places.require_no_folder, self._path, image.name)
        return await self._checker.look(image, self._release.name, self._record, read=read)

    async def require_places(self) -> None:
        """Check that the metadata can be put there.

        Raises:
            DiskError: A link, a folder or a user's file stands in the way, or a folder may not be written to.
        """
        files = self._record.files
        in_the_way = await self._threads.run(comparison.in_the_way, self._path, self._release)
        brought = files.keys() & {*self._obsolete(), *in_the_way}
        going = {path for path in sorted(brought) if await self._checker.intact(path, files[path]) is not None}
        await self._threads.run(comparison.require_places, self._path, self._release, going)

    async def need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        """The space for images of these sizes (bytes, less zeros if known), less what their unfinished builds hold."""
        return await self._threads.run(self._need, sizes)

    async def create(self, name: str, size: int) -> PartFile:
        """Begin an image of `size` bytes, sparse; the remains of an unfinished build are replaced.

        Raises:
            CacheBusyError: Another process is building it there.
            DiskFullError: The disk is full.
            DiskError: The disk refused, or `name` would leave the folder.
        """
        image = PartFile(self._image(name), size, threads=self._threads)
        try:
            await self._threads.run(self._begin, image)
        except BaseException:
            image.discard()
            raise
        return image

    async def begin(self, images: Sequence[Image]) -> None:
        """Record that the release with these images is on its way, and put its metadata in place of what was there.

        A release that is there already, with all of them, is not touched.

        Raises:
            DiskError: The disk refused.
        """
        self._has_all = len(images) == len(self._release.images)
        wanted = [image.name for image in images]
        self._record = await self._threads.run(comparison.with_unasked, self._path, self._release, self._record, wanted)
        self._record = self._record.begun(self._release.name, wanted)
        for path, found in self._checker.found.items():
            self._record = self._record.put(path, found)
        lacking = await self._threads.run(
            comparison.lacking_metadata, self._path, self._release, self._checker.ownership
        )
        missing = any(name not in self._checker.found for name in wanted)
        if changes := bool(lacking or missing or self._obsolete(images=self._has_all)):
            await self._store()
        in_the_way = await self._threads.run(comparison.in_the_way, self._path, self._release)
        for path in self._obsolete():
            if path not in in_the_way:
                await self._remove(path)
        for path in in_the_way:
            await self._take_place(path, partial(self._make_way, path))
            self._record = self._record.displaced(path)
        for file in lacking:
            await self._take_place(metadata_path(file.path), partial(self._threads.run, self._write_metadata, file))
        for file in self._release.metadata:
            await self._note(metadata_path(file.path), Digest(hashlib.sha256(file.content).digest()))
        if changes:
            await self._store()

    async def place(self, image: Image, file: ImageFile) -> None:
        """Finish an image, and record it.

        Raises:
            DiskError: The disk refused.
        """
        await self._take_place(image.name, file.finish)
        await self._note(image.name, image.digest)
        await self._store()

    async def complete(self) -> None:
        """Remove images of an earlier release, if all of this one were asked for; record that all is there; unlock.

        Raises:
            DiskError: The disk refused.
        """
        name = self._release.name
        for path in self._obsolete(images=self._has_all):
            await self._remove(path)
        for path in self._record.earlier(name):
            await self._keep_unasked(path)
        self._record = self._record.completed(name)
        await self._store()
        await self._lock.release()

    async def _store(self) -> None:
        """Write the record, if it is not what was written last. Who waits here for another writer often need not."""
        async with self._storing:
            record = self._record
            if record != self._stored:
                await self._threads.run(store_record, self._path, record)
                self._stored = record

    async def _note(self, path: str, digest: Digest) -> None:
        """Record a file that is in place now."""
        status = await self._threads.run(places.status_at, self._path, path)
        if status is None:
            raise DiskError(
                f"{self._path / path} is gone: another program removed it; fetch it again", path=str(self._path / path)
            )
        self._record = self._record.put(path, BroughtFile.of(status, self._release.name, digest))

    async def _take_place(self, path: str, put: Callable[[], Awaitable[None]]) -> None:
        """Put a file there, or make room for a folder, and tell what was replaced that this demo had not brought."""
        reason = await self._threads.run(
            comparison.why_replaced,
            self._path,
            path,
            self._record,
            self._release.name.demo,
            self._checker.ownership,
        )
        await put()
        if reason:
            self._report(FileReplaced(path, reason))

    async def _remove(self, path: str) -> None:
        """Remove what an earlier release brought, unless it is not that file any more, or another demo has it."""
        name, file = self._release.name, self._record.files[path]
        self._record = self._record.given_up(path, name.demo)
        if path in self._record.files or await self._threads.run(places.status_at, self._path, path) is None:
            return
        brought = f"{file.owners} brought it, and {name} does not have it"
        known = await self._checker.intact(path, file)
        if known is not None and await self._threads.run(places.remove, self._path, path, known):
            self._report(FileRemoved(path, brought))
        else:
            self._report(FileKept(path, f"{brought}, but it was changed since"))

    async def _make_way(self, path: str) -> None:
        """Remove a file that a fetch brought, where this release has a folder."""
        file = self._record.files.get(path)
        known = None if file is None else await self._checker.intact(path, file)
        if known is None or not await self._threads.run(places.remove, self._path, path, known):
            raise places.no_folder_here(self._path, path)

    async def _keep_unasked(self, path: str) -> None:
        """An image of an earlier release that a fetch of some images leaves where it is."""
        earlier = self._record.files[path].of_demo(self._release.name.demo)
        if await self._threads.run(places.status_at, self._path, path) is None:
            self._record = self._record.given_up(path, self._release.name.demo)
        else:
            self._report(FileKept(path, f"{earlier} brought it, and this fetch was not asked for all images"))

    def _obsolete(self, *, images: bool = False) -> list[str]:
        return self._record.obsolete(self._release, images=images)

    def _write_metadata(self, file: MetadataFile) -> None:
        places.remove_empty_folders(self._path, metadata_path(file.path))
        write_metadata(self._path, file)

    def _image(self, name: str) -> Path:
        if not name or "/" in name or "\0" in name or name.startswith(".") or name == METADATA_FOLDER:
            raise DiskError(
                f"image name {name!r} is invalid: it must not contain '/', begin with '.' or be {METADATA_FOLDER!r}",
                path=str(self._path),
            )
        return self._path / name

    def _begin(self, image: PartFile) -> None:
        with refusals(self._path, "create folder"):
            make_folders(self._path)
        image.begin()

    def _need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        with refusals(self._path, "look for free space in"):
            needed = sum(max(0, size - allocated_bytes(part_path(self._image(name)))) for name, size in sizes.items())
            return SpaceNeeded(str(self._path), file_system(self._path), needed, free_bytes(self._path))


def _exposed(path: Path, exposure: Exposure) -> Troubled:
    return Troubled(
        f"other users of this host can replace what is in {path}: {exposure.place}: {exposure.who}. The images are "
        f"right when they come, but may be changed afterwards; to end that: {exposure.remedy}",
        source=str(path),
    )

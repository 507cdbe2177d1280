"""Whether files in a destination are what they should be, without reading them where nothing has happened to them.

Invariant: a file that changes while it is read is not taken for anything.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.disk.destination_record import BroughtFile, DestinationRecord
from dcdist.disk.own_file import OwnFiles
from dcdist.disk.places import feed, status_at
from dcdist.model.destination_notes import ImageChecked
from dcdist.model.geometry import MIB
from dcdist.model.identity import Digest
from dcdist.model.trouble import Trouble, Troubled
from dcdist.ports.images import InPlace

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.disk.threads import Threads
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Image

_SLICE = 32 * MIB
"""Bytes between two reports, and until a cancelled caller ends."""


class ImageChecker:
    """Looks at the files of one destination; `report` is told how far it has read."""

    def __init__(self, path: Path, threads: Threads, report: Callable[[ImageChecked | Troubled], None]) -> None:
        self._path = path
        self._threads = threads
        self._report = report
        self.ownership = OwnFiles()
        """Whose files are taken as they are."""
        self.found: dict[str, BroughtFile] = {}
        """The images that were found to be there, by name."""

    async def look(self, image: Image, name: ReleaseName, record: DestinationRecord, *, read: bool) -> InPlace:
        """Whether an image of a release is there. Unchanged since it was recorded, it is read only with `read`.

        Raises:
            DiskError: It cannot be read.
        """
        status = await self._threads.run(status_at, self._path, image.name)
        if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != image.size:
            return InPlace.ABSENT
        if self.ownership.stranger(status):
            return InPlace.ABSENT
        known = record.files.get(image.name)
        if known is not None and known.describes(status):
            if known.digest != image.digest:
                return InPlace.ABSENT
            if not read:
                self.found[image.name] = replace(known, releases=(name,))
                return InPlace.UNREAD
        after, digest = await self._read(image.name, status)
        if after is None or digest != image.digest:
            if after is not None and known is not None and known.resembles(status) and known.digest != digest:
                self._report(_damaged(str(self._path / image.name)))
            return InPlace.ABSENT
        self.found[image.name] = BroughtFile.of(after, name, digest)
        return InPlace.READ

    async def intact(self, path: str, file: BroughtFile) -> os.stat_result | None:
        """The status of a file that is still what was brought, else None. It is read only if something happened to it.

        Raises:
            DiskError: It cannot be read.
        """
        status = await self._threads.run(status_at, self._path, path)
        if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
            return None
        if file.describes(status):
            return status
        after, digest = await self._read(path, status)
        return after if digest == file.digest else None

    async def _read(self, path: str, before: os.stat_result) -> tuple[os.stat_result | None, Digest]:
        """What stands there after it was read, and its SHA-256; None if it changed meanwhile."""
        digest = hashlib.sha256()
        for start in range(0, before.st_size, _SLICE):
            self._report(ImageChecked(path, start, before.st_size))
            # In slices, so that a cancelled caller need not wait for the whole image.
            await self._threads.run(feed, digest.update, self._path, path, start, min(_SLICE, before.st_size - start))
        found = Digest(digest.digest())
        after = await self._threads.run(status_at, self._path, path)
        return after if after is not None and _stamp(after) == _stamp(before) else None, found


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _damaged(place: str) -> Troubled:
    return Troubled(
        f"{place}: its bytes are not those that were written, though its size and its time of writing are; it is "
        "fetched anew. Check the disk of this host, and what else writes there",
        Trouble.CORRUPT,
        place,
    )

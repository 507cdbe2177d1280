"""The folder that images are fetched to: images under their names, `metadata/`, and records of the images."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Self

from dcdist.disk.free_space import allocated_bytes, file_system, free_bytes
from dcdist.disk.image_file import PartFile, part_path
from dcdist.disk.image_records import ImageRecord, ImageRecords
from dcdist.disk.metadata_files import FOLDER, write_metadata
from dcdist.disk.system_errors import refusals
from dcdist.disk.threads import Threads
from dcdist.errors import DiskError
from dcdist.model.geometry import MIB
from dcdist.model.space import SpaceNeeded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_THREADS = 2
_SLICE = 32 * MIB
_BUFFER = MIB


class DirectoryDestination:
    """Implements `Destination` in a folder, which is created when needed. Close it after its images."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._records = ImageRecords(self._path)
        self._threads = Threads("dcdist-images", count=_THREADS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the threads. Finish or abandon the images first."""
        self._threads.close()

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

    async def has(self, name: str, size: int, digest: bytes) -> bool:
        """Whether the image exists with that SHA-256. It is read only if it changed since its SHA-256 was recorded.

        Raises:
            DiskError: It cannot be read.
        """
        path = self._image(name)
        status, record = await self._threads.run(self._look, path)
        if status is None or status.st_size != size:
            return False
        if record is not None and record.describes(status):
            return record.sha256 == digest.hex()
        found = await self._digest(path, size)
        after, _ = await self._threads.run(self._look, path)
        fresh = ImageRecord.of(status, found)
        if after is None or not fresh.describes(after):
            return False  # it changed while it was being read
        await self._threads.run(self._put, path, fresh)
        return found == digest

    async def remember(self, name: str, digest: bytes) -> None:
        """Record the SHA-256 of the finished image.

        Raises:
            DiskError: The image does not exist, or the record cannot be written.
        """
        path = self._image(name)
        status, _ = await self._threads.run(self._look, path)
        if status is None:
            raise DiskError(f"image {path} is gone: another program removed it; fetch it again", path=str(path))
        await self._threads.run(self._put, path, ImageRecord.of(status, digest))

    async def write_metadata(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Write one metadata file under `metadata/`, all of it or nothing.

        Raises:
            DiskError: The path would leave that folder, or the disk refused.
        """
        await self._threads.run(write_metadata, self._path, path, content, 0o777 if executable else 0o666)

    async def need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        """The space for images of these sizes (bytes, less zeros if known), less what their unfinished builds hold."""
        return await self._threads.run(self._need, sizes)

    async def free(self) -> int:
        """Bytes that can still be written to the folder."""
        return (await self.need({})).free

    def _image(self, name: str) -> Path:
        if not name or "/" in name or "\0" in name or name.startswith(".") or name == FOLDER:
            raise DiskError(
                f"image name {name!r} is invalid: it must not contain '/', begin with '.' or be {FOLDER!r}",
                path=str(self._path),
            )
        return self._path / name

    def _begin(self, image: PartFile) -> None:
        with refusals(self._path, "create folder"):
            self._path.mkdir(parents=True, exist_ok=True)
        image.begin()

    def _look(self, path: Path) -> tuple[os.stat_result | None, ImageRecord | None]:
        with refusals(path, "look at image"):
            try:
                status = path.lstat()
            except FileNotFoundError:
                return None, None
            if not stat.S_ISREG(status.st_mode):
                return None, None
            return status, self._records.get(path.name)

    def _put(self, path: Path, record: ImageRecord) -> None:
        with refusals(path, "record the digest of"):
            self._records.put(path.name, record)

    async def _digest(self, path: Path, size: int) -> bytes:
        # In slices, so that a cancelled caller need not wait for the whole image.
        digest = hashlib.sha256()
        for start in range(0, size, _SLICE):
            await self._threads.run(_feed, digest, path, start, min(_SLICE, size - start))
        return digest.digest()

    def _need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        with refusals(self._path, "look for free space in"):
            needed = sum(max(0, size - allocated_bytes(part_path(self._image(name)))) for name, size in sizes.items())
            return SpaceNeeded(str(self._path), file_system(self._path), needed, free_bytes(self._path))


def _feed(digest: hashlib._Hash, path: Path, start: int, length: int) -> None:
    room = memoryview(bytearray(min(_BUFFER, length)))
    with refusals(path, "read image"):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while length:
                count = os.preadv(descriptor, [room[: min(length, len(room))]], start)
                if not count:
                    return  # truncated meanwhile: the caller sees that it changed
                digest.update(room[:count])
                start, length = start + count, length - count
        finally:
            os.close(descriptor)

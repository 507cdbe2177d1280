"""One image that is being built. Invariant: under its final name an image is whole and synced, or absent."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, write_at
from dcdist.disk.free_space import allocated_bytes
from dcdist.disk.lock import is_at, lock_descriptor
from dcdist.disk.shared_descriptor import SharedDescriptor
from dcdist.disk.system_errors import refusals
from dcdist.disk.writeback import EarlyWriteback
from dcdist.errors import DiskError, InvariantError
from dcdist.folder_sync import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk.threads import Threads


_TRIES = 10
"""Times in a row that a part may vanish as it is locked: its builder finishes it, but not each time."""


def part_path(path: Path) -> Path:
    """Where the image for `path` is built: in the same folder, so that the rename is atomic."""
    return path.with_name(f".{path.name}.dcdist-part")


class PartFile:
    """Implements `ImageFile`; made by `DirectoryDestination.create`. The part file is locked while it is open."""

    def __init__(self, path: Path, size: int, *, threads: Threads) -> None:
        self._path = path
        self._part = part_path(path)
        self._size = size
        self._threads = threads
        self._file: SharedDescriptor | None = None
        self._writeback = EarlyWriteback()
        self._writing = threading.Lock()

    def begin(self) -> None:
        """Create the part file, or take over an abandoned one; blocks.

        Raises:
            CacheBusyError: Another process is building it.
            DiskError: The disk refused.
        """
        with refusals(self._part, "create image", needed=lambda: self._size):
            descriptor = _open_locked(self._part)
            try:
                os.ftruncate(descriptor, 0)
                os.ftruncate(descriptor, self._size)
            except BaseException:
                os.close(descriptor)
                raise
            self._file = SharedDescriptor(descriptor, self._part)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write at `offset`; blocks, from any thread.

        Raises:
            DiskFullError: The disk is full.
            DiskError: The disk refused.
            InvariantError: The bytes would be outside the image, or the image is finished or abandoned.
        """
        self._require_inside(offset, len(data))
        with self._open().use() as descriptor, refusals(self._part, "write image", needed=self._lacking):
            # The kernel lets one thread write to a file at a time, and the others spin: here they sleep.
            with self._writing:
                write_at(descriptor, offset, data)
            self._writeback.wrote(descriptor, len(data))

    def read(self, offset: int, length: int) -> bytes:
        """Read back `length` bytes; blocks, from any thread."""
        self._require_inside(offset, length)
        with refusals(self._part, "read image"):
            data = self._open().read(offset, length)
        if len(data) != length:
            raise DiskError(f"{self._part} was truncated by another program; fetch it again", path=str(self._part))
        return data

    async def finish(self) -> None:
        """Sync, rename to the final name, sync the folder. Waits for calls in flight; later calls are refused.

        Raises:
            DiskError: The disk refused; the image does not have its final name, and can be abandoned.
        """
        await self._threads.run(self._finish)

    async def abandon(self) -> None:
        """Close and delete it; does nothing if it is finished or abandoned already."""
        await self._threads.run(self.discard)

    def discard(self) -> None:
        """As `abandon`; blocks."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            with refusals(self._part, "delete image"):
                if is_at(file.end(), self._part):
                    self._part.unlink()
        finally:
            file.close()

    def _finish(self) -> None:
        file = self._open()
        with refusals(self._path, "finish image", needed=self._lacking):
            descriptor = file.end()
            os.fsync(descriptor)
            if not is_at(descriptor, self._part):
                raise DiskError(f"{self._part} was replaced by another program; fetch it again", path=str(self._part))
            os.rename(self._part, self._path)
            self._file = None
            file.close()
            with open_folder(self._path.parent) as folder:
                sync_folder(folder)

    def _open(self) -> SharedDescriptor:
        if self._file is None:
            raise InvariantError(f"image {self._path} is used after its end")
        return self._file

    def _require_inside(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self._size:
            raise InvariantError(f"image {self._path}: {length} bytes at {offset} are not inside its {self._size}")

    def _lacking(self) -> int:
        return max(0, self._size - allocated_bytes(self._part))


def _open_locked(part: Path) -> int:
    for _ in range(_TRIES):
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            lock_descriptor(descriptor, part, what=f"image {part.name}")
            # Between opening and locking it may have been renamed or deleted: then it is another process's image.
            if is_at(descriptor, part):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise DiskError(
        f"cannot create image {part}: it vanishes at once, {_TRIES} times in a row; end the program that removes it, "
        "or choose another folder",
        path=str(part),
    )

"""One image that is being built. Invariant: under its final name an image is whole and synced, or absent.

It is built in a file that is made anew, which no other user can open or lock until it is whole.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, write_at
from dcdist.disk.free_space import allocated_bytes
from dcdist.disk.lock import is_at, lock_now
from dcdist.disk.other_users import is_private
from dcdist.disk.own_file import WRITE
from dcdist.disk.shared_descriptor import SharedDescriptor
from dcdist.disk.shared_modes import file_mode, give_to_group
from dcdist.disk.system_errors import refusals
from dcdist.disk.writeback import EarlyWriteback
from dcdist.errors import CacheBusyError, DiskError, InvariantError
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
        self._mode = 0o600
        self._writeback = EarlyWriteback()
        self._writing = threading.Lock()

    def begin(self) -> None:
        """Create the part file, in place of an abandoned one; blocks.

        Raises:
            CacheBusyError: Another process is building it.
            DiskError: The disk refused.
        """
        with refusals(self._part, "create image", needed=lambda: self._size):
            descriptor, self._mode = _open_new(self._part)
            try:
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
            self._require_at(descriptor, self._part)
            with suppress(OSError):  # a file system without modes
                os.fchmod(descriptor, self._mode)
            os.rename(self._part, self._path)
            self._require_at(descriptor, self._path)
            self._file = None
            file.close()
            with open_folder(self._path.parent) as folder:
                sync_folder(folder)

    def _require_at(self, descriptor: int, path: Path) -> None:
        if not is_at(descriptor, path):
            raise DiskError(f"{path} was replaced by another program; fetch it again", path=str(path))

    def _open(self) -> SharedDescriptor:
        if self._file is None:
            raise InvariantError(f"image {self._path} is used after its end")
        return self._file

    def _require_inside(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self._size:
            raise InvariantError(f"image {self._path}: {length} bytes at {offset} are not inside its {self._size}")

    def _lacking(self) -> int:
        return max(0, self._size - allocated_bytes(self._part))


def _open_new(part: Path) -> tuple[int, int]:
    """A new file at `part`, locked and of mode 0600, and the mode that the image is to have."""
    for _ in range(_TRIES):
        _remove_abandoned(part)
        with suppress(FileExistsError), open_folder(part.parent) as folder:
            descriptor = os.open(part.name, WRITE | os.O_CREAT | os.O_EXCL, file_mode(folder), dir_fd=folder)
            locked = False
            try:
                give_to_group(descriptor, folder)
                mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
                with suppress(OSError):  # a file system without modes
                    os.fchmod(descriptor, 0o600)
                if lock_now(descriptor) and is_at(descriptor, part):
                    locked = True
                    return descriptor, mode
            finally:
                if not locked:
                    os.close(descriptor)
    raise DiskError(
        f"cannot create image {part}: it vanishes at once, {_TRIES} times in a row; end the program that removes it, "
        "or choose another folder",
        path=str(part),
    )


def _remove_abandoned(part: Path) -> None:
    """Remove what stands there, unless a process of this user builds it: others are not asked."""
    with suppress(FileNotFoundError):
        if not is_private(part.lstat()):
            part.unlink()
            return
        descriptor = os.open(part, WRITE)
        try:
            if not lock_now(descriptor):
                raise CacheBusyError(
                    f"image {part.name} in {part.parent} is being written by another process; wait until it ends, or "
                    "use another folder",
                    path=str(part),
                )
            # Between opening and locking it may have been renamed: then it is another process's image.
            if is_at(descriptor, part):
                part.unlink()
        finally:
            os.close(descriptor)

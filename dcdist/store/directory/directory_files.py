"""Files below a directory, as the directory store needs them. Everything here blocks: it runs in threads.

Invariants: a file gets its name only when it is whole and synced. Names that are being written end in `~`, which no
key can, so they are never listed. What is written is a new file: no file that is there is ever opened for writing.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dcdist.folder_sync import NO_LINKS, sync_folder
from dcdist.store.directory.below_root import InTheWayError, folder_below, is_taken, open_file, readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


class ObjectFile:
    """One file for reading. It may be closed at any time and from any thread, which never waits.

    An open or read that is under way then ends first, and closes the file itself.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self._key = key
        self._lock = threading.Lock()
        self._descriptor = -1
        self._closed = False
        self.size = 0
        self.mark = ""

    def open(self) -> None:
        """Open it, and set `size` (bytes) and `mark`, which tells versions of the file apart.

        Raises:
            InTheWayError: It is not a regular file, or not reached through folders alone.
            OSError: It cannot be opened.
        """
        try:
            with self._lock:
                if self._closed:
                    return
                self._descriptor, state = open_file(self._root, self._key)
        finally:
            self._end()
        self.size = state.st_size
        self.mark = f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x}"

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`; fewer than `length` only at the end of the file."""
        parts: list[bytes] = []
        try:
            with self._lock:
                while length > 0 and (part := os.pread(self._descriptor, length, start)):
                    parts.append(part)
                    start += len(part)
                    length -= len(part)
        finally:
            self._end()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close it, now or as soon as what is under way has ended."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        # Whoever holds the lock calls this after it, so one of the two sees the other's mark.
        if self._closed and self._lock.acquire(blocking=False):
            try:
                if self._descriptor >= 0:
                    os.close(self._descriptor)
                    self._descriptor = -1
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_whole(
    root: Path, key: str, body: bytes | memoryview, *, if_absent: bool, withdrawn: Callable[[], bool] = lambda: False
) -> bool:
    """Write a file under a hidden name, sync it, and give it its name unless the write is `withdrawn` by then.

    Returns:
        False if it could not be ruled out that another writer took the name at the same moment, though `if_absent`.

    Raises:
        FileExistsError: `if_absent`, and the name is taken.
        InTheWayError: Something is in the way that is not an object, or not a folder.
        OSError: The file system refused.
    """
    *parts, name = key.split("/")
    with folder_below(root, parts, make=True) as folder:
        if if_absent and is_taken(folder, key):
            raise _exists()
        hidden = _hidden()
        alone = True
        try:
            _write_synced(folder, hidden, body)
            if withdrawn():
                return True
            if if_absent:
                alone = _take_name(folder, hidden, key)
            else:
                os.replace(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
            with readable(folder) as descriptor:
                sync_folder(descriptor)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(hidden, dir_fd=folder)
    return alone


def remove(root: Path, key: str) -> None:
    """Remove a file, or what else has its name and is not a folder; nothing if there is none.

    Raises:
        OSError: The file system refused.
    """
    *parts, name = key.split("/")
    with (
        suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, InTheWayError),
        folder_below(root, parts) as folder,
    ):
        os.unlink(name, dir_fd=folder)


def clock_of(root: Path) -> float:
    """The file system's clock, in seconds since 1970: that of a file written now.

    Where nothing can be written, this host's clock stands in.

    Raises:
        OSError: The file system failed.
    """
    hidden = _hidden()
    try:
        with folder_below(root, []) as folder:
            try:
                return _write_synced(folder, hidden, b"\n").st_mtime_ns / 1e9
            finally:
                with suppress(OSError):
                    os.unlink(hidden, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}:
            raise
        return time.time_ns() / 1e9


def _hidden() -> str:
    return f".{secrets.token_hex(8)}~"


def _exists() -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _write_synced(folder: int, name: str, body: bytes | memoryview) -> os.stat_result:
    """Write a new file, with the mode that the umask leaves of 0666: a store is shared. Its state then."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    try:
        view = memoryview(body).cast("B")
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _take_name(folder: int, hidden: str, key: str) -> bool:
    """Give the file its name if that is free; True if that was one step, which a hard link is, on NFS too."""
    name = key.rpartition("/")[2]
    try:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        # Over NFS an answer can be lost, and the request, sent again, then fails by its own success.
        if os.stat(hidden, dir_fd=folder, follow_symlinks=False).st_nlink != 2:
            raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if is_taken(folder, key):
            raise _exists() from error
        os.replace(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
        return False
    return True

"""One writer for one file: a lock that ends with its process, however the process ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.errors import CacheBusyError

if TYPE_CHECKING:
    from pathlib import Path


def lock_descriptor(descriptor: int, path: Path, *, what: str, holder: str = "another process") -> None:
    """Take the lock of an open file, or raise at once.

    Raises:
        CacheBusyError: It is held.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CacheBusyError(
            f"{what} in {path.parent} is being written by {holder}; wait until it ends, or use another folder",
            path=str(path),
        ) from error


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`: between opening and locking it may have been replaced."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


class FolderLock:
    """The lock of a folder, in a file that holds the process id of its owner."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, what: str) -> None:
        """Take it; create the file if needed.

        Raises:
            CacheBusyError: It is held; the message names the process.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o666)
        try:
            lock_descriptor(descriptor, self._path, what=what, holder=_holder(descriptor))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it up, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    number = os.pread(descriptor, 20, 0).strip()
    return f"process {int(number)}" if number.isdigit() else "another process"

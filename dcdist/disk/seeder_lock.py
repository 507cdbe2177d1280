"""One seeder for one cache: it holds `CACHE/seeder.lock`; whoever wants its place writes `CACHE/seeder.next`.

All calls block. Invariant: the one that is asked is the holder of the lock. Nobody is found, or signalled, by a process
id: a lock ends with its process, and an id may be another's by then. Who may read or write the folder may do so with
both files, whatever the umask of the process that made them.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, read_file, remove_file
from dcdist.disk.lock import is_at
from dcdist.disk.system_errors import refusals

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = "seeder.lock"
_NEXT = "seeder.next"
_LIMIT = 100
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who seeds: `process` is its id, for people; `port` is where it listens. 0 if it has not said so yet."""

    process: int
    port: int


class SeederLock:
    """The lock of one cache, as one process sees it."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache.absolute()
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._descriptor is not None

    def take(self, port: int) -> bool:
        """Take it if it is free; whether that succeeded. Earlier questions are then void.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _LOCK, "lock"), open_folder(self._folder) as folder:
            descriptor = _open(_LOCK, folder)
            try:
                # Between opening and locking it may have been removed: then it keeps nobody out.
                if not _locked(descriptor, fcntl.LOCK_EX) or not is_at(descriptor, self._folder / _LOCK):
                    os.close(descriptor)
                    return False
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} {port}\n".encode(), 0)
                remove_file(folder, _NEXT)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return True

    def keep(self, port: int) -> bool:
        """Whether it is held still. If somebody removed its file, as in an emptied cache, take it again if it is free.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _LOCK, "look at"):
            if self._descriptor is not None and is_at(self._descriptor, self._folder / _LOCK):
                return True
        self.release()
        return self.take(port)

    def holder(self) -> LockHolder | None:
        """Who holds it; None: nobody.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _LOCK, "look at"):
            try:
                descriptor = os.open(self._folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                # Shared: two that look at once are not each other's holder.
                if _locked(descriptor, fcntl.LOCK_SH):
                    return None
                return LockHolder(*_two_numbers(os.pread(descriptor, _LIMIT, 0)))
            finally:
                os.close(descriptor)

    def ask(self) -> None:
        """Ask the holder to end. It may take a moment, and another may be quicker to take the lock: ask again.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _NEXT, "write"), open_folder(self._folder) as folder:
            try:
                descriptor = _open(_NEXT, folder)
            except PermissionError:
                if _exists(_NEXT, folder):
                    return  # another user asks already
                raise
            try:
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            finally:
                os.close(descriptor)

    def withdraw(self) -> None:
        """Ask no more."""
        with suppress(OSError), open_folder(self._folder) as folder:
            remove_file(folder, _NEXT)

    def successor(self) -> int | None:
        """The process that asks for the lock, 0 if its number is not known; None: nobody asks.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _NEXT, "read"), open_folder(self._folder) as folder:
            try:
                asked = read_file(folder, _NEXT, limit=_LIMIT)
            except PermissionError:
                return 0  # a question all the same
        # An empty file is a question that is just being written.
        return _two_numbers(asked)[0] if asked else None

    def release(self) -> None:
        """Give it up, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _open(name: str, folder: int) -> int:
    """Open a file, or create it with the owner and the mode of its folder."""
    try:
        descriptor = os.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
    except FileExistsError:
        return os.open(name, _FLAGS | os.O_CREAT, 0o666, dir_fd=folder)
    status = os.fstat(folder)
    # The file is new: else a link in the folder could give away what is another's.
    with suppress(OSError):  # only root may
        os.fchown(descriptor, status.st_uid, status.st_gid)
    with suppress(OSError):
        os.fchmod(descriptor, status.st_mode & 0o666)
    return descriptor


def _exists(name: str, folder: int) -> bool:
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _two_numbers(written: bytes) -> tuple[int, int]:
    """The two numbers of a line; 0 for one that is not there."""
    found = [int(word) for word in written.split()[:2] if word.isdigit()]
    return (*found, 0, 0)[0], (*found, 0, 0)[1]

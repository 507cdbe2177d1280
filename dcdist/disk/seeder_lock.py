"""One seeder for one cache: it holds `CACHE/seeder.lock`; whoever wants its place writes `CACHE/seeder.next`.

All calls block. Invariant: the one that is asked is the holder of the lock. Nobody is found, or signalled, by a process
id: a lock ends with its process, and an id may be another's by then. The cache is private, and so are both files.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import is_taken, remove_file
from dcdist.disk.lock import is_at, lock_now, try_lock
from dcdist.disk.own_file import READ, open_own, read_own
from dcdist.disk.private_folder import private_folder
from dcdist.disk.system_errors import refusals
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = "seeder.lock"
_NEXT = "seeder.next"
_LIMIT = 100


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
        with refusals(self._folder / _LOCK, "lock"), private_folder(self._folder) as folder:
            found = try_lock(self._folder / _LOCK, f"{os.getpid()} 0")
            if not isinstance(found, int):
                return False
            self._descriptor = found
            remove_file(folder, _NEXT)
            # Only now: what is asked of a holder that has said its port counts.
            with suppress(OSError):  # on a full disk
                os.pwrite(found, f"{os.getpid()} {port}\n".encode(), 0)
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
                descriptor = os.open(self._folder / _LOCK, READ)
            except FileNotFoundError:
                return None
            try:
                # Shared: two that look at once are not each other's holder.
                if lock_now(descriptor, fcntl.LOCK_SH):
                    return None
                return LockHolder(*_two_numbers(os.pread(descriptor, _LIMIT, 0)))
            finally:
                os.close(descriptor)

    def ask(self) -> None:
        """Ask the holder to end. It may take a moment, and another may be quicker to take the lock: ask again.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _NEXT, "write"), private_folder(self._folder) as folder:
            try:
                descriptor, _ = open_own(folder, _NEXT)
            except PermissionError:
                if is_taken(folder, _NEXT):
                    return  # root asks already
                raise
            try:
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            finally:
                os.close(descriptor)

    def withdraw(self) -> None:
        """Ask no more."""
        with suppress(OSError, DiskError), private_folder(self._folder) as folder:
            remove_file(folder, _NEXT)

    def successor(self) -> int | None:
        """The process that asks for the lock, 0 if its number is not known; None: nobody asks, or another user.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _NEXT, "read"), private_folder(self._folder) as folder:
            try:
                asked = read_own(folder, _NEXT, limit=_LIMIT)
            except PermissionError:
                return 0  # a question all the same
        # An empty file is a question that is just being written.
        return _two_numbers(asked)[0] if asked else None

    def release(self) -> None:
        """Give it up, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _two_numbers(written: bytes) -> tuple[int, int]:
    """The two numbers of a line; 0 for one that is not there."""
    found = [int(word) for word in written.split()[:2] if word.isdigit()]
    return (*found, 0, 0)[0], (*found, 0, 0)[1]

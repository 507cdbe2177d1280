"""One seeder for one cache: it holds `CACHE/seeder.lock`; whoever wants its place writes `CACHE/seeder.next`.

All calls block. Invariant: the one that is asked is the holder of the lock. Nobody is found, or signalled, by a process
id: a lock ends with its process, and an id may be another's by then.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, read_file, remove_file
from dcdist.disk.system_errors import refusals

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = "seeder.lock"
_NEXT = "seeder.next"
_LIMIT = 100
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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
            descriptor = os.open(_LOCK, _FLAGS, 0o666, dir_fd=folder)
            try:
                if not _locked(descriptor, fcntl.LOCK_EX):
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
            descriptor = os.open(_NEXT, _FLAGS, 0o666, dir_fd=folder)
            try:
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            finally:
                os.close(descriptor)

    def withdraw(self) -> None:
        """Ask no more."""
        with suppress(OSError), open_folder(self._folder) as folder:
            remove_file(folder, _NEXT)

    def successor(self) -> int | None:
        """The process that asks for the lock, 0 if it has not said its number yet; None: nobody asks.

        Raises:
            DiskError: The disk refused.
        """
        with refusals(self._folder / _NEXT, "read"), open_folder(self._folder) as folder:
            asked = read_file(folder, _NEXT, limit=_LIMIT)
        return None if asked is None else _two_numbers(asked)[0]

    def release(self) -> None:
        """Give it up, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


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

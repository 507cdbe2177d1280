"""One fetch at a time writes to a destination: `.dcdist-lock`, there only while a fetch holds it.

Invariant: the lock ends with its process. Who waits for it sees that the holder lives, and does not wait for ever.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.lock import is_at, lock_descriptor
from dcdist.disk.system_errors import refusals
from dcdist.errors import CacheBusyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.disk.threads import Threads
    from dcdist.model.identity import ReleaseName

LOCK_NAME = ".dcdist-lock"
"""The lock's name in the destination."""

_POLL = 0.5
"""Seconds between two tries."""

_SIGN_OF_LIFE = 10.0
"""Seconds after which the holder touches its file again."""

_PATIENCE = 300.0
"""Seconds without a sign of life after which nobody waits on: as long as a fetch waits that gets nothing at all."""

_NOTE_LIMIT = 400


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lock, in words, and when it last touched its file (nanoseconds, by the file system's clock)."""

    words: str
    touched: int


class DestinationLock:
    """The lock of one destination, which is created when needed and removed again if nothing was put there."""

    def __init__(self, folder: Path, threads: Threads) -> None:
        self._folder = folder
        self._path = folder / LOCK_NAME
        self._threads = threads
        self._descriptor: int | None = None
        self._made: list[Path] = []
        self._living: asyncio.Task[None] | None = None

    async def acquire(self, name: ReleaseName, *, waiting: Callable[[str], None]) -> None:
        """Take it, for a fetch of a release; `waiting` is told once, in words, that another fetch holds it.

        Raises:
            CacheBusyError: The process that holds it shows no sign of life for 300 s.
            DiskError: The destination cannot be made or written to.
        """
        loop = asyncio.get_running_loop()
        seen: Holder | None = None
        since = loop.time()
        while (holder := await self._threads.run(self._try, name)) is not None:
            if seen is None:
                waiting(f"{holder.words} is writing to {self._folder}; this fetch goes on when that one is done")
            if holder != seen:
                seen, since = holder, loop.time()
            elif loop.time() - since >= _PATIENCE:
                raise CacheBusyError(
                    f"{self._path} is held by {holder.words}, which has shown no sign of life for {_PATIENCE:.0f} s; "
                    "end that process, or use another folder",
                    path=str(self._path),
                )
            await asyncio.sleep(_POLL)
        self._living = asyncio.create_task(self._live())

    async def release(self) -> None:
        """Give it up, if it is held."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await asyncio.wait([living])
        await self._threads.run(self._release)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(_SIGN_OF_LIFE)
            await self._threads.run(self._touch)

    def _try(self, name: ReleaseName) -> Holder | None:
        """Take it; or who has it."""
        with refusals(self._folder, "write to"):
            while True:
                self._make_folders()
                try:
                    descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
                except FileNotFoundError:
                    if self._folder.is_symlink():
                        raise  # it leads nowhere
                    continue  # another fetch removed the folder, which it had made and put nothing into
                holder = self._lock(descriptor, name)
                if holder is not None or self._descriptor is not None:
                    return holder

    def _lock(self, descriptor: int, name: ReleaseName) -> Holder | None:
        """Lock an open file, or close it: then somebody has it, or its holder removed it just now."""
        try:
            lock_descriptor(descriptor, self._path, what="the destination")
            if not is_at(descriptor, self._path):
                return None
            self._descriptor = descriptor
            with suppress(OSError):  # on a full disk: the lock holds without its note
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} {name}\n".encode(), 0)
        except CacheBusyError:
            return Holder(_words(os.pread(descriptor, _NOTE_LIMIT, 0)), os.fstat(descriptor).st_mtime_ns)
        finally:
            if self._descriptor is None:
                os.close(descriptor)
        return None

    def _touch(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.utime(self._descriptor)

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)
        while self._made:
            with suppress(OSError):  # something was put there
                self._made.pop().rmdir()

    def _make_folders(self) -> None:
        lacking = []
        folder = self._folder
        while not folder.exists():
            lacking.append(folder)
            folder = folder.parent
        for each in reversed(lacking):
            with suppress(FileExistsError):
                each.mkdir()
                self._made.append(each)


def _words(note: bytes) -> str:
    """Who holds the lock, from what it wrote there."""
    number, _, release = note.decode("ascii", "replace").strip().partition(" ")
    if not number.isascii() or not number.isdigit():
        return "another fetch"
    return f"process {int(number)}" + (f", which fetches {release}," if release else "")

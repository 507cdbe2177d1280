"""One fetch at a time writes to a destination: `.dcdist-lock`, there only while a fetch holds it.

Invariant: the lock ends with its process. Who waits for it sees that the holder lives, and does not wait for ever. Only
the file that is locked is ever removed.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.lock import is_at, lock_descriptor
from dcdist.disk.system_errors import refusals
from dcdist.disk.threads import Threads
from dcdist.errors import CacheBusyError, DiskError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.model.identity import ReleaseName

LOCK_NAME = ".dcdist-lock"
"""The lock's name in the destination."""

_POLL = 0.5
"""Seconds between two tries."""

_SIGN_OF_LIFE = 10.0
"""Seconds after which the holder touches its file again."""

_PATIENCE = 300.0
"""Seconds without a sign of life after which nobody waits on: as long as a fetch waits that gets nothing at all."""

_TRIES = 10
"""Times in a row that the file may vanish: other fetches remove theirs, but not each time."""

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
        vanished = 0
        while True:
            holder = await self._threads.run(self._try, name)
            if self._descriptor is not None:
                break
            if holder is None:
                vanished += 1
                if vanished >= _TRIES:
                    raise self._no_file_stays()
                await asyncio.sleep(_POLL)
                continue
            vanished = 0
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
        self._living = asyncio.create_task(self._live(name))

    async def release(self) -> None:
        """Give it up, if it is held."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await asyncio.wait([living])
        await self._threads.run(self._release)

    async def _live(self, name: ReleaseName) -> None:
        """Touch the file now and then, in a thread of its own: others wait for the disk while images are synced."""
        threads = Threads("dcdist-lock", count=1)
        try:
            while True:
                await asyncio.sleep(_SIGN_OF_LIFE)
                await threads.run(self._touch, name)
        finally:
            threads.close()

    def _try(self, name: ReleaseName) -> Holder | None:
        """Take it; or who has it. None without having it: the file vanished, so try again."""
        with refusals(self._folder, "write to"):
            try:
                self._make_folders()
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:
                if any(each.is_symlink() and not each.exists() for each in (self._folder, *self._folder.parents)):
                    raise  # it leads nowhere
                return None  # another fetch removed the folder, which it had made and put nothing into
            return self._lock(descriptor, name)

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
            if self._descriptor != descriptor:
                os.close(descriptor)
        return None

    def _touch(self, name: ReleaseName) -> None:
        """Show that this process lives; if somebody removed the file, make and lock a new one unless another has."""
        before = self._descriptor
        if before is None:
            return
        with suppress(OSError):
            if is_at(before, self._path):
                os.utime(before)
                return
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            self._lock(descriptor, name)
            if self._descriptor != before:
                os.close(before)

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                if is_at(descriptor, self._path):  # else somebody removed it, and it is another fetch's by now
                    self._path.unlink()
            os.close(descriptor)
        while self._made:
            with suppress(OSError):  # something was put there
                self._made.pop().rmdir()

    def _no_file_stays(self) -> DiskError:
        return DiskError(
            f"cannot write to {self._folder}: what is created there is gone at once, {_TRIES} times in a row, as where "
            "the source of a mount was removed; mount it again, or choose another folder",
            path=str(self._folder),
        )

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

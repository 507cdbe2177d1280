"""One fetch at a time writes to a destination: `.dcdist-lock`, there only while a fetch holds it.

Invariant: the lock ends with its process. Who waits for it sees that the holder lives, and does not wait for ever. Of
processes of one user, only the one that locked the file removes it.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from dcdist.disk.lock import PATIENCE, SIGN_OF_LIFE, Holder, HolderWatch, Verdict, is_at, try_lock
from dcdist.disk.private_folder import make_folders
from dcdist.disk.signs_of_life import SignsOfLife
from dcdist.disk.system_errors import refusals
from dcdist.errors import CacheBusyError, DiskError, InvariantError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.disk.threads import Threads
    from dcdist.model.identity import ReleaseName

LOCK_NAME = ".dcdist-lock"
"""The lock's name in the destination."""

_POLL = 0.5
"""Seconds between two tries."""

_SIGN_OF_LIFE = SIGN_OF_LIFE
_PATIENCE = PATIENCE

_TRIES = 10
"""Times in a row that the file may vanish: other fetches remove theirs, but not each time."""


class DestinationLock:
    """The lock of one destination, which is created when needed and removed again if nothing was put there."""

    def __init__(self, folder: Path, threads: Threads) -> None:
        self._folder = folder
        self._path = folder / LOCK_NAME
        self._threads = threads
        self._descriptor: int | None = None
        self._made: list[Path] = []
        self._living: SignsOfLife | None = None

    @property
    def owner(self) -> int:
        """The user id that this user's files have there: over NFS, root's may be those of `nobody`. Only while held."""
        if self._descriptor is None:
            raise InvariantError(f"{self._path} is not held")
        return os.fstat(self._descriptor).st_uid

    async def acquire(self, name: ReleaseName, *, waiting: Callable[[str], None]) -> None:
        """Take it, for a fetch of a release; `waiting` is told once, in words, that another fetch holds it.

        Raises:
            CacheBusyError: The process that holds it shows no sign of life for 300 s.
            DiskError: The destination cannot be made or written to.
        """
        loop = asyncio.get_running_loop()
        watch = HolderWatch(_PATIENCE)
        told = False
        vanished = 0
        while (holder := await self._threads.run(self._try, name)) is not None or self._descriptor is None:
            if holder is None:
                vanished += 1
                if vanished >= _TRIES:
                    raise self._no_file_stays()
            else:
                vanished = 0
                if not told:
                    waiting(f"{_words(holder)} is writing to {self._folder}; this fetch goes on when that one is done")
                    told = True
                verdict = watch.judge(holder, loop.time())
                if verdict is Verdict.GIVE_UP:
                    raise self._silent(holder)
                if verdict is Verdict.REPLACE:
                    await self._threads.run(self._remove_file)
            await asyncio.sleep(_POLL)
        self._living = SignsOfLife(partial(self._touch, name))
        self._living.begin(_SIGN_OF_LIFE)

    async def release(self) -> None:
        """Give it up, if it is held."""
        if self._living is not None:
            await self._living.end()
        await self._threads.run(self._release)

    def _try(self, name: ReleaseName) -> Holder | None:
        """Take it; or who has it. None without having it: the file vanished, so try again."""
        with refusals(self._folder, "write to"):
            try:
                self._made += make_folders(self._folder)
                return self._lock(name)
            except FileNotFoundError:
                if any(each.is_symlink() and not each.exists() for each in (self._folder, *self._folder.parents)):
                    raise  # it leads nowhere
                return None  # another fetch removed the folder, which it had made and put nothing into

    def _lock(self, name: ReleaseName) -> Holder | None:
        found = try_lock(self._path, f"{os.getpid()} {name}")
        if not isinstance(found, int):
            return found
        self._descriptor = found
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
            self._lock(name)
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

    def _remove_file(self) -> None:
        with refusals(self._path, "replace"), suppress(FileNotFoundError):
            self._path.unlink()

    def _silent(self, holder: Holder) -> CacheBusyError:
        return CacheBusyError(
            f"{self._path} is held by {_words(holder)}, which has shown no sign of life for {_PATIENCE:.0f} s; "
            "end that process, or use another folder",
            path=str(self._path),
        )

    def _no_file_stays(self) -> DiskError:
        return DiskError(
            f"cannot write to {self._folder}: what is created there is gone at once, {_TRIES} times in a row, as where "
            "the source of a mount was removed; mount it again, or choose another folder",
            path=str(self._folder),
        )


def _words(holder: Holder) -> str:
    """Who holds the lock, from what it wrote there."""
    release = holder.note.partition(" ")[2]
    if not holder.process:
        return "another fetch"
    return holder.process + (f", which fetches {release}," if release and release.isprintable() else "")

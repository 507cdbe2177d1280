"""A store in a directory, local or a mounted NFS export: a key is a path below it.

Invariants: a key is whole or not there, for all who share the directory; nothing outside of it is touched, whatever
stands in it; no file is read or written on the event loop; each wait for the file system has a bound.
"""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from dcdist.errors import FormatError, RangeError, ShortBodyError
from dcdist.ports.store import Capabilities, Listing
from dcdist.store.directory.below_root import InTheWayError
from dcdist.store.directory.directory_errors import directory_error
from dcdist.store.directory.directory_files import ObjectFile, clock_of, remove, write_whole
from dcdist.store.directory.directory_listing import Found, entries_under
from dcdist.store.directory.directory_threads import DirectoryThreads
from dcdist.store.http.versions import Versions
from dcdist.store.listing_bounds import ListingMeter, bounds_for, cut_short, endless
from dcdist.store.object_keys import require_key, require_range
from dcdist.store.remarks import Remarks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

_PART = 1 << 20

SILENCE = 60.0
"""Seconds that one call to the file system may take; a write has another one for each 256 KiB."""

_WRITE_RATE = 256 << 10

Result = TypeVar("Result")


class DirectoryStore:
    """Objects as files below `root`, which the first put makes if it is missing."""

    def __init__(self, root: Path, remarks: Remarks | None = None, *, silence: float = SILENCE) -> None:
        """Touch nothing yet. `root` is absolute, and its own path may have links; below it none is followed.

        `remarks` is told what the file system lacks, and what was passed over. `silence`: as `SILENCE`.
        """
        self._root = root
        self._remarks = remarks or Remarks()
        self._versions = Versions(self._remarks, store=str(self))
        self._threads = DirectoryThreads()
        self._silence = silence
        self._creates_once = True

    @property
    def capabilities(self) -> Capabilities:
        """Everything; what the file system denies or lacks shows when it is tried."""
        return Capabilities(writable=True, listable=True, creates_once=self._creates_once)

    @property
    def host(self) -> str:
        """None: a directory has no server."""
        return ""

    def __str__(self) -> str:
        return f"file://{quote(os.fsencode(self._root))}"

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        require_key(key)

        def whole() -> bytes:
            with ObjectFile(self._root, key) as file:
                file.open()
                if file.size > limit:
                    raise FormatError(f"{self}: {key} is larger than {limit} bytes, so it is not what it should be")
                return file.read(0, file.size)

        return await self._run(key, whole)

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range, in parts of up to 1 MiB; see the port."""
        require_range(start, length)
        file = ObjectFile(self._root, require_key(key))
        try:
            await self._run(key, file.open)
            self._versions.see(key, file.mark)
            if file.size < start + length:
                raise RangeError(
                    f"{self}: {key} has {file.size} bytes; bytes {start}-{start + length - 1} were asked for",
                    store=str(self),
                    key=key,
                )
            yield _Parts(self._read, key, file, start=start, length=length)
        finally:
            # A thread that was left behind may still be opening or reading: then it closes the file when it is done.
            file.close()

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Create or replace an object; it is kept, whatever `expires_in` says; see the port.

        Cancelled, it waits for nothing, as the disk may hang; what its thread still writes gets no name.
        """
        del expires_in
        require_key(key)
        withdrawn = Event()

        def write() -> bool:
            return write_whole(self._root, key, body, if_absent=if_absent, withdrawn=withdrawn.is_set)

        more = memoryview(body).nbytes / _WRITE_RATE
        if not await self._run(key, write, writes=True, more=more, abandon=withdrawn.set):
            self._lacks_links(key)

    async def delete(self, key: str) -> None:
        """Delete an object; its folder stays; see the port."""
        require_key(key)
        await self._run(key, lambda: remove(self._root, key))

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix; `now` is the file system's clock; see the port."""
        abandoned = Event()
        bounds = bounds_for(look=look)

        def listed() -> tuple[Found, float]:
            meter = ListingMeter(bounds, now=time.monotonic())
            found = entries_under(self._root, prefix, meter, abandoned=abandoned.is_set)
            return found, clock_of(self._root)

        found, now = await self._run(prefix, listed, more=bounds.seconds, abandon=abandoned.set)
        for path, reason in found.passed_over.items():
            self._pass_over(path, reason)
        if found.excess and not look:
            raise endless(found.excess, store=str(self), prefix=prefix)
        if found.excess:
            self._remarks.once("listing", cut_short(found.excess, store=str(self), prefix=prefix), str(self))
        return Listing(tuple(found.entries), now)

    async def exists(self) -> bool:
        """Whether the directory is there; see the port."""
        return await self._run("", self._root.is_dir)

    async def close(self) -> None:
        """End the threads; one that hangs is left behind."""
        await self._threads.close()

    async def _run(
        self,
        key: str,
        call: Callable[[], Result],
        *,
        writes: bool = False,
        more: float = 0.0,
        abandon: Callable[[], None] = lambda: None,
    ) -> Result:
        """The result of a call to the file system, which may take `more` seconds than it may be silent."""
        try:
            return await self._threads.run(call, within=self._silence + more, abandon=abandon)
        except OSError as error:
            if isinstance(error, InTheWayError) and error.is_foreign:
                self._pass_over(error.path, error.found)
            raise directory_error(error, store=str(self), key=key, writes=writes) from error

    async def _read(self, key: str, file: ObjectFile, start: int, length: int) -> bytes:
        part = await self._run(key, lambda: file.read(start, length))
        if len(part) < length:
            raise ShortBodyError(f"{self}: {key} became shorter while it was read", store=str(self), key=key)
        return part

    def _lacks_links(self, key: str) -> None:
        self._creates_once = False
        message = (
            f"{self}: the file system has no hard links: whether an object exists is looked up before it is written, "
            "and a publish reads its manifest back"
        )
        self._remarks.once("links", message, f"{self}/{key}")

    def _pass_over(self, path: str, reason: str) -> None:
        """Once for each folder of the root: whoever may write there can make any number of them."""
        message = (
            f"{self}: passed over {path}: it is {reason}. In a store there are folders and files, and no link is "
            "followed: see who made it, and remove it"
        )
        self._remarks.once(f"passed over {path.partition('/')[0]}", message, f"{self}/{path}")


class _Parts:
    """The bytes of one read, each part read when it is asked for."""

    def __init__(
        self,
        read: Callable[[str, ObjectFile, int, int], Awaitable[bytes]],
        key: str,
        file: ObjectFile,
        *,
        start: int,
        length: int,
    ) -> None:
        self._read = read
        self._key = key
        self._file = file
        self._start = start
        self._left = length

    def __aiter__(self) -> _Parts:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        part = await self._read(self._key, self._file, self._start, min(self._left, _PART))
        self._start += len(part)
        self._left -= len(part)
        return part

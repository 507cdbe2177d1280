"""A store in a directory, local or a mounted NFS export: a key is a path below it.

Invariants: a key is whole or not there, for all who share the directory; nothing outside of it is touched; no file is
read or written on the event loop.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import quote

from dcdist.errors import FormatError, RangeError, ShortBodyError
from dcdist.ports.store import Capabilities, Listing
from dcdist.store.directory.directory_errors import MappedErrors
from dcdist.store.directory.directory_files import ObjectFile, clock_of, entries_under, write_whole
from dcdist.store.http.versions import Versions
from dcdist.store.object_keys import require_key, require_range
from dcdist.store.remarks import Remarks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_PART = 1 << 20


class DirectoryStore:
    """Objects as files below `root`, which the first put makes if it is missing."""

    def __init__(self, root: Path, remarks: Remarks | None = None) -> None:
        """Touch nothing yet. `root` is absolute; `remarks` is told what the file system lacks."""
        self._root = root
        self._remarks = remarks or Remarks()
        self._versions = Versions(self._remarks, store=str(self))
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
        path = self._path(key)

        def whole() -> bytes:
            with self._mapped(key), ObjectFile(path) as file:
                file.open()
                if file.size > limit:
                    raise FormatError(f"{self}: {key} is larger than {limit} bytes, so it is not what it should be")
                return file.read(0, file.size)

        return await asyncio.to_thread(whole)

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range, in parts of up to 1 MiB; see the port."""
        require_range(start, length)
        file = ObjectFile(self._path(key))
        mapped = self._mapped(key)

        def open_file() -> None:
            with mapped:
                file.open()

        try:
            await asyncio.to_thread(open_file)
            self._versions.see(key, file.mark)
            if file.size < start + length:
                raise RangeError(
                    f"{self}: {key} has {file.size} bytes; bytes {start}-{start + length - 1} were asked for",
                    store=str(self),
                    key=key,
                )
            yield _Parts(file, mapped, start, length)
        finally:
            # A cancelled thread may still be opening or reading: then it closes the file when it is done.
            file.close()

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Create or replace an object; it is kept, whatever `expires_in` says; see the port.

        Cancelled, it waits for nothing, as the disk may hang; what its thread still writes gets no name.
        """
        del expires_in
        path = self._path(key)
        withdrawn = Event()

        def write() -> bool:
            with self._mapped(key):
                return write_whole(path, body, if_absent=if_absent, withdrawn=withdrawn.is_set)

        try:
            alone = await asyncio.to_thread(write)
        except asyncio.CancelledError:
            withdrawn.set()
            raise
        if not alone:
            self._lacks_links(key)

    async def delete(self, key: str) -> None:
        """Delete an object; its folder stays; see the port."""
        path = self._path(key)

        def remove() -> None:
            with self._mapped(key), suppress(NotADirectoryError, IsADirectoryError):
                path.unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix; `now` is the file system's clock; see the port."""
        del look

        def found() -> Listing:
            with self._mapped(prefix):
                entries = tuple(entries_under(self._root, prefix))
                return Listing(entries, clock_of(self._root))

        return await asyncio.to_thread(found)

    async def exists(self) -> bool:
        """Whether the directory is there; see the port."""

        def is_there() -> bool:
            with self._mapped(""):
                return self._root.is_dir()

        return await asyncio.to_thread(is_there)

    async def close(self) -> None:
        """Nothing stays open."""

    def _lacks_links(self, key: str) -> None:
        self._creates_once = False
        message = (
            f"{self}: the file system has no hard links: whether an object exists is looked up before it is written, "
            "and a publish reads its manifest back"
        )
        self._remarks.once("links", message, f"{self}/{key}")

    def _path(self, key: str) -> Path:
        return self._root / require_key(key)

    def _mapped(self, key: str) -> MappedErrors:
        return MappedErrors(store=str(self), key=key)


class _Parts:
    """The bytes of one read, each part read in a thread when it is asked for."""

    def __init__(self, file: ObjectFile, mapped: MappedErrors, start: int, length: int) -> None:
        self._file = file
        self._mapped = mapped
        self._start = start
        self._left = length

    def __aiter__(self) -> _Parts:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        part = await asyncio.to_thread(self._read, self._start, min(self._left, _PART))
        self._start += len(part)
        self._left -= len(part)
        return part

    def _read(self, start: int, length: int) -> bytes:
        with self._mapped:
            part = self._file.read(start, length)
        if len(part) < length:
            store, key = self._mapped.store, self._mapped.key
            raise ShortBodyError(f"{store}: {key} became shorter while it was read", store=store, key=key)
        return part

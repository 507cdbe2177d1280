"""Reads many manifests, which anybody may have written, within bounds of memory and of time.

Invariant: at any moment one long manifest at most is held, and one is unpacked, whatever the listing says of sizes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final, Self, TypeVar

from dcdist.errors import DcdistError, FormatError
from dcdist.formats import manifest
from dcdist.model.geometry import KIB, MIB
from dcdist.tasks import task_group, to_its_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from dcdist.ports.store import Entry, Store

_Read = TypeVar("_Read")

_AT_ONCE: Final = 8
"""Manifests that are read at once."""

_SHORT: Final = 256 * KIB
"""Bytes of a manifest that is read beside others."""

_LIGHT: Final = MIB
"""Bytes to which a manifest unpacks that does not wait for the others: some hundred bytes may unpack to 16 MiB."""

_LOOK: Final = 0.5
"""Seconds between two looks at the clock."""


class PostponedError(Exception):
    """A manifest unpacks to much: it comes after all others, and `ManifestReads.read` reads it when asked again."""


class ManifestReads:
    """Reads manifests of `store`, several at once, until its context is left."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._long = asyncio.Lock()
        self._postponed: set[str] = set()
        # One thread, and always the same: glibc keeps for each thread what this one freed, 16 MiB and more.
        self._unpacking = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unpacking.shutdown()

    async def read(self, entry: Entry, decode: Callable[[bytes], _Read]) -> _Read:
        """What `decode`, in a thread, makes of one manifest. The length in the listing is only a hint.

        Raises:
            PostponedError: It costs much, and was asked for for the first time.
            StoreError: The store could not give it.
            DcdistError: As `decode`; a FormatError also if it is too long.
        """
        # An error that is raised anew here holds none of the frames that hold the object.
        found = await self._read(entry, decode)
        if isinstance(found, DcdistError):
            raise found
        return found

    async def _read(self, entry: Entry, decode: Callable[[bytes], _Read]) -> _Read | DcdistError:
        try:
            data = await self._short(entry)
            if data is not None:
                if manifest.unpacked_size(data) > _LIGHT and entry.key not in self._postponed:
                    self._postponed.add(entry.key)
                    raise PostponedError
                return await self._decoded(data, decode)
            async with self._long:
                data = await self._store.get(entry.key, limit=manifest.MANIFEST_LIMIT)
                return await self._decoded(data, decode)
        except DcdistError as error:
            return error.let_go()

    async def _short(self, entry: Entry) -> bytes | None:
        if entry.size > _SHORT:
            return None
        try:
            return await self._store.get(entry.key, limit=_SHORT)
        except FormatError as error:
            error.let_go()
            return None

    async def _decoded(self, data: bytes, decode: Callable[[bytes], _Read]) -> _Read | DcdistError:
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._unpacking, _outcome, decode, data))


def _outcome(decode: Callable[[bytes], _Read], data: bytes) -> _Read | DcdistError:
    # Before the thread begins with the next one: this error holds what was unpacked.
    try:
        return decode(data)
    except DcdistError as error:
        return error.let_go()


async def read_each(
    entries: Sequence[Entry],
    read: Callable[[Entry], Awaitable[None]],
    *,
    goes_on: Callable[[float, int], bool] = lambda _seconds, _unread: True,
) -> list[Entry]:
    """Call `read` for each entry, several at once, and return the entries that it was not done with.

    Those for which it raises a PostponedError come again, after all others.

    `goes_on` is asked now and then, with the seconds that went by and the number of entries that are left, whether to
    wait for them.
    """
    waiting = deque(_in_order(entries))
    unread = {each.key: each for each in entries}

    async def work() -> None:
        while waiting:
            entry = waiting.popleft()
            try:
                await read(entry)
            except PostponedError:
                waiting.append(entry)
            else:
                del unread[entry.key]

    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with task_group() as group:
        workers = {group.create_task(work()) for _ in range(min(_AT_ONCE, len(entries)))}
        while workers:
            _, workers = await asyncio.wait(workers, timeout=_LOOK)
            if workers and not goes_on(loop.time() - begun, len(unread)):
                break
        for worker in workers:
            worker.cancel()
    return list(unread.values())


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Short ones first; of these the newest and the oldest by turns, as what is planted comes later or earlier."""
    aged = sorted(entries, key=lambda each: each.modified, reverse=True)
    short = [each for each in aged if each.size <= _SHORT]
    ends = chain.from_iterable(zip_longest(short, reversed(short)))
    turns = dict.fromkeys(each for each in ends if each is not None)
    return [*turns, *(each for each in aged if each.size > _SHORT)]

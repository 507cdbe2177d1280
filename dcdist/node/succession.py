"""One seeder for one cache: a fetch takes the place of the one that still seeds from there.

Invariant: who gives way seeds for a limited time, is asked, and ends as if its time were over. A fetch that is still
under way and an endless seeder hold no lock, so nobody asks them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.disk.seeder_lock import SeederLock
from dcdist.engine.fetch_events import GaveWay, TookOver, Troubled
from dcdist.errors import DiskError
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from dcdist.disk.seeder_lock import LockHolder
    from dcdist.engine.fetch_events import FetchEvent

_LOOK = 0.25
"""Seconds between two looks at the lock, or at whether somebody asks for it."""

_PATIENCE = 15.0
"""Seconds that a seeder is given to end: it deletes its heartbeat, flushes and closes its session."""


class Succession:
    """This process's part in it. Leaving the context gives the place up."""

    def __init__(self, cache: Path, *, report: Callable[[FetchEvent], None], patience: float = _PATIENCE) -> None:
        self._lock = SeederLock(cache)
        self._cache = cache
        self._report = report
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._lock.release()

    async def free(self, port: int) -> None:
        """Have the seeder of this cache end if it listens on `port`, and wait for that, but not for ever."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        asked = 0
        try:
            while (holder := await in_thread(self._lock.holder)) is not None and holder.port == port:
                if loop.time() >= deadline:
                    self._report(self._stuck(holder))
                    return
                asked = holder.process
                await in_thread(self._lock.ask)
                await asyncio.sleep(_LOOK)
        except DiskError as error:
            self._report(_unknown(error))
        finally:
            self._lock.withdraw()
        if asked:
            self._report(TookOver(asked))

    async def hold(self, port: int, stop: asyncio.Event) -> None:
        """Be the seeder of this cache, which listens on `port`, until `stop` is set or another one asks for the place.

        If an earlier seeder does not end, that is reported, and this one goes on beside it.
        """
        try:
            await self._take(port, stop)
            while not stop.is_set():
                successor = await in_thread(self._lock.successor)
                if successor is not None:
                    self._report(GaveWay(successor))
                    return
                await _pause(stop)
        except DiskError as error:
            self._report(_unknown(error))
            await stop.wait()

    async def _take(self, port: int, stop: asyncio.Event) -> None:
        """Take the lock, asking whoever holds it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        asked = 0
        while not stop.is_set() and not await in_thread(self._lock.take, port):
            holder = await in_thread(self._lock.holder)
            if holder is not None:
                asked = holder.process
                await in_thread(self._lock.ask)
                if loop.time() >= deadline:
                    self._report(self._stuck(holder))
                    deadline = float("inf")
            await _pause(stop)
        if asked and self._lock.held:
            self._report(TookOver(asked))

    def _stuck(self, holder: LockHolder) -> Troubled:
        message = (
            f"process {holder.process} still seeds from {self._cache}, on port {holder.port}: asked to give way, it "
            f"has not ended within {self._patience:.0f} s; to end it: kill {holder.process}"
        )
        return Troubled(message, source=str(self._cache))


def _unknown(error: DiskError) -> Troubled:
    return Troubled(f"another process may seed from the same cache: {error}", source=error.path)


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LOOK):
            await stop.wait()
    except TimeoutError:
        pass

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
        self._doubted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._lock.release()

    async def free(self, port: int) -> None:
        """Have the seeder of this cache end if it listens on `port`, and wait for that, but not for ever."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        asked: LockHolder | None = None
        try:
            while (holder := await in_thread(self._lock.holder)) is not None and holder.port == port:
                if loop.time() >= deadline:
                    self._report(self._stuck(holder))
                    return
                asked = holder
                await in_thread(self._lock.ask)
                await asyncio.sleep(_LOOK)
        except DiskError as error:
            self._report(_unknown(error))
        finally:
            if asked is not None:
                self._lock.withdraw()
        if asked is not None and asked.process:
            self._report(TookOver(asked.process))

    async def hold(self, port: int, stop: asyncio.Event) -> None:
        """Be the seeder of this cache, which listens on `port`, until `stop` is set or another one asks for the place.

        If an earlier seeder does not end, that is reported, and this one goes on beside it. What the disk refuses is
        reported once, and tried again.
        """
        await self._take(port, stop)
        while not stop.is_set():
            try:
                successor = await in_thread(self._successor, port)
            except DiskError as error:
                self._doubt(error)
            else:
                if successor is not None:
                    self._report(GaveWay(successor))
                    return
            await _pause(stop)

    async def _take(self, port: int, stop: asyncio.Event) -> None:
        """Take the lock, asking whoever holds it. Who is stopped before asks no more."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        asked: LockHolder | None = None
        try:
            while not stop.is_set():
                try:
                    if await in_thread(self._lock.take, port):
                        break
                    if (holder := await in_thread(self._lock.holder)) is not None:
                        asked = holder
                        await in_thread(self._lock.ask)
                        if loop.time() >= deadline:
                            self._report(self._stuck(holder))
                            deadline = float("inf")
                except DiskError as error:
                    self._doubt(error)
                await _pause(stop)
        finally:
            if asked is not None and not self._lock.held:
                self._lock.withdraw()
        if asked is not None and asked.process and self._lock.held:
            self._report(TookOver(asked.process))

    def _successor(self, port: int) -> int | None:
        """The process that wants this one's place, or has it because the lock was removed; blocks."""
        if self._lock.keep(port):
            return self._lock.successor()
        holder = self._lock.holder()
        return None if holder is None else holder.process

    def _doubt(self, error: DiskError) -> None:
        if not self._doubted:
            self._doubted = True
            self._report(_unknown(error))

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

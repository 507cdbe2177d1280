"""Flushes of one torrent, one at a time.

Invariant: a request is answered by a flush that began after it was made, so all that was finished before is covered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Flushes:
    """Calls `begin` to start a flush; `ended` is to be called when it is over."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._running = False
        self._again = False
        self._now: list[asyncio.Future[None]] = []
        self._next: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait for a flush that begins now or later.

        Raises:
            DcdistError: What `fail` was given.
        """
        future = asyncio.get_running_loop().create_future()
        self._next.append(future)
        self.demand()
        await future

    def demand(self) -> None:
        """Have a flush begin, now or when the running one is over."""
        if self._running:
            self._again = True
        else:
            self._start()

    def ended(self) -> None:
        """The running flush is over."""
        if not self._running:
            return
        self._running = False
        for future in self._now:
            if not future.done():
                future.set_result(None)
        self._now = []
        if self._again:
            self._start()

    def fail(self, error: Exception) -> None:
        """No flush will end any more."""
        for future in [*self._now, *self._next]:
            if not future.done():
                future.set_exception(error)
        self._now, self._next = [], []

    def _start(self) -> None:
        self._running, self._again = True, False
        self._now, self._next = self._next, []
        self._begin()

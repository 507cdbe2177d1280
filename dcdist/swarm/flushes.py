"""Flushes of one torrent, one at a time.

Invariant: a request is answered by a flush that began after it was made, so all that was finished before is covered.
Word of a flush may be lost, and is asked for again; word that comes twice is not taken for that of a later flush.
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
        self._repeated = 0
        self._stale = 0
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

    @property
    def running(self) -> bool:
        """Whether one has begun and is not over."""
        return self._running

    def repeated(self) -> None:
        """The running flush was begun once more, because no word of it came."""
        self._repeated += 1

    def heard(self) -> bool:
        """Word of a flush came; whether it is that of the running one, and `ended` is to be called."""
        if self._stale:
            self._stale -= 1
            return False
        return self._running

    def ended(self) -> None:
        """The running flush is over."""
        if not self._running:
            return
        self._running = False
        # If this was not word of the last repetition, that is still to come; if it was, the next flush is repeated.
        self._stale, self._repeated = self._repeated, 0
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

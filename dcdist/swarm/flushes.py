"""Flushes of one torrent, one at a time.

Invariant: a request is answered by a flush that began after it, so the flush covers all that was finished before.
The acknowledgement of a flush may be lost; then the flush is begun once more. A second acknowledgement of one flush is
never counted for a later flush.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Flushes:
    """Calls `begin` to start a flush. Call `acknowledged` when one is over, then `ended` if it was the running one."""

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
            DcdistError: The error given to `fail`.
        """
        future = asyncio.get_running_loop().create_future()
        self._next.append(future)
        self.demand()
        await future

    def demand(self) -> None:
        """Begin a flush, now or after the running one."""
        if self._running:
            self._again = True
        else:
            self._start()

    @property
    def running(self) -> bool:
        """Whether a flush has begun and is not over."""
        return self._running

    def repeated(self) -> None:
        """The running flush was begun once more, because its acknowledgement is late."""
        self._repeated += 1

    def acknowledged(self) -> bool:
        """A flush was acknowledged. Whether it is the running one: then call `ended`."""
        if self._stale:
            self._stale -= 1
            return False
        return self._running

    def ended(self) -> None:
        """The running flush is over."""
        if not self._running:
            return
        self._running = False
        # One acknowledgement came. Those of the other repetitions may still come and must not end a later flush; if
        # they are lost, that flush is begun once more.
        self._stale, self._repeated = self._repeated, 0
        for future in self._now:
            if not future.done():
                future.set_result(None)
        self._now = []
        if self._again:
            self._start()

    def fail(self, error: Exception) -> None:
        """No flush will end any more: raise `error` in every waiting caller."""
        for future in [*self._now, *self._next]:
            if not future.done():
                future.set_exception(error)
        self._now, self._next = [], []

    def _start(self) -> None:
        self._running, self._again = True, False
        self._now, self._next = self._next, []
        self._begin()

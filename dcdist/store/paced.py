"""A store whose reads together take at most so many bytes a second; everything else is passed through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.store.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.policy.requests.pacing import Pace
    from dcdist.ports.store import Store

_LONGEST_SLEEP = 0.25

_PART_SECONDS = 0.1
"""What one part takes at the present pace: however slow that is, a read that goes on shows so."""


class Paced(Wrapped):
    """The same port around `store`, reading at `pace`, which all its reads share."""

    def __init__(self, store: Store, pace: Pace) -> None:
        """Wrap `store`; closing this closes it. `pace.rate` may change at any time."""
        super().__init__(store)
        self._pace = pace

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range, streamed no faster than the pace; see the port."""
        async with self._store.read(key, start=start, length=length) as parts:
            yield _PacedParts(parts, self._pace)


class _PacedParts:
    """Parts of one read; each is handed over when it is paid for, so the sender is held back too.

    Large parts are cut: else a slow pace would show no progress for long, and a read that is given up would leave
    much to pay for bytes that nobody got.
    """

    def __init__(self, parts: AsyncIterator[bytes], pace: Pace) -> None:
        self._parts = parts
        self._pace = pace
        self._rest = b""

    def __aiter__(self) -> _PacedParts:
        return self

    async def __anext__(self) -> bytes:
        part = self._cut(self._rest or await anext(self._parts))
        loop = asyncio.get_running_loop()
        wait = self._pace.spend(len(part), now=loop.time())
        place = self._pace.spent
        while wait > 0.0:
            # In short sleeps, so that a new rate counts at once.
            await asyncio.sleep(min(wait, _LONGEST_SLEEP))
            wait = self._pace.wait(place, now=loop.time())
        return part

    def _cut(self, part: bytes) -> bytes:
        rate = self._pace.rate
        most = len(part) if rate is None else max(1, int(rate * _PART_SECONDS))
        self._rest = part[most:]
        return part[:most]

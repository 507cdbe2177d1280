"""The body of an answer as it arrives: held to its length and to a least pace.

Invariant: a body ends, whatever the server sends: at its length, at the first byte too many, after a silence (the
session's bound), or when it falls behind the least pace. Only the time counts in which bytes are waited for: whoever
takes them slowly loses nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from dcdist.errors import RangeError, ShortBodyError, StoreUnavailableError
from dcdist.model.quantities import show_count
from dcdist.store.http.http_errors import TRANSPORT_ERRORS

if TYPE_CHECKING:
    import aiohttp

    from dcdist.store.http.http_session import HttpSession

GRACE: Final = 60.0
"""Seconds that a body may be behind its least pace."""

RANGE_PACE: Final = 1 << 10
"""The least pace of a range, bytes a second; whoever reads a layer decides earlier, by what other requests bring."""

OBJECT_PACE: Final = 16 << 10
"""The least pace of what is read whole, bytes a second."""


class Body:
    """Its parts, none of them empty."""

    __slots__ = ("_came", "_content", "_key", "_left", "_pace", "_session", "_url", "_waited", "_what")

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        session: HttpSession,
        *,
        what: str,
        key: str = "",
        length: int | None = None,
        pace: int = OBJECT_PACE,
    ) -> None:
        """`what` and `key` stand in messages; `length`: its bytes, if known; `pace`: the least bytes a second."""
        self._content = response.content
        self._url = str(response.url)
        self._session = session
        self._what = what
        self._key = key
        self._left = length
        self._pace = pace
        self._came = 0
        self._waited = 0.0

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        part = await self._next()
        if self._left is None:
            if not part:
                raise StopAsyncIteration
            return part
        self._left -= len(part)
        if not part:
            raise ShortBodyError(
                f"{self._session.store}: {self._what}: the body ended {self._left} bytes early",
                store=self._session.store,
                key=self._key,
            )
        if self._left < 0:
            raise RangeError(
                f"{self._session.store}: {self._what}: the body is longer than announced",
                store=self._session.store,
                key=self._key,
            )
        return part

    async def _next(self) -> bytes:
        """The next part, empty at the end."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            # aiohttp's own bound on silence does not count here: a server may send what brings no byte of the body.
            async with asyncio.timeout(GRACE + self._came / self._pace - self._waited) as bound:
                part = await self._content.readany()
        except TRANSPORT_ERRORS as error:
            if isinstance(error, TimeoutError) and bound.expired():
                raise self._too_slow(self._waited + loop.time() - begun) from error
            raise self._session.failure(error, what=self._what, key=self._key, url=self._url) from error
        self._waited += loop.time() - begun
        self._came += len(part)
        return part

    def _too_slow(self, seconds: float) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{self._session.store}: {self._what}: the body comes too slowly: {show_count(self._came, 'byte')} in "
            f"{seconds:.0f} s ({self._session.asked(self._url)})",
            store=self._session.store,
            key=self._key,
        )

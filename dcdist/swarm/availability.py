"""The pieces that peers offer in one torrent, on request: libtorrent answers with an alert, a moment later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.swarm.torrent import present

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.pieces import Bits

_WAIT_LIMIT = 0.5
"""Seconds to wait for an answer."""


class Availability:
    """As of the last answer: `offered` by at least one connected peer. `post` asks again."""

    def __init__(self, post: Callable[[], None]) -> None:
        self.offered: Bits = 0
        self._post = post
        self._waiting: list[asyncio.Future[None]] = []

    def ask(self) -> None:
        """Ask what peers offer."""
        self._post()

    async def answered(self) -> None:
        """Ask, and wait for the next answer, for half a second at most."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._post()
        await asyncio.wait([answer], timeout=_WAIT_LIMIT)

    def take(self, counts: list[int]) -> None:
        """An answer came: how many peers offer each piece; empty if there are no peers."""
        self.offered = present(counts)
        self.end()

    def clear(self) -> None:
        """No peer offers anything that is missing here."""
        self.offered = 0

    def end(self) -> None:
        """Let waiting callers go on with what is known."""
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            if not answer.done():
                answer.set_result(None)

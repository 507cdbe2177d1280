"""libtorrent's counters, on request: it answers with an alert, a moment later.

Invariant: the session is asked at most once in FRESH seconds, unless a caller needs the latest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.swarm.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRESH = 0.05
"""Seconds for which counters are fresh."""

_WAIT_LIMIT = 1.0
"""Seconds to wait for an answer."""


class Counters:
    """The traffic as of the last answer; `post` asks the session for its counters."""

    def __init__(self, post: Callable[[], None]) -> None:
        self.traffic = Traffic()
        self._post = post
        self._loop = asyncio.get_running_loop()
        self._asked = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    def ask(self) -> None:
        """Ask for the counters, unless that was done just now."""
        now = self._loop.time()
        if now - self._asked > FRESH:
            self._asked = now
            self._post()

    async def answered(self) -> None:
        """Ask, and wait for the next answer, for a second at most. It may answer an earlier question."""
        answer = self._loop.create_future()
        self._waiting.append(answer)
        self._post()
        await asyncio.wait([answer], timeout=_WAIT_LIMIT)

    def take(self, values: Mapping[str, int], *, injected_wrong: int) -> None:
        """An answer came; `injected_wrong` is the number of injected bytes that failed their check."""
        self.traffic.count(values, injected_wrong=injected_wrong)
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            if not answer.done():
                answer.set_result(None)

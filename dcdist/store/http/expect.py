"""`Expect: 100-continue` as RFC 9110, 10.1.1 has it: the answer to it is waited for, but not for ever.

aiohttp sends a body only when the server has said 100, and some proxies never do. Here the body goes after
CONTINUE_WAIT at the latest, as with curl; whether the server knows the header shows in its final answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp

if TYPE_CHECKING:
    from aiohttp.connector import Connection

CONTINUE_WAIT: Final = 1.0
"""Seconds that a body waits for the server to ask for it; curl's default."""


class ExpectingRequest(aiohttp.ClientRequest):
    """A request whose body goes after CONTINUE_WAIT, unless the server refuses it before."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send it, as aiohttp does."""
        response = await super().send(conn)
        if self._writer is not None:
            # The answer, or its absence, tells what became of the body; nobody asks the task that sends it.
            self._writer.add_done_callback(_retrieve)
        if self._continue is not None:
            asyncio.get_running_loop().call_later(CONTINUE_WAIT, _allow, self._continue)
        return response


class ExpectedResponse(aiohttp.ClientResponse):
    """An answer that knows whether a 100 came before it."""

    @property
    def was_unasked(self) -> bool:
        """Whether the server took no notice of `Expect`, though the request had it."""
        # aiohttp takes the future away when a 100 arrives, however late that is.
        return self._continue is not None


def _retrieve(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


def _allow(continued: asyncio.Future[bool]) -> None:
    if not continued.done():
        continued.set_result(True)

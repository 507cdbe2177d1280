"""A body that uploads in parts, each of which moves the bound on silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

UPLOAD_PART = 256 << 10
"""Bytes that are sent at once; a body of no more than that is sent whole."""


class UploadBody:
    """A body in parts, from the beginning each time it is iterated."""

    def __init__(self, view: memoryview, bound: asyncio.Timeout, seconds: float) -> None:
        """`bound` is moved to `seconds` from now with each part."""
        self._view = view
        self._bound = bound
        self._seconds = seconds

    def __aiter__(self) -> AsyncIterator[memoryview]:
        return _Parts(self._view, self._move_bound)

    def _move_bound(self) -> None:
        self._bound.reschedule(asyncio.get_running_loop().time() + self._seconds)


class _Parts:
    """No async generator: one that is left unfinished would outlive the request."""

    def __init__(self, view: memoryview, progress: Callable[[], None]) -> None:
        self._view = view
        self._progress = progress

    def __aiter__(self) -> _Parts:
        return self

    async def __anext__(self) -> memoryview:
        self._progress()
        if not self._view:
            raise StopAsyncIteration
        # What the server has said by now is read before the next part goes: its refusal is worth more than the broken
        # pipe that it leaves behind. The first turn of the loop looks, the second reads.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        part, self._view = self._view[:UPLOAD_PART], self._view[UPLOAD_PART:]
        return part

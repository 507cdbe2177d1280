"""Limits the bytes in flight: a caller with more bytes waits for room."""

from __future__ import annotations

import asyncio


class ByteWindow:
    """Room for `limit` bytes. A larger item still gets in, alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._changed = asyncio.Event()
        self._open = False

    async def enter(self, size: int) -> None:
        """Take `size` bytes of room; wait until they are free."""
        while not self._open and self._used and self._used + size > self._limit:
            self._changed.clear()
            await self._changed.wait()
        self._used += size

    def leave(self, size: int) -> None:
        """Give `size` bytes back."""
        self._used -= size
        self._changed.set()

    def open(self) -> None:
        """Lift the limit: let every caller in from now on."""
        self._open = True
        self._changed.set()

"""A process that holds a lock touches its file now and then, so that those who wait see that it lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.disk.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable


class SignsOfLife:
    """Calls `touch` every so many seconds, in a thread of its own: others wait for the disk while files are synced."""

    def __init__(self, touch: Callable[[], None]) -> None:
        self._touch = touch
        self._living: asyncio.Task[None] | None = None

    def begin(self, every: float) -> None:
        """From now on; once begun, this does nothing."""
        if self._living is None:
            self._living = asyncio.create_task(self._live(every))

    async def end(self) -> None:
        """No more; a call that is under way is waited for."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await asyncio.wait([living])

    async def _live(self, every: float) -> None:
        threads = Threads("dcdist-lock", count=1)
        try:
            while True:
                await asyncio.sleep(every)
                await threads.run(self._touch)
        finally:
            threads.close()

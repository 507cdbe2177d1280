"""A fetch as a stream of events, for programs: it runs beside the reader and ends with the block."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.engine.fetch_events import Fetched, Progress
from dcdist.node.fetch_run import fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.model.release import Release
    from dcdist.ports.store import Store


@asynccontextmanager
async def fetching(store: Store, release: Release, options: FetchOptions) -> AsyncIterator[AsyncIterator[FetchEvent]]:
    """Fetch a verified release, and yield its events in order; `Fetched` is the last before any seeding.

    The fetch begins and ends with the block. Leaving the block early ends it cleanly: what was fetched is kept, and a
    later fetch goes on from there. With `options.seed_for` the events end when the seeding ends; leaving the block
    ends the seeding too. A slow reader misses `Progress` events that newer ones replace, and nothing else.

        async with fetching(store, release, options) as events:
            async for event in events:
                ...

    Raises:
        DcdistError: See `dcdist.errors`; from the iteration, or when the block is left without reading on.
    """
    stop = asyncio.Event()
    pending = _Pending()
    task = asyncio.create_task(fetch(store, release, options, report=pending.put, stop=stop))
    task.add_done_callback(lambda _: pending.end())
    try:
        yield _events(pending, task)
    except BaseException:
        await _end(task, pending, stop)
        raise
    await _end(task, pending, stop)
    if not task.cancelled():
        task.result()


async def _events(pending: _Pending, task: asyncio.Task[Fetched]) -> AsyncIterator[FetchEvent]:
    while (event := await pending.get()) is not None:
        yield event
    await asyncio.shield(task)


async def _end(task: asyncio.Task[Fetched], pending: _Pending, stop: asyncio.Event) -> None:
    """Let the fetch end cleanly, and wait until it has; cancelling the wait cancels the fetch."""
    stop.set()
    if not pending.fetched:
        task.cancel()
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # retrieved: asyncio would complain of it beside the error that is raised


class _Pending:
    """Events not read yet."""

    def __init__(self) -> None:
        self.fetched = False
        self._events: deque[FetchEvent] = deque()
        self._news = asyncio.Event()
        self._ended = False

    def put(self, event: FetchEvent) -> None:
        if isinstance(event, Fetched):
            self.fetched = True
        if isinstance(event, Progress) and self._events and isinstance(self._events[-1], Progress):
            self._events.pop()
        self._events.append(event)
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def get(self) -> FetchEvent | None:
        """The next event, waiting for it; None at the end."""
        while not self._events:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

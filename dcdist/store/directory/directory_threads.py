"""Threads for calls to a file system that may never answer, as that of a lost NFS server.

Invariant: nobody waits for such a call longer than its bound, and it keeps neither the event loop nor the process from
ending. What has begun cannot be interrupted: it is told that nobody wants it any more.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE = 1.0
"""Seconds that the end waits for threads that are at work."""

Result = TypeVar("Result")


class DirectoryThreads:
    """Up to `count` threads, started when they are needed."""

    def __init__(self, count: int = 16) -> None:
        self._count = count
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._unfinished = 0
        self._threads: list[Thread] = []

    async def run(
        self, call: Callable[[], Result], *, within: float, abandon: Callable[[], None] = lambda: None
    ) -> Result:
        """The result of `call`. Cancelled, or late, it calls `abandon` and leaves the thread behind.

        Raises:
            TimeoutError: It took longer than `within` seconds.
        """
        future: Future[Result] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._submit(work)
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(future)
        except (asyncio.CancelledError, TimeoutError):
            abandon()
            raise

    async def close(self) -> None:
        """Let the threads end, and wait for them, but not for long."""
        threads, self._threads = self._threads, []
        if threads:
            for _ in threads:
                self._calls.put(None)
            await asyncio.to_thread(_join, threads)

    def _submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._unfinished += 1
            if len(self._threads) < min(self._unfinished, self._count):
                thread = Thread(target=self._serve, name="directory-store", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._calls.put(work)

    def _serve(self) -> None:
        while (work := self._calls.get()) is not None:
            work()
            del work  # it holds what the call was given
            with self._lock:
                self._unfinished -= 1


def _join(threads: list[Thread]) -> None:
    end = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))

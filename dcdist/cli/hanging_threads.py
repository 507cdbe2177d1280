"""Threads that may hang in a call to the system, as on a lost NFS server, and do not keep the command from ending."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE = 1.0
"""Seconds that the end of the event loop waits for threads."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def let_threads_hang() -> None:
    """Have the running loop leave behind, at its end, those of its threads that hang."""
    asyncio.get_running_loop().set_default_executor(_Abandoning())


class _Abandoning(ThreadPoolExecutor):
    """A thread for each call. asyncio takes only a `ThreadPoolExecutor`; its pool is not used."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self._begun: list[Thread] = []

    def submit(
        self, function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Run a call in a thread of its own."""
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        thread = Thread(target=run, daemon=True)
        self._begun.append(thread)
        thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the threads, but not for long."""
        del wait, cancel_futures
        end = time.monotonic() + _GRACE
        for thread in self._begun:
            thread.join(max(0.0, end - time.monotonic()))

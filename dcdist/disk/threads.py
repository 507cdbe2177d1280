"""A few threads of one owner. Invariant: a call that was begun is waited for, even when its caller is cancelled.

So a descriptor is never closed, and a lock never given up, under a call that still uses it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dcdist.tasks import to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Threads:
    """Up to `count` threads, started when they are needed."""

    def __init__(self, name: str, *, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(
        self, call: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Run a blocking call; when cancelled, wait for its end first. Calls should be short, or hard to undo."""
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._executor, partial(call, *args, **kwargs)))

    def close(self) -> None:
        """End the threads; calls that are still running are waited for."""
        self._executor.shutdown(wait=True)

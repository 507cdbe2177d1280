"""Several things at once: the first failure ends the others and is raised as itself; what blocks runs in threads.

Invariant: when one of these returns or raises, nothing that it started is still running.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

Result = TypeVar("Result")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """An `asyncio.TaskGroup` that raises the first of its failures."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        first = _first(failures)
        raise first from first.__cause__


async def in_parallel(calls: Iterable[Callable[[], Awaitable[Result]]], *, limit: int) -> list[Result]:
    """The results of `calls` in their order, of which at most `limit` run at once."""
    turns = asyncio.Semaphore(limit)

    async def run(call: Callable[[], Awaitable[Result]]) -> Result:
        async with turns:
            return await call()

    async with task_group() as group:
        tasks = [group.create_task(run(call)) for call in calls]
    return [task.result() for task in tasks]


async def in_thread(
    function: Callable[..., Result], *arguments: object, interrupt: Callable[[], None] | None = None
) -> Result:
    """The result of a blocking call. Cancelled, it raises only when the call has ended: nothing runs on unseen.

    `interrupt` makes a call end soon that may wait for long.
    """
    task = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if interrupt is not None:
            interrupt()
        await settled(task)
        raise


async def settled(task: asyncio.Future[Result]) -> None:
    """Wait until `task` has ended, however it did."""
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first

"""Several things at once: the first failure ends the others and is raised as itself; what blocks runs in threads.

Invariant: when one of these returns or raises, nothing that it started is still running.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from dcdist.errors import DcdistError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

Result = TypeVar("Result")


@contextmanager
def single_error() -> Iterator[None]:
    """Raise one error in place of a group: the first bug, or else the first error of dcdist's own.

    The others are its cause, unless it has one already.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        bugs = [leaf for leaf in leaves if not isinstance(leaf, DcdistError)]
        chosen = bugs[0] if bugs else leaves[0]
        others = [leaf for leaf in leaves if leaf is not chosen]
        if chosen.__cause__ is None and others:
            raise chosen from BaseExceptionGroup("failed together", others)
        raise chosen from chosen.__cause__


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """An `asyncio.TaskGroup` that raises one of its failures; `single_error` says which."""
    with single_error():
        async with asyncio.TaskGroup() as group:
            yield group


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
    return await to_its_end(asyncio.ensure_future(asyncio.to_thread(function, *arguments)), interrupt=interrupt)


async def to_its_end(future: asyncio.Future[Result], *, interrupt: Callable[[], None] | None = None) -> Result:
    """The result of `future`. Cancelled, it calls `interrupt` and raises only when `future` has ended."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if interrupt is not None:
            interrupt()
        await settled(future)
        raise


async def settled(future: asyncio.Future[Result]) -> None:
    """Wait until `future` has ended, however it did and however often the caller is cancelled meanwhile.

    Raises:
        CancelledError: The caller was cancelled; `future` has ended nevertheless.
    """
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if not future.cancelled():
        future.exception()  # nobody else will look at it
    if cancelled is not None:
        raise cancelled


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error

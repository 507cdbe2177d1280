"""What runs at once ends together, and what fails is raised as itself."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from dcdist.errors import StoreFullError
from dcdist.tasks import in_parallel, in_thread, settled, task_group


async def test_results_come_in_the_order_of_the_calls_and_few_run_at_once() -> None:
    running = most = 0

    async def call(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10 - number):
            await asyncio.sleep(0)
        running -= 1
        return number

    assert await in_parallel([partial(call, number) for number in range(10)], limit=3) == list(range(10))
    assert most == 3


async def test_the_first_failure_ends_the_others_and_is_raised_as_itself() -> None:
    ended = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise StoreFullError("full")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(StoreFullError, match="full"):
        await in_parallel([wait, fail, wait], limit=3)
    assert ended == [True, True]


async def test_a_failure_in_the_body_of_a_group_is_raised_as_itself() -> None:
    async def fail_in_groups() -> None:
        async with task_group() as outer, task_group():
            outer.create_task(asyncio.Event().wait())
            raise StoreFullError("full") from KeyError("cause")

    with pytest.raises(StoreFullError) as caught:
        await fail_in_groups()
    assert isinstance(caught.value.__cause__, KeyError)


async def test_of_failures_at_once_a_bug_is_raised_first_and_has_the_others_as_its_cause() -> None:
    full = StoreFullError("full")
    bug = KeyError("bug")

    async def fail(error: Exception) -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        await in_parallel([partial(fail, full), partial(fail, bug)], limit=2)
    assert caught.value is bug
    assert isinstance(bug.__cause__, BaseExceptionGroup)
    assert bug.__cause__.exceptions == (full,)


async def test_a_call_in_a_thread_is_waited_for_however_often_its_caller_is_cancelled() -> None:
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        go_on.wait()
        ended.set()

    task = asyncio.create_task(in_thread(block))
    await asyncio.to_thread(started.wait)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_cancellation_while_the_end_of_another_task_is_waited_for_is_raised_after_that_end() -> None:
    other = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(settled(other))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    other.set_result(None)

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancelled_call_in_a_thread_is_waited_for_and_told_to_end() -> None:
    started, stop, ended = threading.Event(), threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        stop.wait()
        ended.set()

    task = asyncio.create_task(in_thread(block, interrupt=stop.set))
    await asyncio.to_thread(started.wait)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_call_in_a_thread_raises_what_it_raised() -> None:
    def fail() -> None:
        raise StoreFullError("full")

    with pytest.raises(StoreFullError):
        await in_thread(fail)
    assert await in_thread(divmod, 7, 2) == (3, 1)

"""No task, thread, descriptor or child process outlives a test. Fixtures of a wider scope are made before, and may."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    """Compares what there is before the test, its fixtures and its event loop, with what there is after."""
    before = _alive()
    yield
    left = _alive() - before
    if left:
        # What only the collector would free is freed first: that is no leak, or warns by itself.
        gc.collect()
        left = _alive() - before
    assert not left, f"outlives the test: {', '.join(sorted(left))}"


@pytest.fixture(autouse=True)
def _tasks_are_checked(request: pytest.FixtureRequest, nothing_outlives_the_test: None) -> None:
    """Only tests that have an event loop have tasks."""
    del nothing_outlives_the_test
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_task_outlives_the_test")


@pytest.fixture
async def no_task_outlives_the_test() -> AsyncIterator[None]:
    """Looks at the tasks of the test's event loop when all its other fixtures are gone."""
    yield
    # The ends of connections take a few turns of the loop.
    for _ in range(20):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"outlive the test: {left}"


def _alive() -> frozenset[str]:
    threads = {f"thread {thread.name}" for thread in threading.enumerate()}
    children = {f"child process {pid}" for pid in Path("/proc/thread-self/children").read_text().split()}
    return frozenset(threads | children | set(_descriptors()))


def _descriptors() -> Iterator[str]:
    for name in os.listdir("/proc/self/fd"):
        try:
            yield f"descriptor {name} of {os.readlink(f'/proc/self/fd/{name}')}"
        except FileNotFoundError:
            # The descriptor of this very listing.
            continue

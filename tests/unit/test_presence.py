"""A host that joins the others, and is told to stop while it does."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest

from dcdist.engine.fetch_options import FetchOptions
from dcdist.node import presence
from dcdist.node.presence import Presence
from tests.support.planners import host


async def test_a_fetch_that_is_cancelled_while_a_name_is_looked_up_leaves_no_thread_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answered, ended = threading.Event(), threading.Event(), threading.Event()

    def look_up(*_: object) -> Mock:
        asked.set()
        answered.wait()
        ended.set()
        return Mock()

    monkeypatch.setattr(presence, "OwnAddress", look_up)
    options = FetchOptions(dest=Path("images"), cache=Path("cache"))
    joining = Presence(Mock(), Mock(), options, brings=True, host=host(1), report=Mock())
    async with AsyncExitStack() as stack:
        task = asyncio.create_task(joining.open(stack, Mock()))
        await asyncio.to_thread(asked.wait)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=0)
        for _ in range(5):
            await asyncio.sleep(0)
        answered.set()
        assert not done
        assert not task.done()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

"""Small objects of a release that do not come as promised."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dcdist.catalog.read_again import read_description
from dcdist.errors import ObjectMissingError, WebPageError
from tests.support import virtual_time
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from dcdist.engine.fetch_events import Troubled


class SlowStore(MemoryStore):
    """Takes 25 seconds to say that there is nothing."""

    async def get(self, key: str, *, limit: int) -> bytes:
        await asyncio.sleep(25.0)
        return await super().get(key, limit=limit)


@pytest.mark.parametrize(("store", "slowness"), [(MemoryStore(), 0.0), (SlowStore(), 25.0)], ids=["quick", "slow"])
def test_a_promised_object_is_asked_for_again_for_20_seconds_of_waiting_however_long_the_store_takes(
    store: MemoryStore, slowness: float
) -> None:
    told: list[Troubled] = []

    async def read() -> str:
        with pytest.raises(ObjectMissingError) as caught:
            await read_description(store, "index", limit=1000, read=bytes, report=told.append)
        return str(caught.value)

    message, seconds = virtual_time.run(read())
    tries = len(store.calls)

    assert tries > 5
    assert len(told) == tries - 1
    assert 15.0 <= seconds - tries * slowness <= 20.0
    assert f"tried {tries} times" in message
    assert "publish it again" in message


def test_what_will_be_the_same_next_time_is_asked_for_once_though_it_is_promised() -> None:
    class PageStore(MemoryStore):
        """Answers with a web page."""

        async def get(self, key: str, *, limit: int) -> bytes:
            self.calls.append(key)
            raise WebPageError("a page", store=str(self), key=key)

    store = PageStore()

    async def read() -> None:
        with pytest.raises(WebPageError):
            await read_description(store, "index", limit=1000, read=bytes)

    _, seconds = virtual_time.run(read())

    assert (len(store.calls), seconds) == (1, 0.0)

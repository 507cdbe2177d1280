"""Retrying and pacing, in virtual time."""

from __future__ import annotations

import asyncio
import random

import pytest

from dcdist.errors import (
    ObjectExistsError,
    ObjectMissingError,
    ShortBodyError,
    StoreError,
    StoreThrottledError,
    StoreUnavailableError,
)
from dcdist.policy.requests.pacing import Pace
from dcdist.policy.requests.retry import Backoff
from dcdist.ports.store import Capabilities
from dcdist.store import Paced, Retrying
from tests.support import virtual_time
from tests.support.memory_store import MemoryStore

AWAY = StoreUnavailableError("away")
RULE = Backoff(tries=4, first=1.0, longest=10.0, total=60.0)


class _Longest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        del a
        return b


def _retrying(store: MemoryStore) -> Retrying:
    return Retrying(store, rng=_Longest(), backoff=RULE)


async def _failure(operation: object) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await operation  # type: ignore[misc]
    return caught.value


def test_what_is_retryable_is_tried_again_after_growing_waits() -> None:
    store = MemoryStore()
    store.objects["key"] = b"x"
    store.failures = [AWAY, ShortBodyError("short"), AWAY]

    assert virtual_time.run(_retrying(store).get("key", limit=1)) == (b"x", 1.0 + 2.0 + 4.0)


def test_whether_a_store_is_there_is_asked_again() -> None:
    store = MemoryStore()
    store.failures = [AWAY]

    assert virtual_time.run(_retrying(store).exists()) == (True, 1.0)
    assert store.calls == ["exists", "exists"]


def test_the_last_failure_is_the_one_that_is_raised() -> None:
    store = MemoryStore()
    last = StoreUnavailableError("the last")
    store.failures = [AWAY, AWAY, AWAY, last, AWAY]

    assert virtual_time.run(_failure(_retrying(store).list(""))) == (last, 7.0)
    assert store.calls == ["list"] * 4


def test_the_stores_wish_is_kept_and_too_long_a_wish_ends_it() -> None:
    store = MemoryStore()
    long = StoreThrottledError("later", retry_after=90.0)
    store.failures = [StoreThrottledError("later", retry_after=20.0), long]

    assert virtual_time.run(_failure(_retrying(store).delete("key"))) == (long, 21.0)


def test_what_is_not_retryable_is_raised_at_once() -> None:
    store = MemoryStore()

    error, seconds = virtual_time.run(_failure(_retrying(store).get("absent", limit=1)))

    assert type(error) is ObjectMissingError
    assert seconds == 0.0


def test_a_create_that_succeeded_unheard_has_succeeded() -> None:
    store = MemoryStore()
    store.objects["key"] = b"mine"
    store.failures = [AWAY]

    virtual_time.run(_retrying(store).put("key", memoryview(b"mine"), if_absent=True))


@pytest.mark.parametrize("there", [b"", b"other", b"mine and more", b"min"])
def test_a_create_that_another_won_has_lost(there: bytes) -> None:
    store = MemoryStore()
    store.objects["key"] = there
    store.failures = [AWAY]

    error, _ = virtual_time.run(_failure(_retrying(store).put("key", b"mine", if_absent=True)))

    assert type(error) is ObjectExistsError
    assert store.objects["key"] == there


def test_a_create_of_what_was_there_before_has_lost_even_if_it_is_the_same() -> None:
    store = MemoryStore()
    store.objects["key"] = b"mine"

    error, _ = virtual_time.run(_failure(_retrying(store).put("key", b"mine", if_absent=True)))

    assert type(error) is ObjectExistsError


def test_closing_a_wrapper_closes_the_store() -> None:
    store = MemoryStore()

    virtual_time.run(Paced(_retrying(store), Pace()).close())

    assert store.closed


def test_a_wrapper_can_what_its_store_can_and_has_its_server() -> None:
    class Served(MemoryStore):
        @property
        def capabilities(self) -> Capabilities:
            return Capabilities(writable=False, listable=True, creates_once=False)

        @property
        def host(self) -> str:
            return "swift.example.com"

    wrapped = Paced(_retrying(Served()), Pace())

    assert wrapped.capabilities == Capabilities(writable=False, listable=True, creates_once=False)
    assert (wrapped.host, str(wrapped)) == ("swift.example.com", "memory:")


async def _drain(store: Paced, key: str) -> float:
    """Read a whole object; the time when its last byte came."""
    body = b""
    async with store.read(key, start=0, length=100_000) as parts:
        async for part in parts:
            body += part
    assert len(body) == 100_000
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("part", [10, 1000, 100_000])
def test_a_read_takes_as_long_as_its_bytes_cost(part: int) -> None:
    store = MemoryStore(part=part)
    store.objects["key"] = bytes(100_000)

    when, _ = virtual_time.run(_drain(Paced(store, Pace(20_000.0)), "key"))

    assert when == pytest.approx(5.0)


def test_reads_share_the_pace() -> None:
    store = MemoryStore()
    store.objects = {"a": bytes(100_000), "b": bytes(100_000), "c": bytes(100_000)}
    paced = Paced(store, Pace(100_000.0))

    async def all_three() -> list[float]:
        return await asyncio.gather(*(_drain(paced, key) for key in "abc"))

    times, _ = virtual_time.run(all_three())

    assert times == pytest.approx([3.0, 3.0, 3.0], rel=0.02)


def test_a_new_rate_counts_for_a_read_that_waits() -> None:
    store = MemoryStore(part=100_000)
    store.objects["key"] = bytes(100_000)
    pace = Pace(1000.0)

    async def hurry() -> float:
        read = asyncio.create_task(_drain(Paced(store, pace), "key"))
        await asyncio.sleep(10.0)
        pace.rate = 90_000.0
        return await read

    when, _ = virtual_time.run(hurry())

    assert when == pytest.approx(11.0, abs=0.25)


def test_without_a_rate_nothing_waits() -> None:
    store = MemoryStore()
    store.objects["key"] = bytes(100_000)

    assert virtual_time.run(_drain(Paced(store, Pace()), "key")) == (0.0, 0.0)


@pytest.mark.parametrize("rate", [50.0, 2_500.0, 400_000.0])
def test_however_slow_the_pace_is_a_read_that_goes_on_shows_it(rate: float) -> None:
    """The planner drops one of which nothing comes for 6 s."""
    store = MemoryStore(part=100_000)
    store.objects["key"] = bytes(100_000)

    async def first_part() -> float:
        async with Paced(store, Pace(rate)).read("key", start=0, length=100_000) as parts:
            await anext(parts)
            await anext(parts)
        return asyncio.get_running_loop().time()

    when, _ = virtual_time.run(first_part())

    assert when <= 0.25


def test_a_read_that_is_given_up_leaves_little_to_pay_for() -> None:
    store = MemoryStore(part=100_000)
    store.objects["key"] = bytes(100_000)
    paced = Paced(store, Pace(10_000.0))

    async def give_up_then_read() -> float:
        given_up = asyncio.create_task(_drain(paced, "key"))
        await asyncio.sleep(1.0)
        given_up.cancel()
        return await _drain(paced, "key")

    when, _ = virtual_time.run(give_up_then_read())

    # Ten seconds of its own, behind one part of the other.
    assert when < 13.0

"""What every store must do, as tests. A subclass gives the fixture `stores`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import (
    FormatError,
    InvariantError,
    ObjectExistsError,
    ObjectMissingError,
    RangeError,
    StoreDeniedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from dcdist.ports.store import Store

MIB = 1 << 20
BYTES = bytes(range(256)) * (5 * 4096) + b"the end"


@dataclass(frozen=True, slots=True)
class Stores:
    """The store under test, and how to open another one at the same place, that may be written."""

    store: Store
    writer: Callable[[], AbstractAsyncContextManager[Store]]

    async def place(self, key: str, body: bytes) -> None:
        """Put an object, behind the back of the store under test."""
        async with self.writer() as writer:
            await writer.put(key, body)


async def read(store: Store, key: str, start: int, length: int) -> bytes:
    """All bytes of one read."""
    async with store.read(key, start=start, length=length) as parts:
        return b"".join([part async for part in parts])


class ReadingSuite:
    """For every store."""

    async def test_a_whole_object_is_what_was_put(self, stores: Stores) -> None:
        await stores.place("layers/aa/index", b"index")

        assert await stores.store.get("layers/aa/index", limit=5) == b"index"

    async def test_an_empty_object_is_empty(self, stores: Stores) -> None:
        await stores.place("empty", b"")

        assert await stores.store.get("empty", limit=0) == b""

    async def test_an_object_over_the_limit_is_refused(self, stores: Stores) -> None:
        await stores.place("large", bytes(1001))

        with pytest.raises(FormatError, match="larger than 1000 bytes"):
            await stores.store.get("large", limit=1000)

    async def test_an_absent_object_is_missing(self, stores: Stores) -> None:
        await stores.place("folder/present", b"x")

        for key in ("absent", "folder/absent", "folder/present/below"):
            with pytest.raises(ObjectMissingError):
                await stores.store.get(key, limit=10)
            with pytest.raises(ObjectMissingError):
                await read(stores.store, key, 0, 1)

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, 1), (0, 10), (MIB - 1, 2), (3, 4 * MIB), (len(BYTES) - 7, 7), (0, len(BYTES))],
    )
    async def test_a_read_gives_exactly_its_range(self, stores: Stores, start: int, length: int) -> None:
        await stores.place("segment", BYTES)

        assert await read(stores.store, "segment", start, length) == BYTES[start : start + length]

    async def test_no_part_of_a_read_is_empty(self, stores: Stores) -> None:
        await stores.place("segment", BYTES)

        async with stores.store.read("segment", start=1, length=3 * MIB) as parts:
            lengths = [len(part) async for part in parts]

        assert 0 not in lengths
        assert sum(lengths) == 3 * MIB

    @pytest.mark.parametrize(("start", "length"), [(0, 11), (5, 6), (10, 1), (100, 5)])
    async def test_a_range_that_the_object_does_not_have_is_an_error(
        self, stores: Stores, start: int, length: int
    ) -> None:
        await stores.place("short", b"ten bytes!")

        with pytest.raises(RangeError):
            await read(stores.store, "short", start, length)

    async def test_a_read_may_be_left_early(self, stores: Stores) -> None:
        await stores.place("segment", BYTES)

        async with stores.store.read("segment", start=0, length=len(BYTES)) as parts:
            assert BYTES.startswith(await anext(parts))
        async with stores.store.read("segment", start=0, length=len(BYTES)):
            pass

        assert await read(stores.store, "segment", 0, 10) == BYTES[:10]

    async def test_a_read_may_be_cancelled(self, stores: Stores) -> None:
        await stores.place("segment", BYTES)
        begun = asyncio.Event()

        async def hold() -> None:
            async with stores.store.read("segment", start=0, length=len(BYTES)) as parts:
                await anext(parts)
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await read(stores.store, "segment", 0, 10) == BYTES[:10]

    async def test_a_read_may_be_cancelled_before_it_has_begun(self, stores: Stores) -> None:
        await stores.place("segment", BYTES)
        task = asyncio.create_task(read(stores.store, "segment", 0, len(BYTES)))
        await asyncio.sleep(0)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_many_reads_run_at_once(self, stores: Stores) -> None:
        await stores.place("segment", BYTES)
        starts = range(0, 16 * 1000, 1000)

        found = await asyncio.gather(*(read(stores.store, "segment", start, MIB) for start in starts))

        assert found == [BYTES[start : start + MIB] for start in starts]

    @pytest.mark.parametrize("other", [b"TEN BYTES!", b"other length"])
    async def test_an_object_that_was_replaced_is_read_as_it_is_now(self, stores: Stores, other: bytes) -> None:
        await stores.place("segment", b"ten bytes!")
        await read(stores.store, "segment", 0, 5)
        await stores.place("segment", other)

        assert await read(stores.store, "segment", 5, 5) == other[5:10]

    @pytest.mark.parametrize(
        "key", ["", "/etc/passwd", "../up", "a/../../up", "a//b", ".hidden", "a/.", "a b", "ü", "a/"]
    )
    async def test_a_key_that_cannot_be_is_never_looked_up(self, stores: Stores, key: str) -> None:
        with pytest.raises(InvariantError):
            await stores.store.get(key, limit=10)
        with pytest.raises(InvariantError):
            await read(stores.store, key, 0, 1)

    async def test_its_capabilities_are_true(self, stores: Stores) -> None:
        if not stores.store.capabilities.listable:
            with pytest.raises(StoreDeniedError):
                await stores.store.list("")
        if not stores.store.capabilities.writable:
            with pytest.raises(StoreDeniedError):
                await stores.store.put("key", b"")
            with pytest.raises(StoreDeniedError):
                await stores.store.delete("key")


class WritingSuite(ReadingSuite):
    """For stores that can be written and listed."""

    creates_exclude_each_other = True

    async def test_it_can_be_written_and_listed(self, stores: Stores) -> None:
        assert stores.store.capabilities.writable
        assert stores.store.capabilities.listable

    async def test_an_object_is_replaced(self, stores: Stores) -> None:
        await stores.store.put("key", b"first")
        await stores.store.put("key", b"second")

        assert await stores.store.get("key", limit=10) == b"second"

    @pytest.mark.parametrize("length", [0, 1, 256 << 10, (256 << 10) + 1, len(BYTES)])
    async def test_a_part_of_a_buffer_is_put(self, stores: Stores, length: int) -> None:
        await stores.store.put("key", memoryview(BYTES + b"more")[:length])

        assert await stores.store.get("key", limit=len(BYTES)) == BYTES[:length]

    async def test_a_conditional_create_loses_to_what_is_there(self, stores: Stores) -> None:
        await stores.store.put("small", b"first", if_absent=True)
        await stores.store.put("large", BYTES, if_absent=True)

        with pytest.raises(ObjectExistsError):
            await stores.store.put("small", b"second", if_absent=True)
        with pytest.raises(ObjectExistsError):
            await stores.store.put("large", BYTES[1:], if_absent=True)
        assert await stores.store.get("small", limit=10) == b"first"
        assert await stores.store.get("large", limit=len(BYTES)) == BYTES

    async def test_of_many_conditional_creates_at_once_one_body_stays(self, stores: Stores) -> None:
        bodies = [b"body %d" % number for number in range(8)]
        await stores.store.put("other", b"")

        results = await asyncio.gather(
            *(stores.store.put("key", body, if_absent=True) for body in bodies), return_exceptions=True
        )

        won = [body for body, result in zip(bodies, results, strict=True) if result is None]
        assert all(result is None or isinstance(result, ObjectExistsError) for result in results), results
        assert await stores.store.get("key", limit=10) in won
        assert len(won) == 1 or not self.creates_exclude_each_other

    async def test_a_deleted_object_is_missing(self, stores: Stores) -> None:
        await stores.store.put("key", b"x")
        await stores.store.delete("key")

        with pytest.raises(ObjectMissingError):
            await stores.store.get("key", limit=10)

    async def test_deleting_what_is_not_there_is_no_error(self, stores: Stores) -> None:
        await stores.store.delete("key")
        await stores.store.put("file", b"x")
        await stores.store.delete("folder/key")
        await stores.store.delete("file/key")

        assert await stores.store.get("file", limit=1) == b"x"

    async def test_a_listing_has_what_begins_with_the_prefix_in_order(self, stores: Stores) -> None:
        for key in ("b/2", "a/1,x", "b/10", "bc", "b/1/deep", "a-b/1"):
            await stores.store.put(key, key.encode())

        async def listed(prefix: str) -> list[tuple[str, int]]:
            return [(entry.key, entry.size) for entry in (await stores.store.list(prefix)).entries]

        assert await listed("b/") == [("b/1/deep", 8), ("b/10", 4), ("b/2", 3)]
        assert await listed("b/1") == [("b/1/deep", 8), ("b/10", 4)]
        assert await listed("b") == [("b/1/deep", 8), ("b/10", 4), ("b/2", 3), ("bc", 2)]
        assert await listed("") == [
            ("a-b/1", 5), ("a/1,x", 5), ("b/1/deep", 8), ("b/10", 4), ("b/2", 3), ("bc", 2),
        ]  # fmt: skip
        assert await listed("c") == []
        assert await listed("b/1/deep/er") == []
        assert await listed("../") == []

    async def test_a_listing_tells_ages_by_the_stores_clock(self, stores: Stores) -> None:
        await stores.store.put("first", b"")
        await stores.store.put("second", b"")

        listing = await stores.store.list("")

        first, second = listing.entries
        assert first.modified <= second.modified
        # The clock may tell whole seconds only.
        assert -1.1 <= listing.now - second.modified < 60

    async def test_a_store_is_there_once_it_was_written_to_even_if_it_is_empty(self, stores: Stores) -> None:
        before = await stores.store.exists()
        await stores.store.put("key", b"x")
        await stores.store.delete("key")

        assert (before, await stores.store.exists()) == (False, True)

    async def test_a_store_with_nothing_in_it_lists_nothing(self, stores: Stores) -> None:
        listing = await stores.store.list("releases/")

        assert listing.entries == ()
        assert listing.now > 1.7e9

    async def test_an_object_that_may_expire_is_there_until_then(self, stores: Stores) -> None:
        await stores.store.put("key", b"x", expires_in=3599.5)

        assert await stores.store.get("key", limit=1) == b"x"

    @pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../up", "a//b", ".hidden", "a/"])
    async def test_a_key_that_cannot_be_is_never_written(self, stores: Stores, key: str) -> None:
        with pytest.raises(InvariantError):
            await stores.store.put(key, b"x")
        with pytest.raises(InvariantError):
            await stores.store.delete(key)

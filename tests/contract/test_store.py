"""The suite of `store_suite` on every store and wrapper, and what is special to each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import ObjectExistsError, ObjectMissingError, StoreDeniedError
from dcdist.policy.requests.pacing import Pace
from dcdist.store import Paced, Retrying, open_store
from tests.contract.store_suite import ReadingSuite, Stores, WritingSuite, read
from tests.support.http_server import serve_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tools.lab.swift import Swift


class TestDirectory(WritingSuite):
    @pytest.fixture
    async def stores(self, tmp_path: Path) -> AsyncIterator[Stores]:
        url = (tmp_path / "not yet made").as_uri()
        async with open_store(url, environment={}) as store:
            yield Stores(store, lambda: open_store(url, environment={}))

    async def test_its_url_can_be_opened_again(self, stores: Stores, tmp_path: Path) -> None:
        assert str(stores.store) == f"file://{tmp_path}/not%20yet%20made"

    async def test_a_file_being_written_is_not_listed_and_leaves_nothing(self, stores: Stores, tmp_path: Path) -> None:
        await stores.store.put("folder/key", b"x", if_absent=True)
        with pytest.raises(ObjectExistsError):
            await stores.store.put("folder/key", b"y", if_absent=True)
        (tmp_path / "not yet made" / "folder" / ".0123456789abcdef~").write_bytes(b"half")
        (tmp_path / "not yet made" / "folder" / ".nfs000001").write_bytes(b"removed while open")

        assert [entry.key for entry in (await stores.store.list("")).entries] == ["folder/key"]
        assert len(list((tmp_path / "not yet made").rglob("*"))) == 4

    async def test_a_folder_is_no_object(self, stores: Stores) -> None:
        await stores.store.put("folder/key", b"x")

        with pytest.raises(ObjectMissingError):
            await stores.store.get("folder", limit=10)
        await stores.store.delete("folder")
        assert await stores.store.get("folder/key", limit=10) == b"x"

    async def test_an_object_replaced_while_it_is_read_is_read_to_its_end(self, stores: Stores) -> None:
        await stores.place("key", bytes(3 << 20))

        async with stores.store.read("key", start=0, length=3 << 20) as parts:
            first = await anext(parts)
            await stores.place("key", b"\1" * (3 << 20))
            rest = b"".join([part async for part in parts])

        assert first + rest == bytes(3 << 20)


class TestSwift(WritingSuite):
    # Swift looks whether the object is there, then takes the body, then writes: creates that overlap all succeed.
    creates_exclude_each_other = False

    @pytest.fixture
    async def stores(self, swift: Swift, container: str) -> AsyncIterator[Stores]:
        url = f"swift://{container}/demos/all"
        async with open_store(url, environment=swift.environment) as store:
            yield Stores(store, lambda: open_store(url, environment=swift.environment))

    async def test_prefixes_divide_a_container(self, stores: Stores, swift: Swift, container: str) -> None:
        await stores.store.put("key", b"x")
        async with open_store(f"swift://{container}/demos", environment=swift.environment) as above:
            listing = await above.list("")
        async with open_store(f"swift://{container}", environment=swift.environment) as whole:
            body = await whole.get("demos/all/key", limit=1)

        assert [entry.key for entry in listing.entries] == ["all/key"]
        assert body == b"x"
        assert str(stores.store) == f"swift://{container}/demos/all"

    async def test_looks_take_one_request_each_and_other_listings_one_more(
        self, stores: Stores, swift: Swift, container: str
    ) -> None:
        await stores.store.put("key", b"x")
        before = len(swift.answers("GET", "/info"))

        for look in (True, True, True, False):
            listing = await stores.store.list("", look=look)
            assert [entry.key for entry in listing.entries] == ["key"]

        assert [answer.path for answer in swift.answers("GET", container)] == [container] * 5
        assert [answer.status for answer in swift.answers("GET", "/info")[before:]] == [200]

    async def test_a_wrong_key_is_denied(self, swift: Swift, container: str) -> None:
        environment = {**swift.environment, "ST_KEY": "wrong"}
        async with open_store(f"swift://{container}", environment=environment) as store:
            with pytest.raises(StoreDeniedError, match="ST_USER=test:tester") as caught:
                await store.get("key", limit=1)

        assert "wrong" not in str(caught.value)


class TestReadonlyHttp(ReadingSuite):
    @pytest.fixture
    async def stores(self, tmp_path: Path) -> AsyncIterator[Stores]:
        (tmp_path / "served").mkdir()
        async with (
            serve_directory(tmp_path) as url,
            open_store(f"{url}/served/", environment={}) as store,
        ):
            yield Stores(store, lambda: open_store((tmp_path / "served").as_uri(), environment={}))

    async def test_credentials_in_its_url_stand_in_no_message(self, stores: Stores) -> None:
        url = str(stores.store).replace("http://", "http://me:secret@")
        async with open_store(url, environment={}) as store:
            with pytest.raises(ObjectMissingError) as caught:
                await store.get("absent", limit=1)

        assert "secret" not in str(caught.value)
        assert "secret" not in str(store)


class TestWrapped(WritingSuite):
    @pytest.fixture
    async def stores(self, tmp_path: Path) -> AsyncIterator[Stores]:
        url = (tmp_path / "store").as_uri()
        async with open_store(url, environment={}) as store:
            wrapped = Paced(Retrying(store, rng=random.Random(1)), Pace(1e9))
            yield Stores(wrapped, lambda: open_store(url, environment={}))

    async def test_wrappers_keep_the_url(self, stores: Stores, tmp_path: Path) -> None:
        assert str(stores.store) == f"file://{tmp_path}/store"

    async def test_a_read_through_them_is_whole(self, stores: Stores) -> None:
        await stores.store.put("key", b"0123456789")

        assert await read(stores.store, "key", 2, 3) == b"234"

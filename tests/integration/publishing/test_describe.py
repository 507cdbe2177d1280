"""What `ls` and `show` are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.catalog.description import describe, list_releases
from dcdist.catalog.find import find_release
from dcdist.errors import FormatError, ReleaseMissingError, StoreMissingError, StoreUnavailableError, UsageError
from dcdist.model.identity import ReleaseName
from dcdist.store import open_store
from tests.support.memory_store import MemoryStore
from tests.support.publishing import CHUNK, KEY, OTHER_KEY, Publisher, noise
from tests.support.stepped_store import SteppedStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def store() -> SteppedStore:
    store = SteppedStore()
    publisher = Publisher(store)
    await publisher.publish("demo@b", {"a": noise(1, 10 * CHUNK)})
    store.now = 2000.0
    await publisher.publish("demo@a", {"a": noise(1, 10 * CHUNK), "b": noise(2, 5 * CHUNK)})
    await publisher.publish("alpha@1", {"a": b"a"})
    return store


async def test_releases_come_by_demo_and_then_in_the_order_of_publishing(store: SteppedStore) -> None:
    found = await list_releases(store)

    assert [(str(each.release.name), each.published) for each in found.readable] == [
        ("alpha@1", 2000.0),
        ("demo@b", 1000.0),
        ("demo@a", 2000.0),
    ]
    assert [len(each.new_layers) for each in found.readable] == [1, 1, 1]
    assert [len(each.release.layers) for each in found.readable] == [1, 1, 2]
    assert found.unreadable == ()


async def test_one_demo_can_be_asked_for(store: SteppedStore) -> None:
    assert [each.release.name.version for each in (await list_releases(store, "demo")).readable] == ["b", "a"]
    assert (await list_releases(store, "dem")).readable == ()
    with pytest.raises(UsageError):
        await list_releases(store, "../up")


async def test_what_cannot_be_read_is_listed_apart(store: SteppedStore) -> None:
    store.objects["releases/demo/c"] = b"garbage"
    store.objects["releases/demo/moved"] = store.objects["releases/demo/a"]
    store.objects["releases/not a release"] = b""

    found = await list_releases(store, None)

    assert len(found.readable) == 3
    assert [each.key for each in found.unreadable] == ["releases/demo/c", "releases/demo/moved"]
    assert found.unreadable[1].reason == "it holds the manifest of demo@a"


async def test_a_release_is_described_against_the_one_before(store: SteppedStore) -> None:
    described = await describe(store, "demo", "a")

    assert described.release.name == ReleaseName("demo", "a")
    assert described.previous == ReleaseName("demo", "b")
    assert described.latest
    assert described.new_layers == described.release.layers[1:]
    assert described.new_bytes == described.release.layers[1].length
    assert 5 * CHUNK <= described.new_bytes < 6 * CHUNK


async def test_the_first_release_is_all_new(store: SteppedStore) -> None:
    described = await describe(store, "demo", "b")

    assert described.previous is None
    assert not described.latest
    assert described.new_layers == described.release.layers


async def test_without_a_version_the_latest_is_described(store: SteppedStore) -> None:
    assert (await describe(store, "demo")).release.name == ReleaseName("demo", "a")


async def test_what_is_not_there_is_said_with_what_is(store: SteppedStore) -> None:
    with pytest.raises(ReleaseMissingError, match="memory: has no release demo@7; of demo it has b, a"):
        await describe(store, "demo", "7")
    with pytest.raises(ReleaseMissingError, match="has no release beta; of beta it has no version at all"):
        await describe(store, "beta")


async def test_each_release_is_marked_by_whether_a_given_key_signed_it(store: SteppedStore) -> None:
    await Publisher(store, OTHER_KEY, trusted=(KEY.public,)).publish("demo@c", {"a": b"a"})

    unchecked = (await list_releases(store, "demo")).readable
    marked = (await list_releases(store, "demo", trust=[KEY.public])).readable

    assert [each.trusted for each in unchecked] == [None, None, None]
    assert [each.trusted for each in marked] == [True, True, False]
    assert [each.latest for each in unchecked] == [False, False, True]
    assert [each.latest for each in marked] == [False, True, False]
    assert (await describe(store, "demo")).release.name.version == "c"
    assert (await describe(store, "demo", trust=[KEY.public])).release.name.version == "a"
    assert (await describe(store, "demo", "c", trust=[KEY.public])).trusted is False
    assert (await describe(store, "demo", trust=[OTHER_KEY.public])).release.name.version == "c"


async def test_a_store_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    async with open_store((tmp_path / "store").as_uri(), environment={}) as store:
        for look in (
            list_releases(store),
            list_releases(store, "demo"),
            describe(store, "demo"),
            find_release(store, "demo", trust=[KEY.public]),
            find_release(store, "demo@1", trust=[KEY.public]),
        ):
            with pytest.raises(StoreMissingError, match="/store does not exist: there is no such container or direct"):
                await look
        (tmp_path / "store").mkdir()

        assert (await list_releases(store)).readable == ()
        for wanted in ("demo", "demo@1"):
            with pytest.raises(ReleaseMissingError):
                await find_release(store, wanted, trust=[KEY.public])


async def test_a_store_that_cannot_be_asked_whether_it_is_there_counts_as_there() -> None:
    store = MemoryStore()
    store.failures = [None, StoreUnavailableError("away")]

    assert (await list_releases(store)).readable == ()
    assert store.calls == ["list", "exists"]


async def test_what_is_there_and_cannot_be_read_is_said(store: SteppedStore) -> None:
    store.objects["releases/demo/c"] = b"garbage"

    with pytest.raises(FormatError, match="memory:: releases/demo/c: "):
        await describe(store, "demo", "c")

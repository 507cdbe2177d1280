"""A publish that is stopped at any moment shows nothing; run again it succeeds, and uploads only what is missing."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from dcdist.catalog.publisher_process import this_process
from dcdist.errors import ObjectChangedError, ReleaseExistsError, StoreUnavailableError, XvaError
from dcdist.formats import journal as journals
from dcdist.formats.journal import Journal, PublisherProcess
from dcdist.model.identity import ReleaseName
from dcdist.publishing import Cut, Resumed
from dcdist.store.directory.directory_store import DirectoryStore
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import open_release, rebuilt_images
from tests.support.stepped_store import SteppedStore
from tests.support.xva import Disk, xva

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL_LAYERS = Cut(CHUNK, 4 * CHUNK, layer=60_000)
OLD = {"web.xva": xva(Disk("Ref:4", noise(1, 20 * CHUNK)))}
IMAGES = {"web.xva": xva(Disk("Ref:4", noise(1, 10 * CHUNK) + noise(2, 30 * CHUNK))), "b": noise(3, 12 * CHUNK)}


async def a_store_with_the_version_before() -> SteppedStore:
    store = SteppedStore()
    await Publisher(store, cut=SMALL_LAYERS).publish("demo@1", OLD)
    store.steps.clear()
    return store


async def steps_of_a_whole_publish() -> list[str]:
    store = await a_store_with_the_version_before()
    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
    return store.steps


def stop_at(number: int, fault: Callable[[], BaseException]) -> Callable[[str], None]:
    """Lets that many steps pass, then fails all: what is dead does nothing more."""
    passed = 0

    def check(_step: str) -> None:
        nonlocal passed
        passed += 1
        if passed > number:
            raise fault()

    return check


async def rebuilt(store: SteppedStore, name: str) -> dict[str, bytes]:
    return await rebuilt_images(store, await open_release(store, ReleaseName.parse(name), KEY.public))


def layers_in(store: SteppedStore) -> set[str]:
    return {key.split("/")[1] for key in store.keys("layers/")}


async def layers_of(store: SteppedStore, name: str) -> set[str]:
    release = await open_release(store, ReleaseName.parse(name), KEY.public)
    return {layer.name for layer in release.layers}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_stopped_at_any_step_nothing_is_visible_and_the_next_try_adds_what_is_missing(moment: str) -> None:
    steps = await steps_of_a_whole_publish()
    manifest_step = steps.index("put releases/demo/2")
    assert len([step for step in steps if "/segments/" in step]) == 5

    for number in range(len(steps)):
        store = await a_store_with_the_version_before()
        setattr(store, moment, stop_at(number, lambda: StoreUnavailableError("the network is gone")))
        try:
            await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
        except StoreUnavailableError:
            reached = number + (moment == "after")
            assert ("releases/demo/2" in store.objects) == (reached > manifest_step)
        setattr(store, moment, lambda _step: None)
        there = set(store.keys("layers/"))
        store.steps.clear()

        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)

        uploaded = {step.removeprefix("put ") for step in store.steps if step.startswith("put layers/")}
        assert not uploaded & there
        assert await rebuilt(store, "demo@2") == IMAGES
        assert await rebuilt(store, "demo@1") == OLD
        assert store.keys("publishes/") == ()
        assert layers_in(store) == await layers_of(store, "demo@1") | await layers_of(store, "demo@2")


@pytest.mark.parametrize("number", range(0, 16, 2))
async def test_cancelled_at_any_step_it_ends_at_once_and_can_be_run_again(number: int) -> None:
    store = await a_store_with_the_version_before()
    task = asyncio.create_task(Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES))
    passed = 0

    def cancel(_step: str) -> None:
        nonlocal passed
        passed += 1
        if passed == number + 1:
            task.cancel()

    store.before = cancel
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "releases/demo/2" not in store.objects
    there = set(store.keys("layers/"))
    store.steps.clear()

    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)

    uploaded = {step.removeprefix("put ") for step in store.steps if step.startswith("put layers/")}
    assert not uploaded & there
    assert await rebuilt(store, "demo@2") == IMAGES


async def test_what_a_dead_publish_left_is_told() -> None:
    store = await a_store_with_the_version_before()
    store.before = stop_at(6, lambda: StoreUnavailableError("the network is gone"))
    publisher = Publisher(store, cut=SMALL_LAYERS)
    with pytest.raises(StoreUnavailableError):
        await publisher.publish("demo@2", IMAGES)
    store.before = lambda _step: None
    old = await layers_of(store, "demo@1")
    left = sum(len(store.objects[key]) for key in store.keys("layers/") if key.split("/")[1] not in old)

    await publisher.publish("demo@2", IMAGES)

    assert left > 0
    assert Resumed(left) in publisher.events


async def test_other_images_in_the_next_try_leave_nothing_of_the_first_behind() -> None:
    store = await a_store_with_the_version_before()
    store.before = stop_at(12, lambda: StoreUnavailableError("the network is gone"))
    with pytest.raises(StoreUnavailableError):
        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
    store.before = lambda _step: None
    other = {"web.xva": IMAGES["web.xva"], "c": noise(9, 20 * CHUNK)}

    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", other)

    assert await rebuilt(store, "demo@2") == other
    assert layers_in(store) == await layers_of(store, "demo@1") | await layers_of(store, "demo@2")


async def test_a_layer_whose_later_segments_differ_goes_on_under_a_new_name() -> None:
    store = SteppedStore()
    first, second = noise(1, 64 << 20), noise(2, 1 << 20)

    def stop_before_the_index(step: str) -> None:
        if step.endswith(("/chunks", "/index")):
            raise StoreUnavailableError("the network is gone")

    store.before = stop_before_the_index
    with pytest.raises(StoreUnavailableError):
        await Publisher(store, cut=Cut()).publish("demo@1", {"a": first, "b": second})
    store.before = lambda _step: None
    inherited = store.keys("layers/")
    assert len(inherited) == 2

    published = await Publisher(store, cut=Cut()).publish("demo@1", {"a": first, "b": noise(3, 1 << 20)})

    assert published.layers[0].name not in inherited[0]
    assert await rebuilt(store, "demo@1") == {"a": first, "b": noise(3, 1 << 20)}
    assert layers_in(store) == {published.layers[0].name}


async def test_a_refused_image_takes_what_the_dead_publish_left_with_it() -> None:
    store = await a_store_with_the_version_before()
    before = dict(store.objects)
    store.before = stop_at(8, lambda: StoreUnavailableError("the network is gone"))
    with pytest.raises(StoreUnavailableError):
        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
    store.before = lambda _step: None

    with pytest.raises(XvaError):
        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", {"web.xva": IMAGES["web.xva"][:-1]})
    assert store.objects == before


async def test_two_versions_published_at_once_are_both_whole() -> None:
    store = await a_store_with_the_version_before()
    other = {"web.xva": IMAGES["web.xva"], "c": noise(9, 20 * CHUNK)}

    await asyncio.gather(
        Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES),
        Publisher(store, cut=SMALL_LAYERS).publish("demo@3", other),
    )

    assert await rebuilt(store, "demo@2") == IMAGES
    assert await rebuilt(store, "demo@3") == other
    assert store.keys("publishes/") == ()


async def test_of_two_publishes_of_the_same_both_succeed_and_one_set_of_layers_is_left() -> None:
    store = await a_store_with_the_version_before()

    results = await asyncio.gather(*(Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES) for _ in range(2)))

    assert sorted(each.existed for each in results) == [False, True]
    assert results[0].release == results[1].release
    assert await rebuilt(store, "demo@2") == IMAGES
    assert layers_in(store) == await layers_of(store, "demo@1") | await layers_of(store, "demo@2")


async def test_of_two_publishes_that_find_a_dead_one_only_one_inherits_it() -> None:
    store = await a_store_with_the_version_before()
    store.before = stop_at(8, lambda: StoreUnavailableError("the network is gone"))
    with pytest.raises(StoreUnavailableError):
        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
    store.before = lambda _step: None
    publishers = [Publisher(store, cut=SMALL_LAYERS) for _ in range(2)]

    results = await asyncio.gather(*(each.publish("demo@2", IMAGES) for each in publishers))

    assert sorted(any(isinstance(event, Resumed) for event in each.events) for each in publishers) == [False, True]
    assert sorted(each.existed for each in results) == [False, True]
    assert await rebuilt(store, "demo@2") == IMAGES
    assert layers_in(store) == await layers_of(store, "demo@1") | await layers_of(store, "demo@2")
    assert store.keys("publishes/") == ()


async def test_of_two_publishes_with_other_content_one_is_refused_and_the_other_whole() -> None:
    store = await a_store_with_the_version_before()
    contents = [IMAGES, {"c": noise(9, 30 * CHUNK)}]

    results = await asyncio.gather(
        *(Publisher(store, cut=SMALL_LAYERS).publish("demo@2", content) for content in contents),
        return_exceptions=True,
    )

    assert sorted(isinstance(each, ReleaseExistsError) for each in results) == [False, True]
    winner = next(number for number, each in enumerate(results) if not isinstance(each, BaseException))
    assert await rebuilt(store, "demo@2") == contents[winner]
    assert store.keys("publishes/") == ()


def left_by(owner: PublisherProcess) -> bytes:
    return journals.encode(Journal(ReleaseName("demo", "2"), owner, (), ()), "x", KEY)


ELSEWHERE = PublisherProcess("another-host", "boot", 1, 1)


@pytest.mark.parametrize(("age", "inherits"), [(299.0, False), (301.0, True)])
async def test_a_publish_on_another_host_is_dead_after_five_minutes_of_the_stores_clock(
    age: float, inherits: bool
) -> None:
    store = await a_store_with_the_version_before()
    store.objects["publishes/x"] = left_by(ELSEWHERE)
    store.times["publishes/x"] = store.now - age

    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)

    assert ("publishes/x" not in store.objects) == inherits
    assert await rebuilt(store, "demo@2") == IMAGES


async def test_a_publish_before_the_last_boot_of_this_host_is_dead() -> None:
    store = await a_store_with_the_version_before()
    here = this_process()
    store.objects["publishes/x"] = left_by(PublisherProcess(here.host, "another boot", here.pid, here.started))
    store.times["publishes/x"] = store.now

    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)

    assert store.keys("publishes/") == ()


async def test_journals_of_other_releases_and_garbage_are_left_alone() -> None:
    store = await a_store_with_the_version_before()
    other = journals.encode(Journal(ReleaseName("demo", "9"), ELSEWHERE, (), ()), "other", KEY)
    store.objects |= {"publishes/other": other, "publishes/garbage": b"garbage"}

    await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)

    assert store.keys("publishes/") == ("publishes/garbage", "publishes/other")


async def test_a_publish_that_was_taken_over_shows_nothing() -> None:
    store = await a_store_with_the_version_before()

    def take_over(step: str) -> None:
        if step.startswith("put images/"):
            for key in store.keys("publishes/"):
                del store.objects[key]

    store.after = take_over
    with pytest.raises(ObjectChangedError, match="the publish of demo@2 was taken over by another one"):
        await Publisher(store, cut=SMALL_LAYERS).publish("demo@2", IMAGES)
    assert "releases/demo/2" not in store.objects


KILLED_PUBLISH = """
import asyncio, os, signal, sys
from pathlib import Path
from dcdist.store.directory.directory_store import DirectoryStore
from tests.support.publishing import Publisher
from tests.integration.publishing.test_interrupted import IMAGES, SMALL_LAYERS

class Deadly(DirectoryStore):
    left = int(sys.argv[2])
    async def put(self, key, body, **options):
        Deadly.left -= 1
        if Deadly.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await super().put(key, body, **options)

asyncio.run(Publisher(Deadly(Path(sys.argv[1])), cut=SMALL_LAYERS).publish("demo@1", IMAGES))
"""


@pytest.mark.parametrize("puts", [1, 4, 9, 14])
async def test_a_killed_process_shows_nothing_and_the_next_one_goes_on(tmp_path: Path, puts: int) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_PUBLISH, str(tmp_path), str(puts))
    assert await process.wait() == -signal.SIGKILL
    store = DirectoryStore(tmp_path)
    there = {entry.key: entry.modified for entry in (await store.list("layers/")).entries}
    assert (await store.list("releases/")).entries == ()
    assert len((await store.list("publishes/")).entries) == 1

    published = await Publisher(store, cut=SMALL_LAYERS).publish("demo@1", IMAGES)

    after = {entry.key: entry.modified for entry in (await store.list("layers/")).entries}
    assert there.items() <= after.items()
    assert (await store.list("publishes/")).entries == ()
    assert await rebuilt_images(store, published.release) == IMAGES
    assert {key.split("/")[1] for key in after} == {layer.name for layer in published.release.layers}
    await store.close()

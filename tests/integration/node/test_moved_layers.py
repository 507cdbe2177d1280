"""What `ls` and `show` say of an update is what a host with the release before moves, rewritten layers included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.formats import object_names
from dcdist.publishing import LayerMoved
from tests.support.publishing import KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist import Fetched, Store

MIB = 1024 * 1024
BASE = noise(1, 8 * MIB)
ADDED = noise(2, 2 * MIB)
SITE = {"site.img": noise(4, MIB)}
VERSIONS = {
    "web@1": {"web.img": BASE} | SITE,
    "web@2": {"web.img": BASE[: 4 * MIB] + ADDED} | SITE,  # half of the layer is dead: the rest is moved
    "web@3": {"web.img": BASE[: 4 * MIB] + ADDED + noise(3, MIB)} | SITE,  # the layer stays
    "web@4": {"web.img": BASE[: 2 * MIB]} | SITE,  # moved once more, and nothing is new
    "web@5": {"web.img": bytes(5 * MIB)},  # zeros need no layer
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
        publisher = Publisher(store)
        moved = []
        for name, images in VERSIONS.items():
            await publisher.publish(name, images)
            moved += [name for event in publisher.events if isinstance(event, LayerMoved)]
        assert moved == ["web@2", "web@4"]
        yield store


async def fetch(store: Store, wanted: str, folder: Path, *, whole: bool) -> Fetched:
    """By one host, which keeps its cache; `whole`: all layers and no image, as a seeder does."""
    release = await dcdist.find_release(store, wanted, trust=[KEY.public])
    options = dcdist.FetchOptions(dest=None if whole else folder / "images", cache=folder / "cache", swarm=False)
    return await dcdist.fetch(store, release, options, report=lambda _: None)


@pytest.mark.parametrize("whole", [True, False], ids=["seeder", "images"])
async def test_a_host_with_the_release_before_moves_what_is_listed(store: Store, tmp_path: Path, whole: bool) -> None:
    listed = {str(each.release.name): each for each in (await dcdist.list_releases(store, "web")).readable}

    moved = {name: (await fetch(store, name, tmp_path, whole=whole)).bytes.store for name in VERSIONS}

    assert {name: each.new_bytes for name, each in listed.items()} == moved
    assert sum(layer.length for layer in listed["web@2"].new_layers) > 6 * MIB
    assert 2 * MIB < moved["web@2"] < 2 * MIB + 4 * 256 * 1024
    assert (await dcdist.describe(store, "web", "2")).new_bytes == moved["web@2"]
    assert MIB < moved["web@3"] < 1.1 * MIB
    assert moved["web@4"] < 4 * 256 * 1024
    assert moved["web@5"] == 0


async def test_an_index_that_is_gone_is_told_and_the_layers_count_whole(store: Store) -> None:
    first = await dcdist.describe(store, "web", "1")
    for layer in first.release.layers:
        await store.delete(object_names.layer_index(layer.name))

    second = await dcdist.describe(store, "web", "2")

    assert second.new_bytes == sum(layer.length for layer in second.new_layers)
    assert {each.key for each in second.delta.unreadable} == {
        object_names.layer_index(layer.name) for layer in first.release.layers
    } - {object_names.layer_index(layer.name) for layer in second.release.layers}
    assert second.delta.unreadable != ()

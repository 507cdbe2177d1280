"""Which layers a publish may not delete: those that anybody's release names. One long manifest is held at a time."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from dcdist.catalog.layers_in_use import layers_in_use
from dcdist.errors import FormatError
from dcdist.formats import manifest
from dcdist.model.identity import Digest, LayerName, ReleaseName
from dcdist.model.release import LayerEntry, MetadataFile, Release
from tests.support.memory_store import MemoryStore
from tests.support.planted import bomb, unsigned
from tests.support.publishing import KEY

USED, FREE = LayerName("0a" * 16), LayerName("0b" * 16)


def release(version: str, *layers: LayerName) -> Release:
    entries = tuple(LayerEntry(name, 1, Digest(random.Random(name).randbytes(32))) for name in layers)
    return Release(ReleaseName("web", version), 1, (), entries, ())


class ManifestsHeld(MemoryStore):
    """Counts the whole manifests that are on their way at one moment."""

    now = most = 0

    async def get(self, key: str, *, limit: int) -> bytes:
        self.now += limit == manifest.MANIFEST_LIMIT
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        try:
            return await super().get(key, limit=limit)
        finally:
            self.now -= limit == manifest.MANIFEST_LIMIT


async def test_a_layer_that_a_release_of_nobody_names_is_in_use() -> None:
    store = MemoryStore()
    store.objects["releases/web/1"] = unsigned(release("1", USED), signer="")
    assert await layers_in_use(store, {USED, FREE}, key=KEY.public, ended=()) == {USED}


async def test_a_release_that_cannot_be_read_leaves_the_question_open_and_is_named() -> None:
    store = MemoryStore()
    store.objects |= {"releases/web/1": manifest.seal(release("1", USED), KEY), "releases/web/2": bomb("web@2")}
    with pytest.raises(FormatError, match="releases/web/2"):
        await layers_in_use(store, {USED}, key=KEY.public, ended=())


async def test_long_manifests_are_read_one_after_the_other() -> None:
    store, noise = ManifestsHeld(), random.Random(1)
    for version in "12345678":
        long = replace(release(version, USED), metadata=(MetadataFile("noise", noise.randbytes(300_000)),))
        store.objects[f"releases/web/{version}"] = manifest.seal(long, KEY)
    assert min(map(len, store.objects.values())) > 256 << 10

    assert await layers_in_use(store, {USED, FREE}, key=KEY.public, ended=()) == {USED}
    assert store.most == 1

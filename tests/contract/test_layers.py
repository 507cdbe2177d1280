"""The suite of layer readers, on each adapter: layers of the cache, by their own reader and by that of the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache
from dcdist.errors import DiskError
from dcdist.model.identity import LayerName
from tests.contract.layer_suite import SAMPLE, Cached, LayerReaderSuite
from tests.support.cached_layers import file_layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


NAME = SAMPLE.index.layer


class TestLayerOfTheCache(LayerReaderSuite):
    @pytest.fixture
    async def cached(self, tmp_path: Path) -> AsyncIterator[Cached]:
        async with DirectoryCache(tmp_path) as cache:
            layer = await cache.open(SAMPLE.index)
            with layer.path.open("r+b") as file:
                file.write(SAMPLE.data[: 8 * 262_144])
            layer.add(0b1111_1111)
            yield Cached(layer, tmp_path / "layers" / NAME / "data")
            await layer.close(clean=False)


class TestLayerOfTests(LayerReaderSuite):
    """The stand-in that other suites use keeps the same promises."""

    @pytest.fixture
    def cached(self, tmp_path: Path) -> Cached:
        return Cached(file_layer(tmp_path, SAMPLE, have=0b1111_1111), tmp_path / "data")


async def test_the_cache_reads_a_layer_by_its_name(tmp_path: Path) -> None:
    file_layer(tmp_path / "layers" / NAME, SAMPLE, have=0b1_1111_1111)
    async with DirectoryCache(tmp_path) as cache:
        with cache.reader(NAME) as reader:
            assert reader.read(100, 300_000) == SAMPLE.data[100:300_100]


@pytest.mark.parametrize("name", [NAME, LayerName("../../secret")])
async def test_a_layer_that_is_not_in_the_cache_is_an_error_of_the_disk(tmp_path: Path, name: LayerName) -> None:
    async with DirectoryCache(tmp_path) as cache:
        with pytest.raises(DiskError):
            cache.reader(name)

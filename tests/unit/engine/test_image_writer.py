"""Each frame that arrives is written to all its places, and an image is whole when its last byte is there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache
from dcdist.engine.fetch_plan import FetchPlan, PlannedImage, plan_images
from dcdist.engine.frame_source import FrameReader, FrameSource
from dcdist.engine.image_writer import ImageWriter
from dcdist.errors import InvariantError
from dcdist.model.identity import Digest, ReleaseName
from dcdist.model.release import Image, LayerEntry, Release
from tests.support.engine import RememberingLayer
from tests.support.frames import extents_of, framed_layer, image_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PLAINS = [bytes([letter]) * 100 for letter in b"abcdefghijklmnopqrst"]
UNUSED, LAYER = framed_layer([b"x"], number=1), framed_layer(PLAINS, number=2)
RUNS = [
    [(1, 0, 1950), (0, 0, 500), (1, 0, 100)],
    [(0, 0, 30), (1, 1850, 150)],
    [(0, 0, 70)],
]
IMAGES = [image_of([LAYER], runs) for runs in RUNS]


class ByteImage:
    """An image in memory."""

    def __init__(self, size: int) -> None:
        self.content = bytearray(size)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        self.content[offset : offset + len(data)] = data

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.content[offset : offset + length])

    async def finish(self) -> None:
        return None

    async def abandon(self) -> None:
        return None


def make_plan() -> FetchPlan:
    """Three images out of the second layer of a release; the last one is zeros."""
    layers = tuple(LayerEntry(each.index.layer, len(each.data), Digest(bytes(32))) for each in (UNUSED, LAYER))
    images = tuple(
        Image(f"{number}.raw", len(content), Digest(bytes(32)), Digest(bytes(32)))
        for number, content in enumerate(IMAGES)
    )
    release = Release(ReleaseName("demo", "1"), 1, images, layers, ())
    planned = [PlannedImage(image, extents_of([LAYER], runs)) for image, runs in zip(images, RUNS, strict=True)]
    return plan_images(release, planned, {LAYER.index.layer: LAYER.index})


@dataclass
class Site:
    """A writer of three images, and all its frames in the cache."""

    writer: ImageWriter
    files: list[ByteImage]
    source: FrameSource
    written: list[int]


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[Site]:
    plan, files, written = make_plan(), [ByteImage(len(content)) for content in IMAGES], list[int]()
    async with DirectoryCache(folder) as cache, FrameReader(threads=2) as frames:
        layer = await cache.open(LAYER.index)
        layer.path.write_bytes(LAYER.data)
        writer = ImageWriter(plan, files, frames, written=written.append)
        running = asyncio.ensure_future(writer.run())
        try:
            yield Site(writer, files, FrameSource(layer, RememberingLayer()), written)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await layer.close(clean=False)


def test_a_layer_has_the_number_that_it_has_in_the_release() -> None:
    plan = make_plan()
    assert [(layer.number, layer.index) for layer in plan.layers] == [(1, LAYER.index)]
    assert plan.layer_bytes == len(LAYER.data)


async def test_frames_in_any_order_make_the_images(tmp_path: Path) -> None:
    async with writing(tmp_path) as site:
        site.writer.frames_arrived(site.source, [19, 3])
        site.writer.frames_arrived(site.source, [frame for frame in reversed(range(19)) if frame != 3])
        async with asyncio.timeout(30):
            await site.writer.wait_for_image(0)
            await site.writer.wait_for_image(1)
    assert [bytes(file.content) for file in site.files] == IMAGES
    assert sum(site.written) == 2200


async def test_an_image_of_zeros_is_whole_at_once_and_others_when_their_last_byte_is_there(tmp_path: Path) -> None:
    async with writing(tmp_path) as site:
        await site.writer.wait_for_image(2)
        site.writer.frames_arrived(site.source, [18, 19])
        async with asyncio.timeout(30):
            await site.writer.wait_for_image(1)
        first = asyncio.ensure_future(site.writer.wait_for_image(0))
        await asyncio.sleep(0)
        assert not first.done()
        site.writer.frames_arrived(site.source, range(18))
        async with asyncio.timeout(30):
            await first


async def test_a_frame_that_arrives_twice_is_a_bug(tmp_path: Path) -> None:
    async with DirectoryCache(tmp_path) as cache, FrameReader(threads=1) as frames:
        layer = await cache.open(LAYER.index)
        layer.path.write_bytes(LAYER.data)
        writer = ImageWriter(
            make_plan(), [ByteImage(len(content)) for content in IMAGES], frames, written=lambda _: None
        )
        source = FrameSource(layer, RememberingLayer())
        writer.frames_arrived(source, [18, 19, 19])
        with pytest.raises(ExceptionGroup) as caught:
            await writer.run()
        assert caught.group_contains(InvariantError, match="more bytes were written to an image than it has")
        await layer.close(clean=False)

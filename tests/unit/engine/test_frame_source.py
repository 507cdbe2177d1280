"""Frames are used only after their check; what is not in the file yet is read again after a flush."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from dcdist.disk import DirectoryCache
from dcdist.engine.frame_source import FrameReader, FrameSource
from dcdist.errors import DiskError, IntegrityError
from tests.support.engine import RememberingLayer
from tests.support.frames import framed_layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PLAINS = [b"a" * 1000, b"b" * 2000, b"c" * 3000]
LAYER = framed_layer(PLAINS)


@dataclass
class FlushingLayer(RememberingLayer):
    """A swarm layer that does something when it is flushed."""

    when_flushed: Callable[[], None] = field(default=lambda: None)

    async def flush(self) -> None:
        await super().flush()
        self.when_flushed()


@dataclass
class Site:
    """A source of three frames of which nothing is in the file yet, and what was used of it."""

    source: FrameSource
    swarm_layer: FlushingLayer
    used: list[tuple[int, bytes]] = field(default_factory=list)

    def use(self, frame: int, plain: memoryview) -> None:
        """Note a frame."""
        self.used.append((frame, bytes(plain)))

    def write(self, data: bytes = LAYER.data) -> None:
        """Put bytes into the file."""
        self.source.layer.path.write_bytes(data)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with DirectoryCache(tmp_path) as cache:
        layer = await cache.open(LAYER.index)
        swarm_layer = FlushingLayer()
        yield Site(FrameSource(layer, swarm_layer), swarm_layer)
        await layer.close(clean=False)


@pytest.fixture
async def frames() -> AsyncIterator[FrameReader]:
    async with FrameReader(threads=2) as frames:
        yield frames


async def test_frames_are_unpacked_in_the_order_asked_for_and_without_a_flush(site: Site, frames: FrameReader) -> None:
    site.write()
    await frames.read(site.source, [2, 0], site.use)
    assert site.used == [(2, PLAINS[2]), (0, PLAINS[0])]
    assert site.swarm_layer.flushes == 0


async def test_what_is_not_in_the_file_yet_is_read_again_after_a_flush(site: Site, frames: FrameReader) -> None:
    second = LAYER.index.frames[1].start
    site.write(LAYER.data[:second] + bytes(len(LAYER.data) - second))
    site.swarm_layer.when_flushed = site.write
    await frames.read(site.source, [1, 0, 2], site.use)
    assert site.used == [(0, PLAINS[0]), (1, PLAINS[1]), (2, PLAINS[2])]
    assert site.swarm_layer.flushes == 1


async def test_a_frame_that_is_wrong_after_a_flush_is_an_error_that_names_the_file(
    site: Site, frames: FrameReader
) -> None:
    second = LAYER.index.frames[1].start
    site.write(LAYER.data[:second] + bytes(len(LAYER.data) - second))
    with pytest.raises(IntegrityError, match="frame 1 of layer 00000000000000000000000000000001") as caught:
        await frames.read(site.source, [0, 1, 2], site.use)
    assert caught.value.source == str(site.source.layer.path)
    assert site.used == [(0, PLAINS[0])]


async def test_a_file_that_went_away_is_an_error_of_the_disk(site: Site, frames: FrameReader) -> None:
    site.source.layer.path.unlink()
    with pytest.raises(DiskError):
        await frames.read(site.source, [0], site.use)
    site.write()


async def test_a_use_that_blocks_holds_up_neither_the_loop_nor_the_other_thread(
    site: Site, frames: FrameReader
) -> None:
    """This is the back-pressure of a sink that streams."""
    site.write()
    may_go_on = threading.Event()

    def use_slowly(frame: int, plain: memoryview) -> None:
        may_go_on.wait(30)
        site.use(frame, plain)

    slow = asyncio.ensure_future(frames.read(site.source, [0, 1], use_slowly))
    await frames.read(site.source, [2], site.use)
    assert site.used == [(2, PLAINS[2])]
    may_go_on.set()
    await slow
    assert site.used == [(2, PLAINS[2]), (0, PLAINS[0]), (1, PLAINS[1])]


async def test_an_error_of_the_use_is_raised_and_the_threads_go_on(site: Site, frames: FrameReader) -> None:
    site.write()

    def refuse(frame: int, plain: memoryview) -> None:
        del frame, plain
        raise DiskError("full", path="image")

    for _ in range(5):  # more often than there are threads
        with pytest.raises(DiskError, match="full"):
            await frames.read(site.source, [0], refuse)
    await frames.read(site.source, [0], site.use)
    assert site.used == [(0, PLAINS[0])]
